"""Partner officers from the command line: who is known, a link for a new one, and revoking."""

import asyncio
import json
import sys
from typing import Annotated

import typer

from bot.bootstrap import open_store
from bot.cli.queue_commands import JsonOption
from bot.cli.staff_commands import CLI_ACTOR
from bot.pipeline import officer_access
from bot.pipeline.officer_access import InvalidOfficer, RevocationReason
from bot.settings import Settings, read_settings
from storage.chats import officer_registry
from storage.chats.officer_registry import OpenInvitation, RegisteredOfficer
from storage.chats.officers import INVITATION_HOURS

officers_app = typer.Typer(help="Partner officers: list, invite, revoke.")


@officers_app.command()
def invite(
    name: Annotated[str, typer.Option(prompt="Name and role")],
    agency: Annotated[str, typer.Option(prompt="Force or agency")],
    contact: Annotated[str, typer.Option(prompt="Work email or phone")],
    hours: Annotated[
        int, typer.Option(help="Hours until the invitation expires.")
    ] = INVITATION_HOURS,
    bot_name: Annotated[str, typer.Option("--bot", help="The bot's user name on Telegram.")] = "",
) -> None:
    """Invite a partner officer: one code, used once, as a Telegram link and a browser link."""
    settings = read_settings()
    try:
        officer = officer_access.officer_from_text(name, agency, contact)
    except InvalidOfficer as invalid:
        sys.exit(str(invalid))
    with open_store(settings) as database, database.unit() as unit:
        code = officer_access.invite(unit, officer, CLI_ACTOR, hours)
    username = bot_name or _telegram_username(settings)
    links = officer_access.invitation_links(code, username, settings.public_url)
    print(links.telegram or f"/start i_{code}")
    if links.browser:
        print(links.browser)


@officers_app.command("list")
def print_officers(as_json: JsonOption = False) -> None:
    """List the officers and the open invitations; the first column is what revoke takes."""
    with open_store(read_settings()) as database, database.reading() as unit:
        known = officer_registry.list_officers(unit)
        invited = officer_registry.list_open_invitations(unit)
    rows = [*map(_officer_json, known), *map(_invitation_json, invited)]
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        print(f"{row['key']}  {row['state']:<12}  {row['name']}, {row['agency']}, {row['contact']}")
    if not rows:
        print("No officer is known. Type: rj officers invite")


@officers_app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="As rj officers list says it: officer-...")],
    reason: Annotated[RevocationReason, typer.Option(help="For the logbook.")],
) -> None:
    """Revoke an officer in all their chats and browsers, and end their open invitations."""
    with open_store(read_settings()) as database, database.unit() as unit:
        revoked = officer_access.revoke(unit, key, reason, CLI_ACTOR)
    if not revoked.anything:
        sys.exit(f"There is no officer called {key}, or they are revoked already.")
    chats, invitations = len(revoked.chat_ids), revoked.invitations
    print(f"Revoked. Chats and browsers: {chats}. Invitations ended: {invitations}.")


def _officer_json(one: RegisteredOfficer) -> dict[str, object]:
    state = "revoked" if one.revoked_at else "verified" if one.verified else "unverified"
    return {
        **{"key": one.key, "state": state, "chats": one.chats},
        **_details_json(one),
        "last_used_at": one.seen_at.isoformat(),
        "revoked_at": one.revoked_at.isoformat() if one.revoked_at else None,
    }


def _invitation_json(one: OpenInvitation) -> dict[str, object]:
    own: dict[str, object] = {"key": one.key, "state": "invited", "chats": 0}
    return {**own, **_details_json(one), "expires_at": one.expires_at.isoformat()}


def _details_json(one: RegisteredOfficer | OpenInvitation) -> dict[str, object]:
    officer = one.officer
    return {
        **{"name": officer.name, "agency": officer.agency, "contact": officer.contact},
        "invited_by": one.invited_by or None,
        "invited_at": one.invited_at.isoformat() if one.invited_at else None,
    }


def _telegram_username(settings: Settings) -> str:
    """Return the bot's user name from Telegram, or nothing without a token."""
    from bot.channels.telegram import build_bot

    if settings.telegram_bot_token is None:
        return ""

    async def ask() -> str:
        async with build_bot(settings) as bot:
            return str(bot.username)

    return asyncio.run(ask())
