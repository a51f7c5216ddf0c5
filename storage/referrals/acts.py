"""What staff do with a referral: claim it, work on it, put it off, note something, erase it."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, case, exists, literal, select, update

from flows import casework
from storage.referrals import duplicates
from storage.referrals.rows import note_place, record_in
from storage.referrals.steps import CLOCK, NotYours, known, move, write_step
from storage.tables import REFERRAL, STEP, AnyRow, Utc, new_id
from storage.vault import Vault
from storage.web_tables import CONTACT_CHANGE

OVERDUE_LEASE = timedelta(hours=4)
_CLAIMABLE = [stage for stage in casework.OPEN if "claim" in casework.allowed(stage)]


def claim(conn: Connection, reference: str, who: str, now: datetime) -> bool:
    """Give the referral to `who` if nobody has it; return whether it is theirs now.

    The lease ends at the promised time, or four hours from now once that has passed.
    Raises Unknown.
    """
    free = (REFERRAL.c.reference == reference, *_free())
    values = {"stage": "claimed", "owner": who, "lease_until": _lease(now)}
    won = conn.execute(update(REFERRAL).where(*free).values(values)).rowcount == 1
    row = known(conn, reference)
    if won:
        write_step(conn, row.id, "claim", who, "claimed", now)
    return bool(row.owner == who)


def claim_next(
    conn: Connection, who: str, now: datetime, queues: Collection[str] | None = None
) -> str | None:
    """Give `who` the referral that is next in line; return its reference, None if none is.

    Never one on hold, or one whose person wants no contact, or one that needs a check: those
    are chosen by hand. Only from `queues`, where these are named.
    """
    by_hand = (REFERRAL.c.stage == "new", ~REFERRAL.c.hold, REFERRAL.c.may_contact)
    mine = (REFERRAL.c.queue.in_(queues), REFERRAL.c.queue != "check") if queues else ()
    first = (
        select(REFERRAL.c.reference)
        .where(*by_hand, *mine, *_free())
        .order_by(REFERRAL.c.unseen.desc(), REFERRAL.c.urgent.desc(), REFERRAL.c.due)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    reference = conn.scalars(first).first()
    if reference is None or claim(conn, reference, who, now):
        return reference
    return claim_next(conn, who, now, queues)


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
    row = known(conn, reference)
    if row.owner not in (None, who):
        raise NotYours(f"{reference} is with somebody else.")
    _may(row, act, until, to)
    if act == "claim" and not claim(conn, reference, who, now):
        raise NotYours(f"{reference} went to somebody else.")
    if act == "erase":
        erase(conn, reference, who, now)
    if act in ("claim", "erase"):
        return casework.after(row.stage, act)
    return _work(conn, vault, row, act, who, now, note, until, to)


def reassign(
    conn: Connection,
    vault: Vault,
    reference: str,
    who: str,
    now: datetime,
    note: str = "",
    to: str = "",
) -> str:
    """Take a referral from whoever has it: to somebody, or back to the queue; return its stage.

    Raises Unknown, and casework.NotAllowed where nobody works on it.
    """
    act = "transfer" if to else "hand_back"
    row = known(conn, reference)
    _may(row, act, None, to)
    return _work(conn, vault, row, act, who, now, note, None, to)


def write_note(
    conn: Connection, vault: Vault, reference: str, who: str, now: datetime, note: str
) -> None:
    """Add a dated note that only staff can read. Raises Unknown, and NotAllowed once erased."""
    row = known(conn, reference)
    if row.stage == "erased":
        raise casework.NotAllowed("a note has no place on what is erased")
    _note_step(conn, vault, row, "note", who, now, note)


def note_reveal(conn: Connection, reference: str, who: str, now: datetime) -> None:
    """Write the step that somebody was shown how to reach the person. Raises Unknown."""
    row = known(conn, reference)
    write_step(conn, row.id, "reveal", who, row.stage, now)


def return_unworked(conn: Connection, now: datetime) -> list[str]:
    """Put back in the queue what was claimed and not worked on in time; return the references."""
    ended = select(REFERRAL).where(REFERRAL.c.lease_until <= now)
    rows = conn.execute(ended.with_for_update(skip_locked=True)).all()
    for row in rows:
        stage = casework.after(row.stage, "lease_ended")
        move(conn, row, stage=stage, owner=None, lease_until=None)
        write_step(conn, row.id, "lease_ended", CLOCK, stage, now)
    return [row.reference for row in rows]


def erase(conn: Connection, reference: str, who: str, now: datetime) -> None:
    """Blank the record, its flags and every note; reference and bare steps stay.

    Raises Unknown, and casework.NotAllowed where erasing does not start.
    """
    row = known(conn, reference)
    stage = casework.after(row.stage, "erase")
    gone = {"body": None, "flags": None, "chat_id": None, "owner": None, "until": None}
    move(conn, row, stage=stage, unseen=False, erased_at=now, **gone)
    conn.execute(update(STEP).where(STEP.c.referral_id == row.id).values(note=None))
    changes = CONTACT_CHANGE.c.referral_id == row.id
    conn.execute(update(CONTACT_CHANGE).where(changes).values(body=None))
    duplicates.forget(conn, row.id)
    write_step(conn, row.id, "erase", who, stage, now)


def _free() -> tuple[ColumnElement[bool], ...]:
    return REFERRAL.c.stage.in_(_CLAIMABLE), REFERRAL.c.owner.is_(None)


def _lease(now: datetime) -> ColumnElement[datetime]:
    return case((REFERRAL.c.due > now, REFERRAL.c.due), else_=literal(now + OVERDUE_LEASE, Utc))


def _may(row: AnyRow, act: str, until: datetime | None, to: str) -> None:
    """Raise NotAllowed for an act that does not start from here, or lacks what it needs."""
    lacks = (act == "transfer" and not to) or (act == "snooze" and until is None)
    if lacks or act not in casework.allowed(row.stage):
        raise casework.NotAllowed(f"{act} does not start from {row.stage}")


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
    move(conn, row, **changed)
    _note_step(conn, vault, row, act, who, now, note, stage, until)
    return stage


def _note_step(
    conn: Connection,
    vault: Vault,
    row: AnyRow,
    act: str,
    who: str,
    now: datetime,
    note: str,
    stage: str = "",
    until: datetime | None = None,
) -> None:
    id = new_id()
    sealed = vault.seal(note, note_place(row.id, id)) if note else None
    write_step(conn, row.id, act, who, stage or row.stage, now, id=id, note=sealed, until=until)


def _was_withdrawn(conn: Connection, row: AnyRow) -> bool:
    """Return whether the person ever asked us to stop; only a new request lifts that."""
    asked = exists().where(STEP.c.referral_id == row.id, STEP.c.act == "withdraw")
    return bool(conn.execute(select(asked)).scalar_one())
