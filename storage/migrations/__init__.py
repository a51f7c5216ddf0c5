"""The schema's history, one file for each revision; the only place that knows Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_HERE = Path(__file__).parent


def upgrade(connection: Connection, to: str) -> None:
    """Bring the schema to revision `to`, within the connection's transaction."""
    command.upgrade(config(connection), to)


def downgrade(connection: Connection, to: str) -> None:
    """Bring the schema back to revision `to`, within the connection's transaction."""
    command.downgrade(config(connection), to)


def revisions() -> list[str]:
    """Return every revision, the oldest first."""
    return [script.revision for script in _scripts().walk_revisions()][::-1]


def draft_revision(connection: Connection, message: str) -> None:
    """Write a new revision file from what differs between the tables and the database."""
    name = f"{len(revisions()) + 1:04}"
    command.revision(config(connection), message, autogenerate=True, rev_id=name)


def config(connection: Connection | None = None) -> Config:
    """Return how Alembic finds the revisions, and on which connection it runs them."""
    options = Config()
    # Alembic reads its options through configparser, where % has a meaning of its own.
    options.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    options.set_main_option("path_separator", "os")
    options.attributes["connection"] = connection
    return options


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(config())
