"""What a database is made of, read from the database."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Select, inspect, literal_column, select, table


def schema_of(connection: Connection) -> dict[str, Any]:
    """Return each table's columns, keys, constraints and indexes by name, in no order."""
    schema = inspect(connection)
    return {
        name: {
            "columns": {
                one["name"]: (str(one["type"]), one["nullable"], one["default"])
                for one in schema.get_columns(name)
            },
            "primary key": schema.get_pk_constraint(name),
            "foreign keys": {one["name"]: one for one in schema.get_foreign_keys(name)},
            "unique": {one["name"]: one for one in schema.get_unique_constraints(name)},
            "indexes": {one["name"]: _plain_index(one) for one in schema.get_indexes(name)},
            "numbers once": _gives_numbers_once(connection, name),
        }
        for name in schema.get_table_names()
        if name != "alembic_version"
    }


def _plain_index(index: Mapping[str, Any]) -> dict[str, Any]:
    """Return an index whose condition is text, for SQLAlchemy compares no two of its own."""
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return {**index, "dialect_options": options}


def rows_of(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table as it is stored, with the numbers that were given."""
    every: Select[Any] = select(literal_column("*"))
    return {
        name: sorted(
            (tuple(row) for row in connection.execute(every.select_from(table(name)))), key=repr
        )
        for name in [*inspect(connection).get_table_names(), "sqlite_sequence"]
        if name != "alembic_version"
    }


def _gives_numbers_once(connection: Connection, name: str) -> bool:
    if connection.dialect.name != "sqlite":
        return True  # a sequence never goes back
    text = "SELECT sql LIKE '%AUTOINCREMENT%' FROM sqlite_schema WHERE name = ?"
    return bool(connection.exec_driver_sql(text, (name,)).scalar())
