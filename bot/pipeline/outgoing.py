"""The only way out for what a person will read: the guard is asked, now and just before it goes."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime

from sqlalchemy import Connection

from flows.conversation import Reply
from flows.dialogue.handoff import HELD_FOR
from flows.outbound import guard
from flows.outbound.guard import Go, Kind, NotBefore, Outward, Refuse, SafeContact, Verdict
from flows.wording import FIRST_LANGUAGE, say
from storage.chats import conversations, handoffs, outbox
from storage.chats.outbox import Outgoing
from storage.referrals.steps import CLOCK
from storage.vault import Vault

GUARD = "guard"
"""Under which name a row carries what the guard is asked about it again."""


def answer(
    conn: Connection,
    vault: Vault,
    channel: str,
    chat_id: str,
    replies: Sequence[Reply],
    now: datetime,
    always: bool = False,
) -> Verdict:
    """Answer what a person has just done; say nothing while a member of staff holds the chat."""
    message = Outward(Kind.ANSWER, always=always)
    verdict = guard.check(message, contact(conn, vault, chat_id, "", now), now)
    if isinstance(verdict, Go):
        for reply in replies:
            _put(conn, vault, channel, chat_id, reply, message, "", now)
    return verdict


def come_back(
    conn: Connection,
    vault: Vault,
    chat_id: str,
    reference: str,
    replies: Sequence[Reply],
    message: Outward,
    now: datetime,
) -> Verdict:
    """Let the bot speak again after a member of staff, as far as the guard lets it."""
    known = contact(conn, vault, chat_id, reference, now)
    verdict = guard.check(message, known, now)
    place = handoffs.place_of(conn, vault, chat_id)
    if place and not isinstance(verdict, Refuse):
        for reply in replies:
            _put(conn, vault, place[0], chat_id, reply, message, reference, now, verdict)
    return verdict


def send(
    conn: Connection,
    vault: Vault,
    reference: str,
    reply: Reply,
    message: Outward,
    now: datetime,
    step_id: str,
) -> Verdict:
    """Send approved wording for a member of staff, once for each `step_id`; they hold the chat.

    What has to wait is put in line, and the hold begins when it goes.
    """
    reached = handoffs.reached(conn, vault, reference)
    chat_id = reached.chat_id if reached else None
    verdict = guard.check(message, contact(conn, vault, chat_id, reference, now), now)
    if isinstance(verdict, Refuse) or reached is None or chat_id is None:
        return verdict
    if handoffs.is_kept(conn, step_id):
        return verdict
    goes_at = verdict.time if isinstance(verdict, NotBefore) else None
    handoffs.keep_words(
        conn, vault, reference, "replied", message.by, reply.text, now, goes_at, step_id
    )
    _put(conn, vault, reached.channel, chat_id, reply, message, reference, now, verdict)
    if goes_at is None:
        handoffs.hold(conn, chat_id, message.by, reference, now + HELD_FOR)
    return verdict


def contact(
    conn: Connection, vault: Vault, chat_id: str | None, reference: str, now: datetime
) -> SafeContact:
    """Return what is known of writing to a person in a chat, now; without a referral, little."""
    held = handoffs.holder(conn, chat_id, now) if chat_id else None
    held_by = held.who if held else ""
    if not reference:
        is_open = chat_id is not None and handoffs.is_open(conn, chat_id)
        return SafeContact(chat_open=is_open, held_by=held_by)
    found = handoffs.reached(conn, vault, reference)
    if found is None or found.chat_id is None or found.chat_id != chat_id:
        return SafeContact(held_by=held_by)
    return guard.contact_in(
        found.record, found.stage, found.owner, found.may_contact, found.chat_open, held_by
    )


def may_go(conn: Connection, vault: Vault, row: Outgoing, now: datetime) -> bool:
    """Ask the guard again just before a row is sent; what may not go now is put off or withheld."""
    if row.kind != "say":
        return True
    message, reference = _carried(row)
    known = contact(conn, vault, row.chat_id, reference, now)
    if message.kind == Kind.RETURN and row.chat_id:
        known = replace(known, came_first=handoffs.heard_since(conn, row.chat_id, row.put_at))
    match guard.check(message, known, now):
        case Go():
            return True
        case NotBefore(time):
            outbox.put_off(conn, row.id, time)
        case Refuse(reason):
            outbox.withhold(conn, row.id, now)
            _note_unsent(conn, vault, row, reason, now)
    return False


def has_gone(conn: Connection, row: Outgoing, now: datetime) -> None:
    """Note that a row was sent: a message of staff that had to wait begins their hold now."""
    message, reference = _carried(row)
    waited = bool(row.body.get(GUARD, {}).get("waited"))
    if row.kind == "say" and row.chat_id and message.kind == Kind.STAFF and waited:
        handoffs.hold(conn, row.chat_id, message.by, reference, now + HELD_FOR)


def not_sent(conn: Connection, vault: Vault, row: Outgoing, now: datetime) -> None:
    """Note that a row cannot be sent at all: staff see which of theirs never went."""
    if row.kind == "say":
        _note_unsent(conn, vault, row, "chat_closed", now)


def close_chat(conn: Connection, vault: Vault, chat_id: str, now: datetime) -> None:
    """Write no more to a chat that was closed; staff see which of their messages never went."""
    for row in outbox.waiting_in(conn, vault, chat_id):
        not_sent(conn, vault, row, now)
    conversations.close_chat(conn, chat_id, now)
    outbox.drop_chat(conn, chat_id)


def _put(
    conn: Connection,
    vault: Vault,
    channel: str,
    chat_id: str,
    reply: Reply,
    message: Outward,
    reference: str,
    now: datetime,
    verdict: Verdict | None = None,
) -> None:
    goes_at = verdict.time if isinstance(verdict, NotBefore) else None
    asked = {**asdict(message), "reference": reference, "waited": goes_at is not None}
    body = {**asdict(reply), GUARD: asked}
    outbox.put(conn, vault, channel, "say", body, now, chat_id, goes_at)


def _carried(row: Outgoing) -> tuple[Outward, str]:
    """Return what a row says of itself; one that says nothing is an answer."""
    told = row.body.get(GUARD, {})
    message = Outward(
        Kind(told.get("kind", Kind.ANSWER)),
        str(told.get("variant", "")),
        str(told.get("by", "")),
        told.get("always") is True,
    )
    return message, str(told.get("reference", ""))


def _note_unsent(conn: Connection, vault: Vault, row: Outgoing, reason: str, now: datetime) -> None:
    """Staff see on the timeline that a message of theirs was not sent, and why."""
    message, reference = _carried(row)
    if message.kind == Kind.STAFF and handoffs.reached(conn, vault, reference):
        why = say(FIRST_LANGUAGE, f"desk.no_reply.{reason}")
        handoffs.keep_words(conn, vault, reference, "not_sent", CLOCK, why, now)
