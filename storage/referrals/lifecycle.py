"""Referrals: handed over once, found, read, and what the person does with them afterwards."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert
from sqlmodel import Session, col, or_
from sqlmodel import select as rows_of

from flows import casework
from flows.record import Record
from storage.referrals import duplicates
from storage.referrals.acts import claim as claim
from storage.referrals.acts import claim_next as claim_next
from storage.referrals.acts import erase as erase
from storage.referrals.acts import return_unworked as return_unworked
from storage.referrals.acts import take_step as take_step
from storage.referrals.rows import Entry as Entry
from storage.referrals.rows import Erased as Erased
from storage.referrals.rows import Taken as Taken
from storage.referrals.rows import (
    entry_of,
    flags_in,
    note_place,
    record_in,
    row_of,
    sealed_flags,
    taken_of,
)
from storage.referrals.steps import CLOCK as CLOCK
from storage.referrals.steps import PERSON as PERSON
from storage.referrals.steps import NotYours as NotYours
from storage.referrals.steps import Unknown as Unknown
from storage.referrals.steps import find, known, move, write_step
from storage.tables import REFERRAL, Referral, Step, new_id
from storage.vault import Vault

_SHOWN = (*casework.OPEN, "withdrawn")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a referral stands: nothing that a person said."""

    id: str
    reference: str
    queue: str
    stage: str
    owner: str | None


class ReferenceTaken(RuntimeError):
    """This reference already belongs to a referral from another chat."""


def hand_over(
    conn: Connection, vault: Vault, record: Record, chat_id: str | None, now: datetime
) -> bool:
    """Put the record in its queue, once; return whether it was new.

    The chat must have been remembered. Raises ReferenceTaken when a referral from another
    chat has the same reference, so that nobody's words are lost.
    """
    before = find(conn, record.reference)
    if before is not None:
        if before.chat_id != chat_id:
            raise ReferenceTaken(record.reference)
        return False
    id = new_id()
    conn.execute(insert(REFERRAL), row_of(vault, id, record, chat_id))
    duplicates.keep(conn, vault, id, record)
    write_step(conn, id, "handed_over", PERSON, "new", now)
    return True


def queue(
    session: Session, vault: Vault, now: datetime, include_closed: bool = False
) -> list[Entry]:
    """Return the queue: first what a person did unseen, then the urgent, then by due time.

    A withdrawn referral stays in it until a member of staff closes it.
    """
    query = rows_of(Referral).order_by(
        col(Referral.unseen).desc(), col(Referral.urgent).desc(), col(Referral.due)
    )
    if not include_closed:
        query = query.where(or_(col(Referral.stage).in_(_SHOWN), col(Referral.unseen)))
    return [entry_of(vault, row, now) for row in session.exec(query)]


def standing(session: Session, reference: str) -> Standing | None:
    """Return how a referral stands; None when there is no such reference."""
    query = rows_of(Referral).where(Referral.reference == reference)
    row = session.exec(query).first()
    if row is None:
        return None
    return Standing(row.id, row.reference, row.queue, row.stage, row.owner)


def open_record(
    conn: Connection, vault: Vault, reference: str, who: str, now: datetime, why: str = ""
) -> Record:
    """Return the whole record; that `who` opened it, and why, is a step.

    Raises Unknown and Erased.
    """
    row = known(conn, reference)
    record = record_in(vault, row)
    move(conn, row, opened_at=row.opened_at or now, unseen=False)
    id = new_id()
    sealed = vault.seal(why, note_place(row.id, id)) if why else None
    write_step(conn, row.id, "opened", who, row.stage, now, id=id, note=sealed)
    return record


def history(session: Session, vault: Vault, reference: str) -> list[Taken]:
    """Return every step of a referral, the oldest first; raise Unknown."""
    row = session.exec(rows_of(Referral).where(Referral.reference == reference)).first()
    if row is None:
        raise Unknown(reference)
    steps = rows_of(Step).where(Step.referral_id == row.id).order_by(col(Step.n))
    return [taken_of(vault, step) for step in session.exec(steps)]


def raise_flag(conn: Connection, vault: Vault, reference: str, flag: str, now: datetime) -> None:
    """Add a flag that makes it urgent and seen first; raise Unknown. An erased one stays.

    What was put off comes back at once.
    """
    row = known(conn, reference)
    if row.stage == "erased":
        return
    flags = dict.fromkeys([*flags_in(vault, row.id, row.flags), flag])
    sealed = sealed_flags(vault, row.id, list(flags))
    move(conn, row, flags=sealed, unseen=True, urgent=True, until=None)
    write_step(conn, row.id, "flag_raised", PERSON, row.stage, now)


def stop_contact(
    conn: Connection, reference: str, act: str, now: datetime, who: str = PERSON
) -> None:
    """Stop contact because the person asked: `act` is withdraw or ask_to_delete. Raises Unknown.

    Contact stops at whatever stage; the stage moves where casework has a move. Staff see it
    first, unless `who` is one of them, whom the person asked. An erased referral stays as it is.
    """
    row = known(conn, reference)
    if row.stage == "erased":
        return
    move(conn, row, may_contact=False, unseen=who == PERSON, until=None)
    if act in casework.ACTS.allowed(row.stage):
        stage = casework.after(row.stage, act)
        move(conn, row, stage=stage, owner=None, lease_until=None, closed_at=None)
    write_step(conn, row.id, act, who, known(conn, reference).stage, now)
