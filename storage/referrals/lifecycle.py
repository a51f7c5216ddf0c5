"""Referrals: handed over once, found, read, and what the person does with them afterwards."""

from dataclasses import dataclass

from sqlalchemy import insert, or_, select

from flows import casework
from flows.casework import Act, ReferralStage
from flows.record import Record
from flows.vocabulary import Flag, StepName
from storage.referrals import duplicates, rows
from storage.referrals.steps import (
    PERSON,
    add_step,
    find_referral,
    require_referral,
    update_if_unchanged,
)
from storage.row_mapping import from_row
from storage.tables import REFERRAL, STEP, new_id
from storage.unit import Unit


@dataclass(frozen=True, slots=True)
class ReferralStatus:
    """How a referral stands: nothing that a person said."""

    id: str
    reference: str
    queue: str
    stage: str
    owner: str | None


class ReferenceTaken(RuntimeError):
    """This reference already belongs to a referral from another chat."""


def hand_over(unit: Unit, record: Record, chat_id: str | None) -> bool:
    """Put the record in its queue, once; return whether it was new.

    The chat must have been remembered. Raises ReferenceTaken when a referral from another
    chat has the same reference, so that nobody's words are lost.
    """
    before = find_referral(unit, record.reference)
    if before is not None:
        if before.chat_id != chat_id:
            raise ReferenceTaken(record.reference)
        return False
    id = new_id()
    unit.conn.execute(insert(REFERRAL), rows.referral_row_values(unit, id, record, chat_id))
    duplicates.add_match_keys(unit, id, record)
    add_step(unit, id, StepName.HANDED_OVER, PERSON, ReferralStage.NEW)
    return True


def list_queue(unit: Unit, include_closed: bool = False) -> list[rows.QueueEntry]:
    """Return the queue: first what a person did unseen, then the urgent, then by due time.

    A withdrawn referral stays in it until a member of staff closes it.
    """
    order = (REFERRAL.c.unseen.desc(), REFERRAL.c.urgent.desc(), REFERRAL.c.due)
    query = select(REFERRAL).order_by(*order)
    if not include_closed:
        query = query.where(or_(REFERRAL.c.stage.in_(casework.LISTED_STAGES), REFERRAL.c.unseen))
    return [rows.entry_from_row(unit, row) for row in unit.conn.execute(query)]


def referral_status(unit: Unit, reference: str) -> ReferralStatus | None:
    """Return how a referral stands; None when there is no such reference."""
    row = find_referral(unit, reference)
    return from_row(ReferralStatus, row) if row else None


def open_record(unit: Unit, reference: str, actor: str, reason: str = "") -> Record:
    """Return the whole record; that `actor` opened it, and why, is a step.

    Raises UnknownReferral and ReferralErased.
    """
    row = require_referral(unit, reference)
    record = rows.unseal_record(unit, row)
    update_if_unchanged(unit, row, opened_at=row.opened_at or unit.now, unseen=False)
    add_step(unit, row.id, StepName.OPENED, actor, row.stage, reason)
    return record


def list_steps(unit: Unit, reference: str) -> list[rows.ReferralStep]:
    """Return every step of a referral, the oldest first; raise UnknownReferral."""
    row = require_referral(unit, reference)
    steps = select(STEP).where(STEP.c.referral_id == row.id).order_by(STEP.c.n)
    return [rows.step_from_row(unit, step) for step in unit.conn.execute(steps)]


def raise_flag(unit: Unit, reference: str, flag: Flag) -> None:
    """Add a flag that makes a referral urgent and unseen; an erased one stays as it is.

    A snooze ends at once. Raises UnknownReferral.
    """
    row = require_referral(unit, reference)
    if row.stage == ReferralStage.ERASED:
        return
    flags = dict.fromkeys([*rows.unseal_flags(unit, row.id, row.flags), flag])
    sealed = rows.seal_flags(unit, row.id, list(flags))
    update_if_unchanged(unit, row, flags=sealed, unseen=True, urgent=True, until=None)
    add_step(unit, row.id, StepName.FLAG_RAISED, PERSON, row.stage)


def stop_contact(unit: Unit, reference: str, act: Act, actor: str = PERSON) -> None:
    """Stop contact because the person asked: `act` is withdraw or ask_to_delete.

    Contact stops at whatever stage; the stage moves where casework has a move. Staff see it
    first, unless `actor` is one of them, whom the person asked. An erased referral stays as it
    is. Raises UnknownReferral.
    """
    row = require_referral(unit, reference)
    if row.stage == ReferralStage.ERASED:
        return
    update_if_unchanged(unit, row, may_contact=False, unseen=actor == PERSON, until=None)
    if act in casework.ACTS.allowed_from(row.stage):
        stage = casework.stage_after(row.stage, act)
        update_if_unchanged(unit, row, stage=stage, owner=None, lease_until=None, closed_at=None)
    add_step(unit, row.id, act, actor, require_referral(unit, reference).stage)
