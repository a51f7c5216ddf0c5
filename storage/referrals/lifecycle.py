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
from storage.referrals.acts import perform_act as perform_act
from storage.referrals.acts import release_expired_leases as release_expired_leases
from storage.referrals.rows import QueueEntry as QueueEntry
from storage.referrals.rows import ReferralErased as ReferralErased
from storage.referrals.rows import ReferralStep as ReferralStep
from storage.referrals.rows import (
    entry_from_row,
    note_context,
    referral_row_values,
    seal_flags,
    step_from_row,
    unseal_flags,
    unseal_record,
)
from storage.referrals.steps import CLOCK as CLOCK
from storage.referrals.steps import PERSON as PERSON
from storage.referrals.steps import NotReferralOwner as NotReferralOwner
from storage.referrals.steps import UnknownReferral as UnknownReferral
from storage.referrals.steps import add_step, find_referral, require_referral, update_if_unchanged
from storage.tables import REFERRAL, ReferralRow, StepRow, new_id
from storage.vault import Vault

_LISTED_STAGES = (*casework.OPEN_STAGES, "withdrawn")


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


def hand_over(
    conn: Connection, vault: Vault, record: Record, chat_id: str | None, now: datetime
) -> bool:
    """Put the record in its queue, once; return whether it was new.

    The chat must have been remembered. Raises ReferenceTaken when a referral from another
    chat has the same reference, so that nobody's words are lost.
    """
    before = find_referral(conn, record.reference)
    if before is not None:
        if before.chat_id != chat_id:
            raise ReferenceTaken(record.reference)
        return False
    id = new_id()
    conn.execute(insert(REFERRAL), referral_row_values(vault, id, record, chat_id))
    duplicates.add_match_keys(conn, vault, id, record)
    add_step(conn, id, "handed_over", PERSON, "new", now)
    return True


def list_queue(
    session: Session, vault: Vault, now: datetime, include_closed: bool = False
) -> list[QueueEntry]:
    """Return the queue: first what a person did unseen, then the urgent, then by due time.

    A withdrawn referral stays in it until a member of staff closes it.
    """
    query = rows_of(ReferralRow).order_by(
        col(ReferralRow.unseen).desc(), col(ReferralRow.urgent).desc(), col(ReferralRow.due)
    )
    if not include_closed:
        query = query.where(
            or_(col(ReferralRow.stage).in_(_LISTED_STAGES), col(ReferralRow.unseen))
        )
    return [entry_from_row(vault, row, now) for row in session.exec(query)]


def referral_status(session: Session, reference: str) -> ReferralStatus | None:
    """Return how a referral stands; None when there is no such reference."""
    query = rows_of(ReferralRow).where(ReferralRow.reference == reference)
    row = session.exec(query).first()
    if row is None:
        return None
    return ReferralStatus(row.id, row.reference, row.queue, row.stage, row.owner)


def open_record(
    conn: Connection, vault: Vault, reference: str, actor: str, now: datetime, reason: str = ""
) -> Record:
    """Return the whole record; that `who` opened it, and why, is a step.

    Raises Unknown and Erased.
    """
    row = require_referral(conn, reference)
    record = unseal_record(vault, row)
    update_if_unchanged(conn, row, opened_at=row.opened_at or now, unseen=False)
    id = new_id()
    sealed = vault.seal(reason, note_context(row.id, id)) if reason else None
    add_step(conn, row.id, "opened", actor, row.stage, now, id=id, note=sealed)
    return record


def list_steps(session: Session, vault: Vault, reference: str) -> list[ReferralStep]:
    """Return every step of a referral, the oldest first; raise Unknown."""
    row = session.exec(rows_of(ReferralRow).where(ReferralRow.reference == reference)).first()
    if row is None:
        raise UnknownReferral(reference)
    steps = rows_of(StepRow).where(StepRow.referral_id == row.id).order_by(col(StepRow.n))
    return [step_from_row(vault, step) for step in session.exec(steps)]


def raise_flag(conn: Connection, vault: Vault, reference: str, flag: str, now: datetime) -> None:
    """Add a flag that makes it urgent and seen first; raise Unknown. An erased one stays.

    What was put off comes back at once.
    """
    row = require_referral(conn, reference)
    if row.stage == "erased":
        return
    flags = dict.fromkeys([*unseal_flags(vault, row.id, row.flags), flag])
    sealed = seal_flags(vault, row.id, list(flags))
    update_if_unchanged(conn, row, flags=sealed, unseen=True, urgent=True, until=None)
    add_step(conn, row.id, "flag_raised", PERSON, row.stage, now)


def stop_contact(
    conn: Connection, reference: str, act: str, now: datetime, actor: str = PERSON
) -> None:
    """Stop contact because the person asked: `act` is withdraw or ask_to_delete. Raises Unknown.

    Contact stops at whatever stage; the stage moves where casework has a move. Staff see it
    first, unless `who` is one of them, whom the person asked. An erased referral stays as it is.
    """
    row = require_referral(conn, reference)
    if row.stage == "erased":
        return
    update_if_unchanged(conn, row, may_contact=False, unseen=actor == PERSON, until=None)
    if act in casework.ACTS.allowed_from(row.stage):
        stage = casework.stage_after(row.stage, act)
        update_if_unchanged(conn, row, stage=stage, owner=None, lease_until=None, closed_at=None)
    add_step(conn, row.id, act, actor, require_referral(conn, reference).stage, now)
