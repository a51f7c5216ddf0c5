"""Changes of contact details: proposed by the owner, approved by a second person."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import insert, select, update

from flows.casework import Act
from flows.record import Record, RecordLine
from flows.referral import contact
from flows.vocabulary import StepName
from storage import serialization
from storage.referrals import duplicates, steps
from storage.referrals.rows import referral_row_values, unseal_record
from storage.row_mapping import from_row
from storage.tables import REFERRAL, STEP, AnyRow, new_id
from storage.unit import Unit
from storage.web_tables import CONTACT_CHANGE


class ChangeAlreadyPending(RuntimeError):
    """Another change of this referral still waits for a second person."""


class ChangeNeedsSecondPerson(RuntimeError):
    """Whoever requested a change cannot approve it."""


class ChangeAlreadyDecided(RuntimeError):
    """This change was decided on already."""


@dataclass(frozen=True, slots=True)
class ProposedContactChange:
    """What should change: which answer, to what, why, and the line that stands there now."""

    question: str
    value: str
    label: str
    why: str
    was: RecordLine | None = None


@dataclass(frozen=True, slots=True)
class PendingContactChange:
    """A change that waits for a second person."""

    id: str
    requested_by: str
    requested_at: datetime
    proposed: ProposedContactChange


def request_change(unit: Unit, reference: str, proposed: ProposedContactChange, actor: str) -> str:
    """Request a change; return its id. The record stays as it is.

    Raises UnknownReferral, ReferralErased, NotReferralOwner when `actor` does not own it, and
    ChangeAlreadyPending.
    """
    row = steps.require_referral(unit, reference)
    if row.owner != actor:
        raise steps.NotReferralOwner(f"{reference} is not with {actor}.")
    if _pending_row(unit, row.id) is not None:
        raise ChangeAlreadyPending(reference)
    was = contact.current_line(unseal_record(unit, row), proposed.question)
    id, whole = new_id(), replace(proposed, was=was)
    sealed = unit.seal(_body_context(id), serialization.dumps(whole))
    asked = {"requested_by": actor, "requested_at": unit.now, "body": sealed}
    unit.conn.execute(insert(CONTACT_CHANGE), {"id": id, "referral_id": row.id, **asked})
    return id


def pending_change(unit: Unit, referral_id: str) -> PendingContactChange | None:
    """Return the change of a referral that waits; None when none does."""
    row = _pending_row(unit, referral_id)
    if row is None:
        return None
    proposed = _unseal_proposed(unit, row.id, row.body)
    return from_row(PendingContactChange, row, proposed=proposed)


def current_contact_answers(unit: Unit, referral_id: str) -> dict[str, RecordLine] | None:
    """Return the answers about contact that can be changed; None once all is erased."""
    query = select(REFERRAL).where(REFERRAL.c.id == referral_id)
    row = unit.first(query)
    if row is None or row.body is None:
        return None
    record = unseal_record(unit, row)
    found = {key: contact.current_line(record, key) for key in contact.CHANGEABLE_QUESTIONS}
    return {key: line for key, line in found.items() if line}


def decide_change(unit: Unit, reference: str, id: str, agreed: bool, actor: str) -> None:
    """Approve a change, which then applies to the record, or reject it.

    Whoever requested it may reject it, but not approve it: that raises
    ChangeNeedsSecondPerson. Also raises UnknownReferral, ReferralErased, and
    ChangeAlreadyDecided when no change is pending under this id (any more).
    """
    row = steps.require_referral(unit, reference)
    change = _pending_row(unit, row.id)
    if change is None or change.id != id:
        raise ChangeAlreadyDecided(reference)
    if agreed and change.requested_by == actor:
        raise ChangeNeedsSecondPerson(reference)
    values = {"decided_by": actor, "decided_at": unit.now, "approved": agreed}
    mine = (CONTACT_CHANGE.c.id == id, CONTACT_CHANGE.c.decided_at.is_(None))
    if unit.changed(update(CONTACT_CHANGE).where(*mine).values(values)) != 1:
        raise ChangeAlreadyDecided(reference)
    if agreed:
        _apply_change(unit, row, change, actor)


def blank_decided(unit: Unit, before: datetime) -> int:
    """Blank what was asked for in changes decided before then; return how many."""
    old = (CONTACT_CHANGE.c.decided_at <= before, CONTACT_CHANGE.c.body.is_not(None))
    return unit.changed(update(CONTACT_CHANGE).where(*old).values(body=None))


def _apply_change(unit: Unit, row: AnyRow, change: AnyRow, actor: str) -> None:
    wanted = _unseal_proposed(unit, change.id, change.body)
    before = unseal_record(unit, row)
    by = f"staff {change.requested_by}"
    after = contact.with_changed_answer(
        before, wanted.question, wanted.value, wanted.label, by, unit.now
    )
    body = referral_row_values(unit, row.id, after, row.chat_id)["body"]
    may_contact = _may_contact(unit, row, before, after)
    steps.update_if_unchanged(unit, row, body=body, may_contact=may_contact, indexed_at=None)
    duplicates.replace_match_keys(unit, row.id, after)
    steps.add_step(unit, row.id, StepName.CONTACT_CHANGED, actor, row.stage)


def _may_contact(unit: Unit, row: AnyRow, before: Record, after: Record) -> bool:
    """Return whether contact may be made; where the person stopped it, no change lifts that."""
    asked = (STEP.c.referral_id == row.id, STEP.c.act.in_((Act.WITHDRAW, Act.ASK_TO_DELETE)))
    stopped = row.may_contact != before.may_contact or unit.exists(*asked)
    return bool(row.may_contact and after.may_contact) if stopped else after.may_contact


def _pending_row(unit: Unit, referral_id: str) -> AnyRow | None:
    query = select(CONTACT_CHANGE).where(
        CONTACT_CHANGE.c.referral_id == referral_id,
        CONTACT_CHANGE.c.decided_at.is_(None),
        CONTACT_CHANGE.c.body.is_not(None),
    )
    return unit.first(query.order_by(CONTACT_CHANGE.c.requested_at))


def _unseal_proposed(unit: Unit, id: str, body: bytes) -> ProposedContactChange:
    return serialization.loads(ProposedContactChange, unit.unseal(_body_context(id), body))


def _body_context(id: str) -> str:
    return f"contact_change/{id}/body"
