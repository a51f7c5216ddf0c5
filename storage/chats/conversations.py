"""Loads and stores conversations: one for each chat, its answers as events."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from flows.conversation import Answer, Conversation
from flows.officers import Officer
from storage.chats import answers
from storage.chats.addresses import address_context, address_fingerprint
from storage.chats.officers import OfficerDetails, officer_context
from storage.chats.outbox import IS_WAITING
from storage.recent import RecentConversation
from storage.referrals.references import fresh_reference
from storage.serialization import DecodeError, dumps, loads
from storage.tables import CHAT, CONVERSATION, OFFICER, OUTBOX, AnyRow, new_id
from storage.unit import StaleRow, Unit

OFFICER_DAYS = 90


@dataclass(frozen=True, slots=True)
class StoredConversation:
    """A conversation as it is stored, and what is needed to write it back.

    `new` when nothing is stored of this chat yet, `closed` when it cannot be written to,
    `handed_off` while a handoff is recorded, lapsed or not. `version` is 0 for a conversation
    not yet stored. `waiting_prompts` counts the prompts of the bot that are not sent yet.
    """

    chat_id: str
    conversation_id: str
    conversation: Conversation
    channel: str
    address: str
    closed: bool = False
    handed_off: bool = False
    new: bool = False
    version: int = 0
    answer_row_ids: tuple[str, ...] = ()
    next_n: int = 0
    waiting_prompts: int = 0
    officer: Officer | None = None
    officer_seen_at: datetime | None = None


_WAITING_PROMPTS = (
    select(func.coalesce(func.sum(OUTBOX.c.prompts), 0))
    .where(OUTBOX.c.chat_id == CHAT.c.id, IS_WAITING)
    .scalar_subquery()
)
_CHATS_QUERY = (
    select(
        CHAT.c.id,
        CHAT.c.address_fingerprint,
        CHAT.c.closed_at,
        CHAT.c.handed_off_to,
        CONVERSATION.c.id.label("conversation_id"),
        CONVERSATION.c.version,
        CONVERSATION.c.body,
        OFFICER.c.body.label("officer"),
        OFFICER.c.seen_at,
        _WAITING_PROMPTS.label("waiting_prompts"),
    )
    .select_from(CHAT)
    .outerjoin(CONVERSATION, CONVERSATION.c.chat_id == CHAT.c.id)
    .outerjoin(OFFICER, OFFICER.c.chat_id == CHAT.c.id)
    .where(CHAT.c.address_fingerprint.in_(bindparam("fingerprints", expanding=True)))
)
_UPDATE_IF_VERSION = (
    update(CONVERSATION)
    .where(CONVERSATION.c.id == bindparam("mine"), CONVERSATION.c.version == bindparam("before"))
    .values(
        version=bindparam("version"),
        stage=bindparam("stage"),
        reference=bindparam("reference"),
        body=bindparam("body"),
        last_input_at=bindparam("last_input_at"),
        sent_at=bindparam("sent_at"),
        blanked_at=None,
    )
)


def read_ahead(unit: Unit, chats: Iterable[tuple[str, str]]) -> None:
    """Read many chats in one query, each for the next `load_conversation` of it; lock them.

    A chat is a channel and an address.
    """
    by_fingerprint = {address_fingerprint(unit, *chat): chat for chat in chats}
    unit.lock_chats(by_fingerprint)
    unit.chat_rows.update(dict.fromkeys(by_fingerprint.values()))
    rows = unit.conn.execute(_CHATS_QUERY, {"fingerprints": list(by_fingerprint)}).all()
    unit.chat_rows.update({by_fingerprint[row.address_fingerprint]: row for row in rows})


def load_conversation(unit: Unit, channel: str, address: str) -> StoredConversation:
    """Return what is stored of the chat at `address`; writes nothing.

    A conversation without a reference, or with one already sent, gets a fresh one. Raises
    VaultError when it cannot be decrypted.
    """
    if (channel, address) not in unit.chat_rows:
        read_ahead(unit, [(channel, address)])
    row = unit.chat_rows.pop((channel, address))
    if row is None:
        fresh = Conversation(reference=fresh_reference(unit))
        return StoredConversation(new_id(), new_id(), fresh, channel, address, new=True)
    found = _stored_from_row(unit, row, channel, address)
    receipt = found.conversation.receipt
    if found.conversation.reference not in ("", receipt.reference if receipt else ""):
        return found
    set_aside = replace(found.conversation, reference=fresh_reference(unit))
    return replace(found, conversation=set_aside)


def save_conversation(
    unit: Unit, stored: StoredConversation, conversation: Conversation
) -> StoredConversation:
    """Store `conversation` in place of what was loaded; return it as it is now stored.

    New answers are added; answers no longer there are deleted. The version is an optimistic
    lock: when somebody else has written since it was loaded, this or the end of the unit of work
    raises StaleRow.
    """
    same = _common_prefix_length(stored.conversation.answers, conversation.answers)
    added = conversation.answers[same:]
    if stored.new:
        _insert_chat(unit, stored)
    _upsert(unit, stored, conversation)
    if gone := stored.answer_row_ids[same:]:
        answers.delete_answers(unit, gone)
    ids = answers.add_answers(unit, stored.conversation_id, added, stored.next_n)
    if stored.officer_seen_at and unit.now - stored.officer_seen_at > timedelta(days=1):
        mine = OFFICER.c.chat_id == stored.chat_id
        unit.conn.execute(update(OFFICER).where(mine).values(seen_at=unit.now))
    saved = RecentConversation(
        stored.version + 1,
        _without_officer_row(conversation, stored.officer),
        stored.answer_row_ids[:same] + ids,
        stored.next_n + len(ids),
    )
    unit.saved[stored.conversation_id] = saved
    return replace(
        stored,
        conversation=conversation,
        new=False,
        version=saved.version,
        answer_row_ids=saved.answer_row_ids,
        next_n=saved.next_n,
    )


def close_chat(unit: Unit, chat_id: str) -> None:
    """Mark the chat as closed: it cannot be written to, for example when the bot is blocked."""
    unit.conn.execute(update(CHAT).where(CHAT.c.id == chat_id).values(closed_at=unit.now))


def reopen_chat(unit: Unit, chat_id: str) -> None:
    """Mark the chat as open again."""
    unit.conn.execute(update(CHAT).where(CHAT.c.id == chat_id).values(closed_at=None))


def state_context(conversation_id: str) -> str:
    """Return the context that the state of a conversation is sealed for."""
    return f"conversation/{conversation_id}/state"


def serialize_state(conversation: Conversation, officer: Officer | None = None) -> str:
    """Return a conversation as text, without its answers and what `officer` holds elsewhere.

    A verified officer is never in it: their own row is what counts, so that it can be revoked.
    """
    return dumps(replace(_without_officer_row(conversation, officer), answers=()))


def _without_officer_row(conversation: Conversation, officer: Officer | None) -> Conversation:
    own = conversation.officer
    if own is None and not conversation.officer_revoked:
        return conversation
    kept = None if own == officer or (own and own.verified) else own
    return replace(conversation, officer=kept, officer_revoked=False)


def unseal_state(unit: Unit, conversation_id: str, sealed: bytes) -> Conversation:
    """Return the conversation in a sealed state; raise VaultError when it cannot be opened."""
    try:
        return loads(Conversation, unit.unseal(state_context(conversation_id), sealed))
    except DecodeError:
        return Conversation()


def _stored_from_row(unit: Unit, row: AnyRow, channel: str, address: str) -> StoredConversation:
    details = _unseal_officer(unit, row)
    revoked = details is not None and details.revoked_at is not None
    officer = details.officer if details and not revoked else None
    found = StoredConversation(
        row.id,
        row.conversation_id or new_id(),
        Conversation(officer=officer, officer_revoked=revoked),
        channel,
        address,
        closed=row.closed_at is not None,
        handed_off=row.handed_off_to is not None,
        version=row.version or 0,
        waiting_prompts=row.waiting_prompts,
        officer=officer,
        officer_seen_at=row.seen_at if details else None,
    )
    if row.version is None:
        return found
    recent = unit.recent_conversation(row.conversation_id, row.version) or _from_rows(unit, row)
    whole = recent.conversation
    if details:
        known = None if revoked else officer
        whole = replace(whole, officer=known, officer_revoked=revoked)
    ids, next_n = recent.answer_row_ids, recent.next_n
    return replace(found, conversation=whole, answer_row_ids=ids, next_n=next_n)


def _unseal_officer(unit: Unit, row: AnyRow) -> OfficerDetails | None:
    if row.officer is None or unit.now - row.seen_at > timedelta(days=OFFICER_DAYS):
        return None
    return loads(OfficerDetails, unit.unseal(officer_context(row.id), row.officer))


def _from_rows(unit: Unit, row: AnyRow) -> RecentConversation:
    id = row.conversation_id
    conversation = unseal_state(unit, id, row.body)
    given, next_n = answers.load_answers(unit, id)
    whole = replace(conversation, answers=tuple(given.values()))
    return RecentConversation(row.version, whole, tuple(given), next_n)


def _common_prefix_length(before: tuple[Answer, ...], after: tuple[Answer, ...]) -> int:
    """Return how many answers at the start are the same."""
    pairs = enumerate(zip(before, after, strict=False))
    changed = (n for n, (one, other) in pairs if one != other)
    return next(changed, min(len(before), len(after)))


def _insert_chat(unit: Unit, stored: StoredConversation) -> None:
    row = {
        "id": stored.chat_id,
        "channel": stored.channel,
        "address": unit.seal(address_context(stored.chat_id), stored.address),
        "address_fingerprint": address_fingerprint(unit, stored.channel, stored.address),
        "created_at": unit.now,
    }
    try:
        unit.unflushed.execute(insert(CHAT), row)
    except IntegrityError:
        raise StaleRow from None


def _upsert(unit: Unit, stored: StoredConversation, conversation: Conversation) -> None:
    id, text = stored.conversation_id, serialize_state(conversation, stored.officer)
    row = {
        "version": stored.version + 1,
        "stage": conversation.stage,
        "reference": conversation.reference or None,
        "body": unit.seal(state_context(id), text),
        "last_input_at": conversation.last_input_at or unit.now,
        "sent_at": conversation.receipt.sent_at if conversation.receipt else None,
    }
    if stored.version:
        unit.add_versioned(_UPDATE_IF_VERSION, {**row, "mine": id, "before": stored.version})
        return
    try:
        unit.unflushed.execute(insert(CONVERSATION), {**row, "id": id, "chat_id": stored.chat_id})
    except IntegrityError:
        raise StaleRow from None
