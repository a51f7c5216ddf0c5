"""The staff queue: handed over once, claimed by one person, every act a dated step with a name."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    case,
    exists,
    insert,
    literal,
    select,
    update,
)
from sqlmodel import Session, col, or_
from sqlmodel import select as rows_of

from flows import casework
from flows.record import Record
from storage.referral_rows import Entry as Entry
from storage.referral_rows import Erased as Erased
from storage.referral_rows import Taken as Taken
from storage.referral_rows import (
    entry_of,
    flags_in,
    note_place,
    record_in,
    row_of,
    sealed_flags,
    taken_of,
)
from storage.tables import REFERRAL, STEP, AnyRow, Referral, Step, Utc, new_id
from storage.vault import Vault

PERSON = "person"
CLOCK = "clock"
OVERDUE_LEASE = timedelta(hours=4)
_CLAIMABLE = [stage for stage in casework.OPEN if "claim" in casework.allowed(stage)]
_SHOWN = (*casework.OPEN, "withdrawn")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a referral stands: nothing that a person said."""

    id: str
    reference: str
    queue: str
    stage: str
    owner: str | None


class Unknown(LookupError):
    """There is no referral with this reference."""


class NotYours(RuntimeError):
    """Somebody else has this referral."""


class ReferenceTaken(RuntimeError):
    """This reference already belongs to a referral from another chat."""


def hand_over(
    conn: Connection, vault: Vault, record: Record, chat_id: str | None, now: datetime
) -> bool:
    """Put the record in its queue, once; return whether it was new.

    The chat must have been remembered. Raises ReferenceTaken when a referral from another
    chat has the same reference, so that nobody's words are lost.
    """
    before = _find(conn, record.reference)
    if before is not None:
        if before.chat_id != chat_id:
            raise ReferenceTaken(record.reference)
        return False
    id = new_id()
    conn.execute(insert(REFERRAL), row_of(vault, id, record, chat_id))
    _write_step(conn, id, "handed_over", PERSON, "new", now)
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


def claim(conn: Connection, reference: str, who: str, now: datetime) -> bool:
    """Give the referral to `who` if nobody has it; return whether it is theirs now.

    The lease ends at the promised time, or four hours from now once that has passed.
    Raises Unknown.
    """
    free = (REFERRAL.c.reference == reference, *_free())
    values = {"stage": "claimed", "owner": who, "lease_until": _lease(now)}
    won = conn.execute(update(REFERRAL).where(*free).values(values)).rowcount == 1
    row = _known(conn, reference)
    if won:
        _write_step(conn, row.id, "claim", who, "claimed", now)
    return bool(row.owner == who)


def claim_next(conn: Connection, who: str, now: datetime) -> str | None:
    """Give `who` the referral that is next in line; return its reference, None if none is.

    Never one on hold, or one whose person wants no contact: those are chosen by hand.
    """
    first = (
        select(REFERRAL.c.reference)
        .where(REFERRAL.c.stage == "new", ~REFERRAL.c.hold, REFERRAL.c.may_contact, *_free())
        .order_by(REFERRAL.c.unseen.desc(), REFERRAL.c.urgent.desc(), REFERRAL.c.due)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    reference = conn.scalars(first).first()
    if reference is None or claim(conn, reference, who, now):
        return reference
    return claim_next(conn, who, now)


def take_step(
    conn: Connection,
    vault: Vault,
    reference: str,
    act: str,
    who: str,
    now: datetime,
    note: str = "",
    until: datetime | None = None,
    to: str = "",
) -> str:
    """Take a staff act together with its dated step; return the stage it led to.

    `until` is when to come back, `to` who a transfer goes to. Raises Unknown, NotYours when
    somebody else has it, and casework.NotAllowed.
    """
    row = _known(conn, reference)
    if row.owner not in (None, who):
        raise NotYours(f"{reference} is with somebody else.")
    if act not in casework.allowed(row.stage) or (act == "transfer" and not to):
        raise casework.NotAllowed(f"{act} does not start from {row.stage}")
    if act == "claim" and not claim(conn, reference, who, now):
        raise NotYours(f"{reference} went to somebody else.")
    if act == "erase":
        erase(conn, reference, who, now)
    if act in ("claim", "erase"):
        return casework.after(row.stage, act)
    return _work(conn, vault, row, act, who, now, note, until, to)


def return_unworked(conn: Connection, now: datetime) -> list[str]:
    """Put back in the queue what was claimed and not worked on in time; return the references."""
    ended = select(REFERRAL).where(REFERRAL.c.lease_until <= now)
    rows = conn.execute(ended.with_for_update(skip_locked=True)).all()
    for row in rows:
        stage = casework.after(row.stage, "lease_ended")
        _move(conn, row, stage=stage, owner=None, lease_until=None)
        _write_step(conn, row.id, "lease_ended", CLOCK, stage, now)
    return [row.reference for row in rows]


def open_record(conn: Connection, vault: Vault, reference: str, who: str, now: datetime) -> Record:
    """Return the whole record; that `who` opened it is a step. Raises Unknown and Erased."""
    row = _known(conn, reference)
    record = record_in(vault, row)
    _move(conn, row, opened_at=row.opened_at or now, unseen=False)
    _write_step(conn, row.id, "opened", who, row.stage, now)
    return record


def history(session: Session, vault: Vault, reference: str) -> list[Taken]:
    """Return every step of a referral, the oldest first; raise Unknown."""
    row = session.exec(rows_of(Referral).where(Referral.reference == reference)).first()
    if row is None:
        raise Unknown(reference)
    steps = rows_of(Step).where(Step.referral_id == row.id).order_by(col(Step.n))
    return [taken_of(vault, step) for step in session.exec(steps)]


def raise_flag(conn: Connection, vault: Vault, reference: str, flag: str, now: datetime) -> None:
    """Add a flag that makes it urgent and seen first; raise Unknown. An erased one stays."""
    row = _known(conn, reference)
    if row.stage == "erased":
        return
    flags = dict.fromkeys([*flags_in(vault, row.id, row.flags), flag])
    sealed = sealed_flags(vault, row.id, list(flags))
    _move(conn, row, flags=sealed, unseen=True, urgent=True)
    _write_step(conn, row.id, "flag_raised", PERSON, row.stage, now)


def stop_contact(conn: Connection, reference: str, act: str, now: datetime) -> None:
    """Stop contact because the person asked: `act` is withdraw or ask_to_delete. Raises Unknown.

    Contact stops at whatever stage; the stage moves where casework has a move. Staff see it
    first. An erased referral stays as it is.
    """
    row = _known(conn, reference)
    if row.stage == "erased":
        return
    _move(conn, row, may_contact=False, unseen=True)
    if act in casework.ACTS.allowed(row.stage):
        stage = casework.after(row.stage, act)
        _move(conn, row, stage=stage, owner=None, lease_until=None, until=None, closed_at=None)
    _write_step(conn, row.id, act, PERSON, _known(conn, reference).stage, now)


def erase(conn: Connection, reference: str, who: str, now: datetime) -> None:
    """Blank the record, its flags and every note; reference and bare steps stay.

    Raises Unknown, and casework.NotAllowed where erasing does not start.
    """
    row = _known(conn, reference)
    stage = casework.after(row.stage, "erase")
    gone = {"body": None, "flags": None, "chat_id": None, "owner": None, "until": None}
    _move(conn, row, stage=stage, unseen=False, erased_at=now, **gone)
    conn.execute(update(STEP).where(STEP.c.referral_id == row.id).values(note=None))
    _write_step(conn, row.id, "erase", who, stage, now)


def _find(conn: Connection, reference: str) -> AnyRow | None:
    return conn.execute(select(REFERRAL).where(REFERRAL.c.reference == reference)).first()


def _known(conn: Connection, reference: str) -> AnyRow:
    row = _find(conn, reference)
    if row is None:
        raise Unknown(reference)
    return row


def _free() -> tuple[ColumnElement[bool], ...]:
    return REFERRAL.c.stage.in_(_CLAIMABLE), REFERRAL.c.owner.is_(None)


def _lease(now: datetime) -> ColumnElement[datetime]:
    return case((REFERRAL.c.due > now, REFERRAL.c.due), else_=literal(now + OVERDUE_LEASE, Utc))


def _work(
    conn: Connection,
    vault: Vault,
    row: AnyRow,
    act: str,
    who: str,
    now: datetime,
    note: str,
    until: datetime | None,
    to: str,
) -> str:
    stage = casework.after(row.stage, act)
    changed = {
        "stage": stage,
        "owner": (to or who) if act in casework.KEEPS_OWNER else None,
        "lease_until": _lease(now) if act == "transfer" else None,
        "until": until,
        "unseen": False,
        "closed_at": now if stage == "closed" else None,
    }
    if act == "still_wanted" and not _was_withdrawn(conn, row):
        changed["may_contact"] = record_in(vault, row).may_contact
    _move(conn, row, **changed)
    id = new_id()
    sealed = vault.seal(note, note_place(row.id, id)) if note else None
    _write_step(conn, row.id, act, who, stage, now, id=id, note=sealed, until=until)
    return stage


def _was_withdrawn(conn: Connection, row: AnyRow) -> bool:
    """Return whether the person ever asked us to stop; only a new request lifts that."""
    asked = exists().where(STEP.c.referral_id == row.id, STEP.c.act == "withdraw")
    return bool(conn.execute(select(asked)).scalar_one())


def _move(conn: Connection, row: AnyRow, **changed: object) -> None:
    """Change a referral that still stands and belongs as it did; raise NotYours if not."""
    same = (
        REFERRAL.c.id == row.id,
        REFERRAL.c.stage == row.stage,
        REFERRAL.c.owner.is_not_distinct_from(row.owner),
    )
    if conn.execute(update(REFERRAL).where(*same).values(**changed)).rowcount != 1:
        raise NotYours(f"{row.reference} has just been changed by somebody else.")


def _write_step(
    conn: Connection,
    referral_id: str,
    act: str,
    who: str,
    stage: str,
    now: datetime,
    **more: object,
) -> None:
    row = {"id": new_id(), "referral_id": referral_id, "act": act, "who": who, "stage": stage}
    conn.execute(insert(STEP), {**row, "at": now, **more})
