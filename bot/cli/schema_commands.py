"""`rj migrate`: the schema's way to the newest revision, and back for the release before."""

import sys
from typing import Annotated

import typer

from bot.settings import read_settings

OLDEST_WAY_BACK = "0003"
"""Release 0.1, before it, does not read the names in what is sealed since."""


def migrate(
    back_to: Annotated[
        str | None,
        typer.Option(
            "--back-to",
            metavar="REVISION",
            help="Go back to this revision, with this release, before an older one is started.",
        ),
    ] = None,
) -> None:
    """Migrate the database to the newest revision of the schema, or back to an earlier one."""
    from storage.database import Database

    if back_to is not None and back_to < OLDEST_WAY_BACK:
        sys.exit("Release 0.1 cannot read what was written since. Restore the backup: rj restore")
    database = Database(read_settings().database_url)
    try:
        if back_to is None:
            database.migrate()
        else:
            database.migrate_back(back_to)
        print(f"The tables are at revision {database.revision()}.")
    finally:
        database.close()
