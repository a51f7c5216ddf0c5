"""Drafts a new revision: python -m storage.migrations "what changes"."""

import sys
import tempfile
from pathlib import Path

from storage import migrations
from storage.database import Database


def main(message: str) -> None:
    """Write a revision that leads from the newest one to the tables as they are now."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder, 'draft.db')}")
        database.migrate()
        with database.transaction() as connection:
            migrations.draft_revision(connection, message)
        database.close()


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
