"""What staff do with a referral: claim it, work on it, put it off, note something, erase it."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, case, exists, literal, select, update

from flows import casework
from storage.referrals import duplicates
from storage.referrals.rows import note_context, unseal_record
from storage.referrals.steps import (
    CLOCK,
    NotReferralOwner,
    add_step,
    require_referral,
    update_if_unchanged,
)
from storage.tables import REFERRAL, STEP, AnyRow, UtcDateTime, new_id
from storage.vault import Vault
from storage.web_tables import CONTACT_CHANGE

OVERDUE_LEASE = timedelta(hours=4)
_CLAIMABLE = [stage for stage in casework.OPEN_STAGES if "claim" in casework.allowed_acts(stage)]


def claim(conn: Connection, reference: str, actor: str, now: datetime) -> bool:
    """Give the referral to `who` if nobody has it; return whether it is theirs now.

    The lease ends at the promised time, or four hours from now once that has passed.
    Raises Unknown.
    """
    free = (REFERRAL.c.reference == reference, *_is_unclaimed())
    values = {"stage": "claimed", "owner": actor, "lease_until": _lease_end(now)}
    won = conn.execute(update(REFERRAL).where(*free).values(values)).rowcount == 1
    row = require_referral(conn, reference)
    if won:
        add_step(conn, row.id, "claim", actor, "claimed", now)
    return bool(row.owner == actor)


def claim_next(
    conn: Connection, actor: str, now: datetime, queues: Collection[str] | None = None
) -> str | None:
    """Give `who` the referral that is next in line; return its reference, None if none is.

    Never one on hold, or one whose person wants no contact, or one that needs a check: those
    are chosen by hand. Only from `queues`, where these are named.
    """
    by_hand = (REFERRAL.c.stage == "new", ~REFERRAL.c.hold, REFERRAL.c.may_contact)
    mine = (REFERRAL.c.queue.in_(queues), REFERRAL.c.queue != "check") if queues else ()
    first = (
        select(REFERRAL.c.reference)
        .where(*by_hand, *mine, *_is_unclaimed())
        .order_by(REFERRAL.c.unseen.desc(), REFERRAL.c.urgent.desc(), REFERRAL.c.due)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    reference = conn.scalars(first).first()
    if reference is None or claim(conn, reference, actor, now):
        return reference
    return claim_next(conn, actor, now, queues)


def perform_act(
    conn: Connection,
    vault: Vault,
    reference: str,
    act: str,
    actor: str,
    now: datetime,
    note: str = "",
    until: datetime | None = None,
    transfer_to: str = "",
) -> str:
    """Take a staff act together with its dated step; return the stage it led to.

    `until` is when to come back, `to` who a transfer goes to. Raises Unknown, NotYours when
    somebody else has it, and casework.NotAllowed.
    """
    row = require_referral(conn, reference)
    if row.owner not in (None, actor):
        raise NotReferralOwner(f"{reference} is with somebody else.")
    _require_allowed(row, act, until, transfer_to)
    if act == "claim" and not claim(conn, reference, actor, now):
        raise NotReferralOwner(f"{reference} went to somebody else.")
    if act == "erase":
        erase(conn, reference, actor, now)
    if act in ("claim", "erase"):
        return casework.stage_after(row.stage, act)
    return _apply_act(conn, vault, row, act, actor, now, note, until, transfer_to)


def reassign(
    conn: Connection,
    vault: Vault,
    reference: str,
    actor: str,
    now: datetime,
    note: str = "",
    transfer_to: str = "",
) -> str:
    """Take a referral from whoever has it: to somebody, or back to the queue; return its stage.

    Raises Unknown, and casework.NotAllowed where nobody works on it.
    """
    act = "transfer" if transfer_to else "hand_back"
    row = require_referral(conn, reference)
    _require_allowed(row, act, None, transfer_to)
    return _apply_act(conn, vault, row, act, actor, now, note, None, transfer_to)


def add_note(
    conn: Connection, vault: Vault, reference: str, actor: str, now: datetime, note: str
) -> None:
    """Add a dated note that only staff can read. Raises Unknown, and NotAllowed once erased."""
    row = require_referral(conn, reference)
    if row.stage == "erased":
        raise casework.InvalidTransition("a note has no place on what is erased")
    _add_note_step(conn, vault, row, "note", actor, now, note)


def record_reveal(conn: Connection, reference: str, actor: str, now: datetime) -> None:
    """Write the step that somebody was shown how to reach the person. Raises Unknown."""
    row = require_referral(conn, reference)
    add_step(conn, row.id, "reveal", actor, row.stage, now)


def release_expired_leases(conn: Connection, now: datetime) -> list[str]:
    """Put back in the queue what was claimed and not worked on in time; return the references."""
    ended = select(REFERRAL).where(REFERRAL.c.lease_until <= now)
    rows = conn.execute(ended.with_for_update(skip_locked=True)).all()
    for row in rows:
        stage = casework.stage_after(row.stage, "lease_ended")
        update_if_unchanged(conn, row, stage=stage, owner=None, lease_until=None)
        add_step(conn, row.id, "lease_ended", CLOCK, stage, now)
    return [row.reference for row in rows]


def erase(conn: Connection, reference: str, actor: str, now: datetime) -> None:
    """Blank the record, its flags and every note; reference and bare steps stay.

    Raises Unknown, and casework.NotAllowed where erasing does not start.
    """
    row = require_referral(conn, reference)
    stage = casework.stage_after(row.stage, "erase")
    gone = {"body": None, "flags": None, "chat_id": None, "owner": None, "until": None}
    update_if_unchanged(conn, row, stage=stage, unseen=False, erased_at=now, **gone)
    conn.execute(update(STEP).where(STEP.c.referral_id == row.id).values(note=None))
    changes = CONTACT_CHANGE.c.referral_id == row.id
    conn.execute(update(CONTACT_CHANGE).where(changes).values(body=None))
    duplicates.delete_match_keys(conn, row.id)
    add_step(conn, row.id, "erase", actor, stage, now)


def _is_unclaimed() -> tuple[ColumnElement[bool], ...]:
    return REFERRAL.c.stage.in_(_CLAIMABLE), REFERRAL.c.owner.is_(None)


def _lease_end(now: datetime) -> ColumnElement[datetime]:
    return case(
        (REFERRAL.c.due > now, REFERRAL.c.due), else_=literal(now + OVERDUE_LEASE, UtcDateTime)
    )


def _require_allowed(row: AnyRow, act: str, until: datetime | None, transfer_to: str) -> None:
    """Raise NotAllowed for an act that does not start from here, or lacks what it needs."""
    lacks = (act == "transfer" and not transfer_to) or (act == "snooze" and until is None)
    if lacks or act not in casework.allowed_acts(row.stage):
        raise casework.InvalidTransition(f"{act} does not start from {row.stage}")


def _apply_act(
    conn: Connection,
    vault: Vault,
    row: AnyRow,
    act: str,
    actor: str,
    now: datetime,
    note: str,
    until: datetime | None,
    transfer_to: str,
) -> str:
    stage = casework.stage_after(row.stage, act)
    changed = {
        "stage": stage,
        "owner": (transfer_to or actor) if act in casework.ACTS_KEEPING_OWNER else None,
        "lease_until": _lease_end(now) if act == "transfer" else None,
        "until": until,
        "unseen": False,
        "closed_at": now if stage == "closed" else None,
    }
    if act == "still_wanted" and not _was_withdrawn(conn, row):
        changed["may_contact"] = unseal_record(vault, row).may_contact
    update_if_unchanged(conn, row, **changed)
    _add_note_step(conn, vault, row, act, actor, now, note, stage, until)
    return stage


def _add_note_step(
    conn: Connection,
    vault: Vault,
    row: AnyRow,
    act: str,
    actor: str,
    now: datetime,
    note: str,
    stage: str = "",
    until: datetime | None = None,
) -> None:
    id = new_id()
    sealed = vault.seal(note, note_context(row.id, id)) if note else None
    add_step(conn, row.id, act, actor, stage or row.stage, now, id=id, note=sealed, until=until)


def _was_withdrawn(conn: Connection, row: AnyRow) -> bool:
    """Return whether the person ever asked us to stop; only a new request lifts that."""
    asked = exists().where(STEP.c.referral_id == row.id, STEP.c.act == "withdraw")
    return bool(conn.execute(select(asked)).scalar_one())
