"""The only file that knows which SQLite is used: the newest there is, and how safe its WAL is."""

from typing import Any

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
