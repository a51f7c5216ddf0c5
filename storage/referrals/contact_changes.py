"""Changes of contact details: one person asks, another agrees, and only then the record changes."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from flows.record import Line, Record
from flows.referral import contact
from storage import serialization
from storage.referrals import duplicates
from storage.referrals.rows import record_in, row_of
from storage.referrals.steps import NotYours, known, move, write_step
from storage.tables import REFERRAL, STEP, AnyRow, new_id
from storage.vault import Vault
from storage.web_tables import CONTACT_CHANGE, ContactChange

ACT = "contact_changed"


class Waits(RuntimeError):
    """Another change of this referral still waits for a second person."""


class NotAlone(RuntimeError):
    """Whoever asked for a change cannot agree to it."""


class Decided(RuntimeError):
    """This change was decided on already."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What should change: which answer, to what, why, and the line that stands there now."""

    question: str
    value: str
    label: str
    why: str
    was: Line | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A change that waits for a second person."""

    id: str
    asked_by: str
    asked_at: datetime
    wanted: Wanted


def ask(
    conn: Connection, vault: Vault, reference: str, wanted: Wanted, who: str, now: datetime
) -> str:
    """Ask for a change; return its id. The record stays as it is.

    Raises Unknown and Erased, NotYours when `who` does not hold the referral, and Waits.
    """
    row = known(conn, reference)
    if row.owner != who:
        raise NotYours(f"{reference} is not with {who}.")
    if _open(conn, row.id) is not None:
        raise Waits(reference)
    was = contact.current(record_in(vault, row), wanted.question)
    whole = Wanted(wanted.question, wanted.value, wanted.label, wanted.why, was)
    id = new_id()
    sealed = vault.seal(serialization.write(whole), _place(id))
    values = {"id": id, "referral_id": row.id, "asked_by": who, "asked_at": now, "body": sealed}
    conn.execute(insert(CONTACT_CHANGE), values)
    return id


def waiting(session: Session, vault: Vault, referral_id: str) -> Waiting | None:
    """Return the change of a referral that waits; None when none does."""
    query = rows_of(ContactChange).where(
        ContactChange.referral_id == referral_id,
        col(ContactChange.decided_at).is_(None),
        col(ContactChange.body).is_not(None),
    )
    row = session.exec(query.order_by(col(ContactChange.asked_at))).first()
    if row is None or row.body is None:
        return None
    return Waiting(row.id, row.asked_by, row.asked_at, _wanted(vault, row.id, row.body))


def lines(session: Session, vault: Vault, referral_id: str) -> dict[str, Line] | None:
    """Return the answers about contact that can be changed; None once all is erased."""
    query = select(REFERRAL).where(REFERRAL.c.id == referral_id)
    row = session.connection().execute(query).first()
    if row is None or row.body is None:
        return None
    record = record_in(vault, row)
    found = {key: contact.current(record, key) for key in contact.CHANGEABLE}
    return {key: line for key, line in found.items() if line}


def decide(
    conn: Connection,
    vault: Vault,
    reference: str,
    id: str,
    agreed: bool,
    who: str,
    now: datetime,
) -> None:
    """Agree to a change, which then stands in the record, or refuse it.

    Whoever asked may take it back, but not agree to it: that raises NotAlone. Also raises
    Unknown and Erased, and Decided when nothing waits under this id (any more).
    """
    row = known(conn, reference)
    change = _open(conn, row.id)
    if change is None or change.id != id:
        raise Decided(reference)
    if agreed and change.asked_by == who:
        raise NotAlone(reference)
    values = {"decided_by": who, "decided_at": now, "agreed": agreed}
    mine = (CONTACT_CHANGE.c.id == id, CONTACT_CHANGE.c.decided_at.is_(None))
    if conn.execute(update(CONTACT_CHANGE).where(*mine).values(values)).rowcount != 1:
        raise Decided(reference)
    if agreed:
        _carry_out(conn, vault, row, change, who, now)


def blank_decided(conn: Connection, before: datetime) -> int:
    """Blank what was asked for in changes decided before then; return how many."""
    old = (CONTACT_CHANGE.c.decided_at <= before, CONTACT_CHANGE.c.body.is_not(None))
    return conn.execute(update(CONTACT_CHANGE).where(*old).values(body=None)).rowcount


def _carry_out(
    conn: Connection, vault: Vault, row: AnyRow, change: AnyRow, who: str, now: datetime
) -> None:
    wanted = _wanted(vault, change.id, change.body)
    before = record_in(vault, row)
    by = f"staff {change.asked_by}"
    after = contact.changed(before, wanted.question, wanted.value, wanted.label, by, now)
    body = row_of(vault, row.id, after, row.chat_id)["body"]
    move(conn, row, body=body, may_contact=_may_contact(conn, row, before, after))
    duplicates.renew(conn, vault, row.id, after)
    write_step(conn, row.id, ACT, who, row.stage, now)


def _may_contact(conn: Connection, row: AnyRow, before: Record, after: Record) -> bool:
    """Return whether contact may be made; where the person stopped it, no change lifts that."""
    asked = select(STEP.c.id).where(
        STEP.c.referral_id == row.id, STEP.c.act.in_(("withdraw", "ask_to_delete"))
    )
    stopped = row.may_contact != before.may_contact or conn.execute(asked).first() is not None
    return bool(row.may_contact and after.may_contact) if stopped else after.may_contact


def _open(conn: Connection, referral_id: str) -> AnyRow | None:
    query = select(CONTACT_CHANGE).where(
        CONTACT_CHANGE.c.referral_id == referral_id,
        CONTACT_CHANGE.c.decided_at.is_(None),
        CONTACT_CHANGE.c.body.is_not(None),
    )
    return conn.execute(query.order_by(CONTACT_CHANGE.c.asked_at)).first()


def _wanted(vault: Vault, id: str, body: bytes) -> Wanted:
    return serialization.read(Wanted, vault.unseal(body, _place(id)))


def _place(id: str) -> str:
    return f"contact_change/{id}/body"
