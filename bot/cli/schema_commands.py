"""`rj migrate`: the schema's way to the newest revision, and back for the release before."""

from typing import Annotated

import typer

from bot.settings import read_settings


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

    database = Database(read_settings().database_url)
    try:
        if back_to is None:
            database.migrate()
        else:
            database.migrate_back(back_to)
        print(f"The tables are at revision {database.revision()}.")
    finally:
        database.close()
