"""Changes of contact details: one person asks, another agrees, and only then the record changes."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from flows.record import Record, RecordLine
from flows.referral import contact
from storage import serialization
from storage.referrals import duplicates
from storage.referrals.rows import referral_row_values, unseal_record
from storage.referrals.steps import (
    NotReferralOwner,
    add_step,
    require_referral,
    update_if_unchanged,
)
from storage.tables import REFERRAL, STEP, AnyRow, new_id
from storage.vault import Vault
from storage.web_tables import CONTACT_CHANGE, ContactChangeRow

ACT = "contact_changed"


class ChangeAlreadyPending(RuntimeError):
    """Another change of this referral still waits for a second person."""


class ChangeNeedsSecondPerson(RuntimeError):
    """Whoever asked for a change cannot agree to it."""


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
    asked_by: str
    asked_at: datetime
    proposed: ProposedContactChange


def request_change(
    conn: Connection,
    vault: Vault,
    reference: str,
    proposed: ProposedContactChange,
    actor: str,
    now: datetime,
) -> str:
    """Ask for a change; return its id. The record stays as it is.

    Raises Unknown and Erased, NotYours when `who` does not hold the referral, and Waits.
    """
    row = require_referral(conn, reference)
    if row.owner != actor:
        raise NotReferralOwner(f"{reference} is not with {actor}.")
    if _pending_row(conn, row.id) is not None:
        raise ChangeAlreadyPending(reference)
    was = contact.current_line(unseal_record(vault, row), proposed.question)
    whole = ProposedContactChange(
        proposed.question, proposed.value, proposed.label, proposed.why, was
    )
    id = new_id()
    sealed = vault.seal(serialization.dumps(whole), _body_context(id))
    values = {"id": id, "referral_id": row.id, "asked_by": actor, "asked_at": now, "body": sealed}
    conn.execute(insert(CONTACT_CHANGE), values)
    return id


def pending_change(session: Session, vault: Vault, referral_id: str) -> PendingContactChange | None:
    """Return the change of a referral that waits; None when none does."""
    query = rows_of(ContactChangeRow).where(
        ContactChangeRow.referral_id == referral_id,
        col(ContactChangeRow.decided_at).is_(None),
        col(ContactChangeRow.body).is_not(None),
    )
    row = session.exec(query.order_by(col(ContactChangeRow.asked_at))).first()
    if row is None or row.body is None:
        return None
    return PendingContactChange(
        row.id, row.asked_by, row.asked_at, _unseal_proposed(vault, row.id, row.body)
    )


def current_contact_answers(
    session: Session, vault: Vault, referral_id: str
) -> dict[str, RecordLine] | None:
    """Return the answers about contact that can be changed; None once all is erased."""
    query = select(REFERRAL).where(REFERRAL.c.id == referral_id)
    row = session.connection().execute(query).first()
    if row is None or row.body is None:
        return None
    record = unseal_record(vault, row)
    found = {key: contact.current_line(record, key) for key in contact.CHANGEABLE_QUESTIONS}
    return {key: line for key, line in found.items() if line}


def decide_change(
    conn: Connection,
    vault: Vault,
    reference: str,
    id: str,
    agreed: bool,
    actor: str,
    now: datetime,
) -> None:
    """Agree to a change, which then stands in the record, or refuse it.

    Whoever asked may take it back, but not agree to it: that raises NotAlone. Also raises
    Unknown and Erased, and Decided when nothing waits under this id (any more).
    """
    row = require_referral(conn, reference)
    change = _pending_row(conn, row.id)
    if change is None or change.id != id:
        raise ChangeAlreadyDecided(reference)
    if agreed and change.asked_by == actor:
        raise ChangeNeedsSecondPerson(reference)
    values = {"decided_by": actor, "decided_at": now, "agreed": agreed}
    mine = (CONTACT_CHANGE.c.id == id, CONTACT_CHANGE.c.decided_at.is_(None))
    if conn.execute(update(CONTACT_CHANGE).where(*mine).values(values)).rowcount != 1:
        raise ChangeAlreadyDecided(reference)
    if agreed:
        _apply_change(conn, vault, row, change, actor, now)


def blank_decided(conn: Connection, before: datetime) -> int:
    """Blank what was asked for in changes decided before then; return how many."""
    old = (CONTACT_CHANGE.c.decided_at <= before, CONTACT_CHANGE.c.body.is_not(None))
    return conn.execute(update(CONTACT_CHANGE).where(*old).values(body=None)).rowcount


def _apply_change(
    conn: Connection, vault: Vault, row: AnyRow, change: AnyRow, actor: str, now: datetime
) -> None:
    wanted = _unseal_proposed(vault, change.id, change.body)
    before = unseal_record(vault, row)
    by = f"staff {change.asked_by}"
    after = contact.with_changed_answer(
        before, wanted.question, wanted.value, wanted.label, by, now
    )
    body = referral_row_values(vault, row.id, after, row.chat_id)["body"]
    update_if_unchanged(conn, row, body=body, may_contact=_may_contact(conn, row, before, after))
    duplicates.replace_match_keys(conn, vault, row.id, after)
    add_step(conn, row.id, ACT, actor, row.stage, now)


def _may_contact(conn: Connection, row: AnyRow, before: Record, after: Record) -> bool:
    """Return whether contact may be made; where the person stopped it, no change lifts that."""
    asked = select(STEP.c.id).where(
        STEP.c.referral_id == row.id, STEP.c.act.in_(("withdraw", "ask_to_delete"))
    )
    stopped = row.may_contact != before.may_contact or conn.execute(asked).first() is not None
    return bool(row.may_contact and after.may_contact) if stopped else after.may_contact


def _pending_row(conn: Connection, referral_id: str) -> AnyRow | None:
    query = select(CONTACT_CHANGE).where(
        CONTACT_CHANGE.c.referral_id == referral_id,
        CONTACT_CHANGE.c.decided_at.is_(None),
        CONTACT_CHANGE.c.body.is_not(None),
    )
    return conn.execute(query.order_by(CONTACT_CHANGE.c.asked_at)).first()


def _unseal_proposed(vault: Vault, id: str, body: bytes) -> ProposedContactChange:
    return serialization.loads(ProposedContactChange, vault.unseal(body, _body_context(id)))


def _body_context(id: str) -> str:
    return f"contact_change/{id}/body"
