"""Which SQLite is used, the newest there is; how safe its WAL is; what can be wrong with a file."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import SQLAlchemyError

try:
    # The wheel brings a newer SQLite than distributions do; there is not one for every machine.
    from pysqlite3 import dbapi2

    DRIVER: Any = dbapi2
except ImportError:
    import sqlite3

    DRIVER = sqlite3

VERSION: tuple[int, ...] = DRIVER.sqlite_version_info
WAL_IS_SAFE_SINCE = (3, 51, 3)
"""Earlier releases can corrupt a database in WAL mode (https://sqlite.org/wal.html)."""


def journal_mode(version: tuple[int, ...] = VERSION) -> str:
    """Return the journal mode for a release of SQLite: wal where that is safe, else delete."""
    return "wal" if version >= WAL_IS_SAFE_SINCE else "delete"


def describe_journal(version: tuple[int, ...] = VERSION) -> str:
    """Return in a line how the database keeps its journal, and why."""
    release, safe = (".".join(map(str, one)) for one in (version, WAL_IS_SAFE_SINCE))
    if journal_mode(version) == "wal":
        return f"SQLite {release} keeps a write-ahead log: readers and the writer do not wait."
    return (
        f"SQLite {release} keeps a rollback journal, so readers and the writer wait for each "
        f"other: a write-ahead log is safe only from {safe} on."
    )


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
