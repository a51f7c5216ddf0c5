"""Which revision of the schema a database is at, and which is the newest.

Every start of a command asks, and Alembic alone takes as long to import as the rest of one.
"""

from pathlib import Path

from sqlalchemy import Connection, column, inspect, select, table

_VERSIONS = Path(__file__).parent / "migrations" / "versions"
_STORED = table("alembic_version", column("version_num"))
"""Where Alembic keeps the revision."""


def newest_revision() -> str:
    """Return the newest revision that this program knows: files are named by theirs."""
    return max(file.name.partition("_")[0] for file in _VERSIONS.glob("[0-9]*_*.py"))


def stored_revision(connection: Connection) -> str | None:
    """Return the revision the database is at, None when it is empty."""
    if not inspect(connection).has_table(_STORED.name):
        return None
    return connection.execute(select(_STORED.c.version_num)).scalar_one_or_none()
