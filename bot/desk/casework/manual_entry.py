"""A referral that came by telephone or on paper: staff type it into the same questions."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlmodel import Session
from starlette.responses import Response

from bot.desk.guard import At, Page
from bot.web.fields import Field, fields_of, filled_of, grouped
from bot.web.page_payload import PAGE, TYPED, filled_body
from flows.conversation import Conversation, Filled
from flows.dialogue import form
from flows.dialogue.form import Problem
from storage.chats import conversations, inbox
from storage.chats.inbox import Arrival
from storage.serialization import write as as_text

DOORS, WHO = ("phone", "paper"), ("self", "officer")
NOT_HERE = ("here",)
"""An answer that needs a chat: nobody can be messaged where they rang from."""
LOOK_EVERY, AT_MOST = 0.03, 5.0
"""Seconds between looks for the reference, and until the page goes on without it."""


async def ask(at: At) -> Response:
    """Ask how it came and whose words it is; or show the form, once that is known."""
    who, door = at.asked("who"), at.asked("door")
    if who not in WHO or door not in DOORS:
        return at.page("new.html", chosen=bool(who or door), who=who, door=door)
    return _form(at, who, door, _blank(who))


async def take(at: At) -> Response:
    """Check the form; once it was read out and agreed to, send it."""
    who, door = at.form.get("who", ""), at.form.get("door", "")
    if who not in WHO or door not in DOORS:
        return at.go("/desk/new")
    blank = _blank(who)
    filled = form.whole(blank, filled_of(blank, at.form))
    read, problems = form.read_form(blank, filled, at.now)
    if at.form.get("do") == "change":
        return _form(at, who, door, blank, at.form)
    why_not = form.why_not(read)
    if not why_not:
        wrong = {one.question for one in problems}
        missing = [one for one in form.problems_of(read) if one.question not in wrong]
        problems = (*problems, *missing)
    if problems or why_not:
        return _form(at, who, door, blank, at.form, problems, why_not)
    if at.form.get("do") != "send" or at.form.get("agreed_aloud") != "yes":
        return _check(at, who, door, read, filled)
    return await _send(at, who, door, filled)


def _blank(who: str) -> Conversation:
    return Conversation(journey=who)


def _form(
    at: At,
    who: str,
    door: str,
    blank: Conversation,
    given: Mapping[str, str] | None = None,
    problems: Sequence[Problem] = (),
    why_not: str = "",
) -> Response:
    fields = [_offered(one) for one in fields_of(blank, given, problems)]
    groups = grouped(who, fields)
    return at.page(
        "new_form.html",
        422 if problems or why_not else 200,
        groups=groups,
        wrong=[field for group in groups for field in group.fields if field.problem],
        why_not=why_not,
        who=who,
        door=door,
        once=_once(at),
    )


def _check(at: At, who: str, door: str, read: Conversation, filled: Filled) -> Response:
    return at.page(
        "new_check.html",
        422 if at.form.get("do") == "send" else 200,
        lines=form.lines(read),
        filled=[pair for pair in filled if pair[1] != form.LEFT],
        unticked=at.form.get("do") == "send",
        who=who,
        door=door,
        once=_once(at),
    )


async def _send(at: At, who: str, door: str, filled: Filled) -> Response:
    """Keep it as anything that comes in, once however often it is sent; show its reference."""
    signed, vault = at.signed.id if at.signed else "", at.desk.vault
    address = vault.fingerprint(as_text(["typed", signed, _once(at)]))
    body = filled_body(TYPED, address, filled, who, send=True, typed_by=at.who, door=door)
    arrival = Arrival(address, address, body)
    await at.write(lambda conn: inbox.keep(conn, vault, PAGE, [arrival], at.now))
    reference = await _reference(at, address)
    await at.note("take_down", reference, door)
    return at.page("new_done.html", reference=reference)


async def _reference(at: At, address: str) -> str:
    """Return the reference that it was given; "" when it is not answered yet."""
    loop = asyncio.get_running_loop()
    until = loop.time() + AT_MOST
    while loop.time() < until:
        found = await at.read(lambda session: _sent_as(at, session, address))
        if found:
            return found
        await asyncio.sleep(LOOK_EVERY)
    return ""


def _sent_as(at: At, session: Session, address: str) -> str:
    conn, vault = session.connection(), at.desk.vault
    found = conversations.recall(conn, vault, TYPED, address, at.now).conversation
    return found.receipt.reference if found.receipt else ""


def _offered(field: Field) -> Field:
    """Return a field without the answers that only a chat can keep."""
    options = tuple(one for one in field.asked.options if one[0] not in NOT_HERE)
    return replace(field, asked=replace(field.asked, options=options))


def _once(at: At) -> str:
    return at.form.get("once", "")[:60] or secrets.token_urlsafe(12)


PAGES = (
    Page("/desk/new", "GET", "take_down", ask),
    Page("/desk/new", "POST", "take_down", take),
)
