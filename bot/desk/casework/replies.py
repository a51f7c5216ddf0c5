"""Staff write to a person through the bot: approved wording only, and only as the guard allows."""

import re
import secrets
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection
from sqlmodel import Session
from starlette.responses import Response

from bot.desk.guard import At, Page
from bot.pipeline import handoff_relay, outgoing
from flows.outbound import guard, reply_templates
from flows.outbound.guard import Kind, NotBefore, Outward, Refuse, SafeContact, Verdict
from flows.outbound.reply_templates import Chosen
from flows.service import service
from flows.wording import FIRST_LANGUAGE, offered
from storage import logbook
from storage.chats import handoffs
from storage.chats.handoffs import Hold
from storage.referrals import lifecycle
from storage.referrals.lifecycle import Taken

_ONCE = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Stands:
    """How writing to this person stands. `verdict` is on the plainest message of all."""

    contact: SafeContact
    language: str
    held: Hold | None
    verdict: Verdict
    wrote: tuple[Taken, ...]
    replied: tuple[Taken, ...]

    @property
    def variant(self) -> str:
        """Return the variant that this person will read."""
        return guard.variant(self.contact)

    @property
    def refused(self) -> str:
        """Return why nothing can be sent, as a reason of the guard; "" when it can."""
        return self.verdict.reason if isinstance(self.verdict, Refuse) else ""

    @property
    def goes_at(self) -> datetime | None:
        """Return when it would go; None for at once, or never."""
        return self.verdict.time if isinstance(self.verdict, NotBefore) else None


async def show(at: At) -> Response:
    """Return the page: what the person wrote, what was sent, and what can be said."""
    stands = await at.read(lambda session: _stands(session, at))
    await _look(at, stands)
    return _page(at, stands)


async def write(at: At) -> Response:
    """Show the message word for word; once it was seen, send it."""
    stands = await at.read(lambda session: _stands(session, at))
    chosen = _chosen(at)
    if stands.refused:
        return _page(at, stands, status=409)
    if chosen is None:
        return _page(at, stands, ("which",), 422)
    problems = tuple(reply_templates.wrong(chosen, stands.variant, stands.language, at.now))
    if problems:
        return _page(at, stands, problems, 422)
    seen_as = at.form.get("variant") == stands.variant
    if at.form.get("do") != "send" or not seen_as or not _ONCE.fullmatch(at.form.get("once", "")):
        return _seen(at, stands, chosen)
    return await _send(at, stands, chosen)


async def give_back(at: At) -> Response:
    """Give the conversation back to the bot, if it is still held."""
    vault, reference = at.desk.vault, at.reference

    def back(conn: Connection) -> None:
        found = handoffs.reached(conn, vault, reference)
        own = handoffs.holder(conn, found.chat_id, at.now) if found and found.chat_id else None
        if own and own.who == at.who:
            handoff_relay.give_back(conn, vault, own, at.now)

    await at.write(back)
    return at.go(f"/desk/r/{reference}/reply?told=given_back")


async def _send(at: At, stands: Stands, chosen: Chosen) -> Response:
    vault, reference, variant = at.desk.vault, at.reference, stands.variant
    message = Outward(Kind.STAFF, variant, at.who)
    reply = reply_templates.message(chosen, variant, stands.language)

    def sent(conn: Connection) -> Verdict:
        once = at.form["once"]
        verdict = outgoing.send(conn, vault, reference, reply, message, at.now, once)
        refused = isinstance(verdict, Refuse)
        logbook.write(conn, vault, at.who, "reply", at.now, reference, refused=refused)
        return verdict

    if isinstance(await at.write(sent), Refuse):
        return _page(at, await at.read(lambda session: _stands(session, at)), status=409)
    return at.go(f"/desk/r/{reference}/reply?told=sent")


async def _look(at: At, stands: Stands) -> None:
    """What the person wrote was looked at: a line of the logbook, and it is not new any more."""
    vault, reference = at.desk.vault, at.reference

    def looked(conn: Connection) -> None:
        logbook.write(conn, vault, at.who, "read", at.now, reference)
        handoffs.seen(conn, reference)

    if stands.wrote:
        await at.desk.database.write(looked)


def _stands(session: Session, at: At) -> Stands:
    conn, vault = session.connection(), at.desk.vault
    found = handoffs.reached(conn, vault, at.reference)
    chat_id = found.chat_id if found else None
    known = outgoing.contact(conn, vault, chat_id, at.reference, at.now)
    steps = lifecycle.history(session, vault, at.reference)
    newest = tuple(reversed(steps))
    own = handoffs.holder(conn, chat_id, at.now) if chat_id else None
    return Stands(
        contact=known,
        language=offered(found.record.language) if found else FIRST_LANGUAGE,
        held=own if own and own.who == at.who else None,
        verdict=guard.check(Outward(Kind.STAFF, by=at.who), known, at.now),
        wrote=tuple(step for step in newest if step.act == "wrote"),
        replied=tuple(step for step in newest if step.act in ("replied", "not_sent")),
    )


def _chosen(at: At) -> Chosen | None:
    one = reply_templates.wording(at.form.get("which", ""))
    if one is None:
        return None
    return Chosen(
        one,
        _day(at.form.get("day", "")),
        at.form.get("part", ""),
        at.form.get("first_name", "").strip(),
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _seen(at: At, stands: Stands, chosen: Chosen) -> Response:
    """Return the message as the person will read it, with the button that sends it."""
    message = reply_templates.message(chosen, stands.variant, stands.language)
    once = secrets.token_hex(16)
    return at.page("reply_seen.html", stands=stands, message=message, chosen=chosen, once=once)


def _page(at: At, stands: Stands, problems: tuple[str, ...] = (), status: int = 200) -> Response:
    variant, language = stands.variant, stands.language
    offers = [
        (one.id, reply_templates.message(_example(one, at), variant, language).text)
        for one in reply_templates.wordings()
    ]
    days = [
        (day.isoformat(), reply_templates.day_said(day, language))
        for day in reply_templates.days(at.now)
    ]
    told = at.asked("told")
    return at.page(
        "reply.html",
        status,
        stands=stands,
        offers=offers,
        days=days,
        parts=list(service().windows),
        problems=problems,
        kept={"first_name": at.who.capitalize(), **at.form},
        told=told if told in ("sent", "given_back") else "",
    )


def _example(one: reply_templates.Wording, at: At) -> Chosen:
    """Return the wording with what is chosen at first, so that staff see how it reads."""
    part = at.form.get("part", "")
    chosen = _day(at.form.get("day", ""))
    days = reply_templates.days(at.now)
    return Chosen(
        one,
        chosen if chosen in days else days[0],
        part if part in service().windows else next(iter(service().windows)),
        at.form.get("first_name", "").strip() or at.who.capitalize(),
    )


PAGES = (
    Page("/desk/r/{reference}/reply", "GET", "reply", show),
    Page("/desk/r/{reference}/reply", "POST", "reply", write),
    Page("/desk/r/{reference}/reply/back", "POST", "reply", give_back),
)
