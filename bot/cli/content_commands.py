"""`rj content` and `rj key`: check the wording, list missed questions, make and rotate keys."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import typer

from bot.bootstrap import open_store
from bot.settings import read_settings

content_app = typer.Typer(help="The wording and settings in flows/content.", no_args_is_help=True)
key_app = typer.Typer(help="The key file that encrypts personal data.", no_args_is_help=True)


@content_app.command("check")
def content_check() -> None:
    """Check all content: missing or unused keys, length, reading grade, review dates, metrics."""
    from bot.proofreading import proofread

    report = proofread(datetime.now(UTC).date())
    for line in report.figures:
        print(f"       {line}")
    for line in report.warnings:
        print(f"note   {line}")
    for line in report.errors:
        print(f"WRONG  {line}")
    print(f"{len(report.errors)} wrong, {len(report.warnings)} to look at")
    raise typer.Exit(1 if report.errors else 0)


@content_app.command()
def missed() -> None:
    """List the questions without an answer that people agreed to pass on."""
    from storage.reports import missed_questions as kept

    with open_store(read_settings()) as database, database.reading() as unit:
        for one in kept.list_missed_questions(unit):
            print(f"{one.at:%d %b %Y}  {one.text}")


@key_app.command("make")
def key_make(file: Path) -> None:
    """Create a key file, readable by its owner only. Keep a copy apart from the database."""
    from storage.vault import Vault

    if file.exists():
        sys.exit("There is a file of that name already. A key is never written over.")
    Vault.open(file, create=True)
    print(f"Made. Set VAULT_KEY_FILE={file}")


@key_app.command("rotate")
def key_rotate(file: Path) -> None:
    """Add a key that seals from the next start on; earlier keys still unseal what is stored."""
    from storage.vault import Vault

    Vault.rotate(file)
    print("A new key is in use. Start the service again to use it.")
