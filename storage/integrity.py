"""What can be wrong with a SQLite database, in plain words for `rj doctor` and a restore."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import SQLAlchemyError


def sqlite_file(url: str) -> Path | None:
    """Return the file that a database's URL names, None for another kind of database."""
    try:
        read = make_url(url)
    except SQLAlchemyError:
        return None
    is_file = read.get_backend_name() == "sqlite" and read.database not in (None, "", ":memory:")
    return Path(read.database or "") if is_file else None


def permission_problems(path: Path) -> list[str]:
    """Return whether others than its owner can read a file."""
    if os.name != "posix" or not stat.S_IMODE(path.stat().st_mode) & 0o077:
        return []
    return [f"Others can read the database. Type: chmod 600 {path}"]


def wrong_pragmas(connection: Connection, expected: Mapping[str, str | int]) -> list[str]:
    """Return the pragmas of a connection that are not as expected."""
    found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in expected}
    wrong = [(name, value) for name, value in expected.items() if found[name] != value]
    return [f"SQLite has {name}={found[name]}, not {value}." for name, value in wrong]


def integrity_problems(connection: Connection) -> list[str]:
    """Return whether the file is damaged, and whether rows belong to nothing."""
    seen = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    damaged = [] if seen == ["ok"] else ["The database file is damaged. Put back a copy."]
    broken = ["Some rows belong to nothing."] if violates_foreign_keys(connection) else []
    return damaged + broken


def violates_foreign_keys(connection: Connection) -> bool:
    """Return whether a row refers to one that is not there; False for PostgreSQL."""
    if connection.dialect.name != "sqlite":
        return False
    return connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None
