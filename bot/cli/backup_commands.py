"""`rj backup`, `rj restore` and `rj key recovery`: encrypted backups, and putting one back."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.bootstrap import open_store
from bot.settings import read_settings
from storage.backends.sqlite_driver import sqlite_file


def backup(
    file: Annotated[
        Path,
        typer.Argument(
            help="A new file, or a folder, where it is named by the time. Copy it elsewhere."
        ),
    ],
    erasures: Annotated[
        bool,
        typer.Option(
            "--erasures",
            help="Only what must stay gone: small, to be written every few minutes.",
        ),
    ] = False,
    keep: Annotated[
        int | None,
        typer.Option(help="In a folder: delete the older ones, all but so many.", min=1),
    ] = None,
) -> None:
    """Write an encrypted backup of the database and its key file, while the service runs."""
    from storage.backups.archive import write_backup, write_erasures

    settings = read_settings()
    if settings.backup_recipient is None:
        sys.exit("BACKUP_RECIPIENT is not set. Make a recovery key with: rj key recovery FILE")
    file_there = sqlite_file(settings.database_url)
    if file_there and not file_there.exists():
        sys.exit("There is no database at DATABASE_URL, so there is nothing to back up.")
    kind, folder = ("erasures" if erasures else "backup"), (file if file.is_dir() else None)
    if folder:
        file = folder / f"{kind}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.age"
    with _said_plainly(), open_store(settings) as database:
        if erasures:
            write_erasures(database, settings.backup_recipient, file)
        else:
            write_backup(database, settings.key_file, settings.backup_recipient, file)
    print(f"Written: {file}")
    if folder and keep:
        # By name is by time. What was just written stays also when a clock was once ahead.
        others = sorted(set(folder.glob(f"{kind}-*Z.age")) - {file})
        for old in others[: len(others) - keep + 1]:
            old.unlink()


def restore(
    file: Annotated[Path, typer.Argument(help="The backup.")],
    key: Annotated[Path, typer.Option("--key", help="The file with the recovery key.")],
    erasures: Annotated[
        list[Path] | None,
        typer.Option("--erasures", help="A later list of erasures; may be given several times."),
    ] = None,
) -> None:
    """Put a backup back where there is no database yet; what is erased stays erased."""
    from storage.backups.archive import restore_backup

    settings = read_settings()
    with _said_plainly():
        done = restore_backup(file, key, erasures or [], settings.database_url, settings.key_file)
    print(f"Restored. The tables are at revision {done.revision}.")
    print(f"Taken out again, because it was gone after the backup: {done.erased_again}.")
    print("All sign-ins, one-time links and invitations have ended. Start the service: rj serve")


def key_recovery(file: Path) -> None:
    """Create a recovery key for backups. Keep the file away from this machine, on paper too."""
    from storage.backups.archive import make_recovery_key

    with _said_plainly():
        public_key = make_recovery_key(file)
    print(f"Made. Set BACKUP_RECIPIENT={public_key}")
    print("Move the file away from this machine: whoever has it can open every backup.")


@contextmanager
def _said_plainly() -> Iterator[None]:
    """End the program with one line when a backup cannot be made or restored."""
    from storage.backups.archive import BackupError

    try:
        yield
    except BackupError as problem:
        sys.exit(str(problem))
