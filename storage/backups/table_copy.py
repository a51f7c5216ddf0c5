"""Every row of one database copied into another, of whichever kind: sealed as it is stored."""

from pathlib import Path

from sqlalchemy import BigInteger, Connection, Integer, Table, exists, func, insert, select

from storage.backends.sqlite import SqliteBackend
from storage.database import Database
from storage.web_tables import METADATA

_ROWS_AT_A_TIME = 500


def copy_to_file(database: Database, path: Path) -> None:
    """Write a consistent copy to a new SQLite file while others read and write."""
    if isinstance(database.backend, SqliteBackend):
        database.backend.copy_to(path)
        return
    copy = Database(f"sqlite:///{path}")
    try:
        copy.migrate()
        with database.backend.reader.begin() as source, copy.transaction() as target:
            copy_rows(source, target)
        copy.backend.truncate_journal()
    finally:
        copy.close()


def holds_rows(connection: Connection) -> bool:
    """Return whether any table has a row."""
    return any(connection.scalar(select(exists(select(table)))) for table in METADATA.sorted_tables)


def copy_rows(source: Connection, target: Connection) -> None:
    """Copy every row into tables of the same schema that are empty."""
    for table in METADATA.sorted_tables:
        found = source.execution_options(yield_per=_ROWS_AT_A_TIME).execute(select(table))
        for rows in found.mappings().partitions():
            target.execute(insert(table), [dict(row) for row in rows])
        if target.dialect.name == "postgresql":
            _continue_numbers(target, table)


def _continue_numbers(connection: Connection, table: Table) -> None:
    """Let the next row of a numbered table have the next number; PostgreSQL counts apart."""
    column = table.autoincrement_column
    if column is None or not isinstance(column.type, Integer | BigInteger):
        return
    newest = connection.scalar(select(func.max(column)))
    if newest is not None:
        sequence = func.pg_get_serial_sequence(table.name, column.name)
        connection.execute(select(func.setval(sequence, newest)))
