"""`rj staff`: invite, list and disable accounts; creates the first administrator."""

import sys
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
    settings = read_settings()
    with open_store(settings) as database, database.unit() as unit:
        try:
            known = staff.normalize_account_name(name)
            if again:
                code = staff.reinvite_staff(unit, known, CLI_ACTOR)
                staff.change_role(unit, known, role)
            else:
                code = staff.invite_staff(unit, known, role, CLI_ACTOR)
        except staff.InvalidAccountName as wrong:
            sys.exit(str(wrong))
        except staff.AccountNameTaken:
            sys.exit(f"{known} is in use, or was once. For a new code add: --again")
        except staff.NoSuchAccount:
            sys.exit(f"There is no account called {known}.")
        except staff.OwnsOpenReferrals as owns:
            sys.exit(_open_cases_message(known, owns))
        logbook.add_logbook_line(unit, CLI_ACTOR, "invite", known, role)
    print(f"The one-time code for {known}, {role}, good for 72 hours: {code}")
    address = settings.public_url or f"http://{settings.host}:{settings.port}"
    print(f"It is taken up at {address.rstrip('/')}/desk/join?code={quote(code)}")


@staff_app.command("list")
def print_accounts() -> None:
    """List the accounts: name, role, and invited, joined or disabled."""
    with open_store(read_settings()) as database, database.reading() as unit:
        members = staff.list_accounts(unit)
    for one in members:
        state = "disabled" if one.disabled_at else "joined" if one.joined_at else "invited"
        print(f"{one.name:<40}  {one.role:<13}  {state}")
    if not members:
        print("There is no account. Type: rj staff invite NAME --role administrator")


@staff_app.command()
def disable(name: str) -> None:
    """Disable an account and end its sign-ins; refused while it owns open referrals."""
    with open_store(read_settings()) as database, database.unit() as unit:
        try:
            staff.disable_account(unit, name)
        except staff.NoSuchAccount:
            sys.exit(f"There is no account called {name}, or it is disabled.")
        except staff.OwnsOpenReferrals as owns:
            sys.exit(_open_cases_message(name, owns))
        logbook.add_logbook_line(unit, CLI_ACTOR, "disable", name)
    print(f"{name} is disabled. All sign-ins have ended.")


def _open_cases_message(name: str, owns: staff.OwnsOpenReferrals) -> str:
    return f"{name} still has open referrals: {', '.join(owns.references)}. Hand them over first."
