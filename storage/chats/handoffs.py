"""Handoffs of chats to staff, and the messages meanwhile, as steps of the referral."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    exists,
    select,
    update,
)

from flows.casework import ReferralStage
from flows.record import Record
from flows.vocabulary import StepName
from storage.chats.addresses import address_context
from storage.referrals.rows import ReferralErased, unseal_record
from storage.referrals.steps import PERSON, add_step, require_referral
from storage.row_mapping import from_row
from storage.tables import CHAT, CONVERSATION, REFERRAL, STEP, AnyRow, UtcDateTime, new_id
from storage.unit import Unit


@dataclass(frozen=True, slots=True)
class Handoff:
    """Who a chat is handed off to, for which referral, and until when (aware)."""

    chat_id: str
    handed_off_to: str
    reference: str
    until: datetime


@dataclass(frozen=True, slots=True)
class ReplyTarget:
    """A referral with the chat it can be answered in; `chat_id` is None when there is none."""

    record: Record
    stage: str
    owner: str | None
    may_contact: bool
    chat_id: str | None
    channel: str
    chat_open: bool


def start_handoff(
    unit: Unit, chat_id: str, handed_off_to: str, reference: str, until: datetime
) -> None:
    """Hand the chat off to a member of staff until then, in place of any earlier handoff."""
    held = {"handed_off_to": handed_off_to, "handoff_reference": reference, "handoff_until": until}
    unit.conn.execute(update(CHAT).where(CHAT.c.id == chat_id).values(held))


def active_handoff(unit: Unit, chat_id: str) -> Handoff | None:
    """Return the handoff of a chat; None once it lapsed or the referral has another owner."""
    row = unit.first(_recorded_handoffs().where(CHAT.c.id == chat_id, _is_active(unit.now)))
    return _handoff_from_row(row) if row else None


def recorded_handoff(unit: Unit, chat_id: str) -> Handoff | None:
    """Return the handoff of a chat that was not ended, whether it has lapsed or not."""
    row = unit.first(_recorded_handoffs().where(CHAT.c.id == chat_id))
    return _handoff_from_row(row) if row else None


def end_handoff(unit: Unit, chat_id: str) -> None:
    """End the handoff of a chat."""
    none = {"handed_off_to": None, "handoff_reference": None, "handoff_until": None}
    unit.conn.execute(update(CHAT).where(CHAT.c.id == chat_id).values(none))


def lapsed_handoffs(unit: Unit) -> list[Handoff]:
    """Return the handoffs that have lapsed and were not ended yet."""
    query = _recorded_handoffs().where(~_is_active(unit.now))
    return [_handoff_from_row(row) for row in unit.conn.execute(query)]


def channel_and_address(unit: Unit, chat_id: str) -> tuple[str, str] | None:
    """Return the channel and the address of a chat; None when it is gone."""
    row = unit.first(select(CHAT.c.channel, CHAT.c.address).where(CHAT.c.id == chat_id))
    return (row.channel, unit.unseal(address_context(chat_id), row.address)) if row else None


def chat_state(unit: Unit, chat_id: str) -> tuple[bool, str]:
    """Return whether a chat is known and open, and who it is handed off to, "" for nobody."""
    row = unit.unflushed.execute(_CHAT_STATE, {"chat_id": chat_id, "now": unit.now}).first()
    return (row.closed_at is None, row.handed_off_to or "") if row else (False, "")


def has_input_since(unit: Unit, chat_id: str, since: datetime) -> bool:
    """Return whether the person has done something in the chat after `since`."""
    return unit.exists(CONVERSATION.c.chat_id == chat_id, CONVERSATION.c.last_input_at > since)


def reply_target(unit: Unit, reference: str) -> ReplyTarget | None:
    """Return how a referral's person can be reached in their chat; None when it is gone."""
    query = (
        select(REFERRAL, CHAT.c.channel, CHAT.c.closed_at.label("chat_closed_at"))
        .outerjoin(CHAT, CHAT.c.id == REFERRAL.c.chat_id)
        .where(REFERRAL.c.reference == reference)
    )
    row = unit.first(query)
    if row is None:
        return None
    try:
        record = unseal_record(unit, row)
    except ReferralErased:
        return None
    chat_open = row.channel is not None and row.chat_closed_at is None
    return from_row(ReplyTarget, row, record=record, channel=row.channel or "", chat_open=chat_open)


def add_message_step(
    unit: Unit,
    reference: str,
    act: StepName,
    actor: str,
    text: str,
    until: datetime | None = None,
    step_id: str = "",
) -> bool:
    """Add a step with its text sealed, once for each `step_id`; return whether all was seen.

    What the person did, and what could not be sent, makes the referral unseen. Nothing is kept
    of an erased one. Raises UnknownReferral.
    """
    row, id = require_referral(unit, reference), step_id or new_id()
    if row.stage == ReferralStage.ERASED or step_exists(unit, id):
        return False
    if act != StepName.REPLIED:
        unit.conn.execute(update(REFERRAL).where(REFERRAL.c.id == row.id).values(unseen=True))
    add_step(unit, row.id, act, actor, row.stage, text, id=id, until=until)
    return not row.unseen


def record_person_message(unit: Unit, reference: str, text: str) -> bool:
    """Add what the person wrote to staff; return whether staff had seen all before it."""
    return add_message_step(unit, reference, StepName.WROTE, PERSON, text)


def mark_referral_seen(unit: Unit, reference: str) -> None:
    """Mark a referral as seen by its owner."""
    mine = REFERRAL.c.reference == reference
    unit.conn.execute(update(REFERRAL).where(mine).values(unseen=False))


def step_exists(unit: Unit, step_id: str) -> bool:
    """Return whether there is a step of this id."""
    return unit.exists(STEP.c.id == step_id)


def _recorded_handoffs() -> Select[Any]:
    held = (CHAT.c.id, CHAT.c.handed_off_to, CHAT.c.handoff_reference, CHAT.c.handoff_until)
    return select(*held).where(CHAT.c.handed_off_to.is_not(None))


def _is_active(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Return whether a handoff has not lapsed: in time, and its member of staff still the owner."""
    theirs = exists().where(
        REFERRAL.c.reference == CHAT.c.handoff_reference,
        REFERRAL.c.chat_id == CHAT.c.id,
        REFERRAL.c.owner == CHAT.c.handed_off_to,
    )
    return and_(CHAT.c.handoff_until > now, theirs)


ACTIVE_HOLDER = case((_is_active(bindparam("now", type_=UtcDateTime)), CHAT.c.handed_off_to)).label(
    "handed_off_to"
)
"""Who has a chat at the bound time `now`, as a column of a query; NULL for nobody."""
_CHAT_STATE = select(CHAT.c.closed_at, ACTIVE_HOLDER).where(CHAT.c.id == bindparam("chat_id"))


def _handoff_from_row(row: AnyRow) -> Handoff:
    return Handoff(row.id, row.handed_off_to, row.handoff_reference, row.handoff_until)
