"""`rj staff`: invite, list and disable accounts; the way in for the first administrator."""

import sys
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

import typer

from bot.bootstrap import open_store
from bot.desk.permissions import Role
from bot.settings import read_settings
from storage import logbook
from storage.accounts import staff

CLI_ACTOR = "command line"
staff_app = typer.Typer(help="Staff accounts. There is none until you invite one.")


@staff_app.command()
def invite(
    name: str,
    role: Annotated[Role, typer.Option(help="The role of the account.")],
    again: Annotated[
        bool, typer.Option("--again", help="Reissue the invitation of an existing account.")
    ] = False,
) -> None:
    """Create an account and print its one-time invitation, valid for 72 hours."""
    settings, now = read_settings(), datetime.now(UTC)
    with open_store(settings) as (database, vault), database.transaction() as connection:
        try:
            known = staff.normalize_account_name(name)
            if again:
                code = staff.reinvite_staff(connection, vault, known, CLI_ACTOR, now)
                staff.change_role(connection, known, role, now)
            else:
                code = staff.invite_staff(connection, vault, known, role, CLI_ACTOR, now)
        except staff.InvalidAccountName as wrong:
            sys.exit(str(wrong))
        except staff.AccountNameTaken:
            sys.exit(f"{known} is in use, or was once. For a new code add: --again")
        except staff.NoSuchAccount:
            sys.exit(f"There is no account called {known}.")
        except staff.OwnsOpenReferrals as owns:
            sys.exit(_open_cases_message(known, owns))
        logbook.add_logbook_line(connection, vault, CLI_ACTOR, "invite", now, known, role)
    print(f"The one-time code for {known}, {role}, good for 72 hours: {code}")
    address = settings.public_url or f"http://{settings.host}:{settings.port}"
    print(f"It is taken up at {address.rstrip('/')}/desk/join?code={quote(code)}")


@staff_app.command("list")
def print_accounts() -> None:
    """List the accounts: name, role, and invited, joined or disabled."""
    with open_store(read_settings()) as (database, _), database.session() as session:
        members = staff.list_accounts(session)
    for one in members:
        state = "disabled" if one.disabled_at else "joined" if one.joined_at else "invited"
        print(f"{one.name:<40}  {one.role:<13}  {state}")
    if not members:
        print("There is no account. Type: rj staff invite NAME --role administrator")


@staff_app.command()
def disable(name: str) -> None:
    """Disable an account and end its sign-ins; refused while it owns open referrals."""
    now = datetime.now(UTC)
    with open_store(read_settings()) as (database, vault), database.transaction() as connection:
        try:
            staff.disable_account(connection, name, now)
        except staff.NoSuchAccount:
            sys.exit(f"There is no account called {name}, or it is disabled.")
        except staff.OwnsOpenReferrals as owns:
            sys.exit(_open_cases_message(name, owns))
        logbook.add_logbook_line(connection, vault, CLI_ACTOR, "disable", now, name)
    print(f"{name} is disabled. All sign-ins have ended.")


def _open_cases_message(name: str, owns: staff.OwnsOpenReferrals) -> str:
    return f"{name} still has open referrals: {', '.join(owns.references)}. Hand them over first."
