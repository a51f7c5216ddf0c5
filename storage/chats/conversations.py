"""Recalls where a person stands and remembers it: one conversation a chat, answers as events."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from flows.conversation import Answer, Conversation, Officer
from storage.referrals.references import fresh_reference
from storage.serialization import Unreadable, read, write
from storage.tables import ANSWER, CHAT, CONVERSATION, OFFICER, AnyRow, new_id
from storage.vault import Vault

OFFICER_DAYS = 90


class Stale(Exception):
    """Somebody else wrote this conversation first; recall it and try again."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """A conversation as it is kept, and what is needed to write it back.

    `new` when nothing at all is kept about this chat yet, `closed` when it cannot be written
    to. `version` is 0 for a conversation not yet kept; `kept` are the rows of its answers.
    """

    chat_id: str
    conversation_id: str
    conversation: Conversation
    channel: str
    address: str
    closed: bool = False
    new: bool = False
    version: int = 0
    kept: tuple[str, ...] = ()
    next_n: int = 0
    officer: Officer | None = None
    officer_seen: datetime | None = None


_PERSON = (
    select(
        CHAT.c.id,
        CHAT.c.closed_at,
        CONVERSATION.c.id.label("conversation_id"),
        CONVERSATION.c.version,
        CONVERSATION.c.body,
        OFFICER.c.body.label("officer"),
        OFFICER.c.seen_at,
    )
    .select_from(CHAT)
    .outerjoin(CONVERSATION, CONVERSATION.c.chat_id == CHAT.c.id)
    .outerjoin(OFFICER, OFFICER.c.chat_id == CHAT.c.id)
    .where(CHAT.c.address_print == bindparam("mark"))
)
_ANSWERS = (
    select(ANSWER.c.id, ANSWER.c.n, ANSWER.c.body)
    .where(ANSWER.c.conversation_id == bindparam("conversation"))
    .order_by(ANSWER.c.n)
)
_CHANGE = (
    update(CONVERSATION)
    .where(CONVERSATION.c.id == bindparam("mine"), CONVERSATION.c.version == bindparam("before"))
    .values(
        version=bindparam("version"),
        stage=bindparam("stage"),
        reference=bindparam("reference"),
        body=bindparam("body"),
        heard_at=bindparam("heard_at"),
        sent_at=bindparam("sent_at"),
        blanked_at=None,
    )
)


def recall(conn: Connection, vault: Vault, channel: str, address: str, now: datetime) -> Recalled:
    """Return what is kept of the chat at `address`; writes nothing.

    A conversation without a reference, or with one already sent, gets a fresh one. Raises
    VaultError when what is kept cannot be opened.
    """
    mark = address_print(vault, channel, address)
    row = conn.execute(_PERSON, {"mark": mark}).first()
    if row is None:
        fresh = Conversation(reference=fresh_reference(conn))
        return Recalled(new_id(), new_id(), fresh, channel, address, new=True)
    found = _found(conn, vault, row, channel, address, now)
    if not _is_used_up(found.conversation):
        return found
    set_aside = replace(found.conversation, reference=fresh_reference(conn))
    return replace(found, conversation=set_aside)


def remember(
    conn: Connection, vault: Vault, recalled: Recalled, conversation: Conversation, now: datetime
) -> Recalled:
    """Keep `conversation` in place of what was recalled; return it as it is now kept.

    New answers are added; answers no longer there are deleted. Raises Stale when somebody
    else has written since it was recalled.
    """
    same = _in_common(recalled.conversation.answers, conversation.answers)
    added = conversation.answers[same:]
    if recalled.new:
        _add_chat(conn, vault, recalled, now)
    _write(conn, vault, recalled, conversation, now)
    if recalled.kept[same:]:
        conn.execute(delete(ANSWER).where(ANSWER.c.id.in_(recalled.kept[same:])))
    rows = list(_answer_rows(vault, recalled, added))
    if rows:
        conn.execute(insert(ANSWER), rows)
    if recalled.officer_seen and now - recalled.officer_seen > timedelta(days=1):
        conn.execute(
            update(OFFICER).where(OFFICER.c.chat_id == recalled.chat_id).values(seen_at=now)
        )
    return replace(
        recalled,
        conversation=conversation,
        new=False,
        version=recalled.version + 1,
        kept=recalled.kept[:same] + tuple(str(row["id"]) for row in rows),
        next_n=recalled.next_n + len(rows),
    )


def forget_draft(conn: Connection, recalled: Recalled) -> None:
    """Delete every answer of the draft."""
    conn.execute(delete(ANSWER).where(ANSWER.c.conversation_id == recalled.conversation_id))


def close_chat(conn: Connection, chat_id: str, now: datetime) -> None:
    """Note that the chat cannot be written to, for example because the bot is blocked."""
    conn.execute(update(CHAT).where(CHAT.c.id == chat_id).values(closed_at=now))


def reopen_chat(conn: Connection, chat_id: str) -> None:
    """Note that the chat can be written to again."""
    conn.execute(update(CHAT).where(CHAT.c.id == chat_id).values(closed_at=None))


def address_print(vault: Vault, channel: str, address: str) -> str:
    """Return the fingerprint by which a chat is found again."""
    return vault.fingerprint(write(["chat", channel, address]))


def address_place(chat_id: str) -> str:
    """Return the place that a chat's address is sealed for."""
    return f"chat/{chat_id}/address"


def officer_place(chat_id: str) -> str:
    """Return the place that the details of a chat's officer are sealed for."""
    return f"chat/{chat_id}/officer"


def state_place(conversation_id: str) -> str:
    """Return the place that the state of a conversation is sealed for."""
    return f"conversation/{conversation_id}/state"


def state(conversation: Conversation, officer: Officer | None = None) -> str:
    """Return a conversation as text, without its answers and what `officer` holds elsewhere.

    A verified officer is never in it: their own row is what counts, so that it can be revoked.
    """
    own = conversation.officer
    kept = None if own == officer or (own and own.verified) else own
    return write(replace(conversation, answers=(), officer=kept))


def opened_state(vault: Vault, conversation_id: str, sealed: bytes) -> Conversation:
    """Return the conversation that `state` wrote; raise VaultError when it cannot be opened."""
    try:
        return read(Conversation, vault.unseal(sealed, state_place(conversation_id)))
    except Unreadable:
        return Conversation()


def _found(
    conn: Connection, vault: Vault, row: AnyRow, channel: str, address: str, now: datetime
) -> Recalled:
    officer = _officer(vault, row, now)
    found = Recalled(
        row.id,
        row.conversation_id or new_id(),
        Conversation(officer=officer),
        channel,
        address,
        closed=row.closed_at is not None,
        version=row.version or 0,
        officer=officer,
        officer_seen=row.seen_at if officer else None,
    )
    return found if row.version is None else _with_state(conn, vault, row.body, found)


def _officer(vault: Vault, row: AnyRow, now: datetime) -> Officer | None:
    if row.officer is None or now - row.seen_at > timedelta(days=OFFICER_DAYS):
        return None
    return read(Officer, vault.unseal(row.officer, officer_place(row.id)))


def _with_state(conn: Connection, vault: Vault, sealed: bytes, found: Recalled) -> Recalled:
    conversation = opened_state(vault, found.conversation_id, sealed)
    rows = conn.execute(_ANSWERS, {"conversation": found.conversation_id}).all()
    read_rows = [(row.id, _answer(vault, found.conversation_id, row)) for row in rows]
    whole = replace(
        conversation,
        answers=tuple(answer for _, answer in read_rows if answer),
        officer=found.officer or conversation.officer,
    )
    return replace(
        found,
        conversation=whole,
        kept=tuple(id for id, answer in read_rows if answer),
        next_n=rows[-1].n + 1 if rows else 0,
    )


def _answer(vault: Vault, conversation_id: str, row: AnyRow) -> Answer | None:
    """Return an answer; one of a shape we do not know counts as not given and is asked again."""
    text = vault.unseal(row.body, _answer_place(conversation_id, row.n, row.id))
    try:
        return read(Answer, text)
    except Unreadable:
        return None


def _answer_place(conversation_id: str, n: int, id: str) -> str:
    return f"conversation/{conversation_id}/answer/{n}/{id}"


def _is_used_up(conversation: Conversation) -> bool:
    """Return whether there is no reference, or only one that was sent already."""
    receipt = conversation.receipt
    return conversation.reference in ("", receipt.reference if receipt else "")


def _in_common(before: tuple[Answer, ...], after: tuple[Answer, ...]) -> int:
    """Return how many answers at the start are the same."""
    same = 0
    for one, other in zip(before, after, strict=False):
        if one != other:
            break
        same += 1
    return same


def _add_chat(conn: Connection, vault: Vault, recalled: Recalled, now: datetime) -> None:
    row = {
        "id": recalled.chat_id,
        "channel": recalled.channel,
        "address": vault.seal(recalled.address, address_place(recalled.chat_id)),
        "address_print": address_print(vault, recalled.channel, recalled.address),
        "created_at": now,
    }
    try:
        conn.execute(insert(CHAT), row)
    except IntegrityError:
        raise Stale from None


def _write(
    conn: Connection, vault: Vault, recalled: Recalled, conversation: Conversation, now: datetime
) -> None:
    id, text = recalled.conversation_id, state(conversation, recalled.officer)
    row = {
        "version": recalled.version + 1,
        "stage": conversation.stage,
        "reference": conversation.reference or None,
        "body": vault.seal(text, state_place(id)),
        "heard_at": conversation.heard_at or now,
        "sent_at": conversation.receipt.sent_at if conversation.receipt else None,
    }
    try:
        if recalled.version == 0:
            conn.execute(insert(CONVERSATION), {**row, "id": id, "chat_id": recalled.chat_id})
            return
        changed = conn.execute(_CHANGE, {**row, "mine": id, "before": recalled.version})
    except IntegrityError:
        raise Stale from None
    if changed.rowcount != 1:
        raise Stale


def _answer_rows(
    vault: Vault, recalled: Recalled, added: tuple[Answer, ...]
) -> Iterable[dict[str, object]]:
    for n, answer in enumerate(added, recalled.next_n):
        id, conversation_id = new_id(), recalled.conversation_id
        place = _answer_place(conversation_id, n, id)
        body = vault.seal(write(answer), place)
        yield {"id": id, "conversation_id": conversation_id, "n": n, "body": body}
