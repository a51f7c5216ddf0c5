"""The acts of staff on a referral: claim, work, snooze, note, reassign, erase."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, literal, select, update

from flows import casework
from flows.casework import HELD_STAGES, Act, FollowUp, ReferralStage
from flows.vocabulary import Queue, StepName
from storage.referrals import duplicates, search_index, steps
from storage.referrals.released_chats import release_chats
from storage.referrals.rows import unseal_record
from storage.tables import REFERRAL, STEP, AnyRow, UtcDateTime
from storage.unit import Unit
from storage.web_tables import CONTACT_CHANGE

OVERDUE_LEASE = timedelta(hours=4)
_CLAIMABLE = [stage for stage in casework.OPEN_STAGES if Act.CLAIM in casework.allowed_acts(stage)]


def claim(unit: Unit, reference: str, actor: str) -> bool:
    """Make `actor` the owner if nobody is; return whether they own the referral now.

    The lease ends at the promised time, or four hours from now once that has passed.
    Raises UnknownReferral.
    """
    free = (REFERRAL.c.reference == reference, *_is_unclaimed())
    values = {"stage": ReferralStage.CLAIMED, "owner": actor, "lease_until": _lease_end(unit.now)}
    won = unit.changed(update(REFERRAL).where(*free).values(values)) == 1
    row = steps.require_referral(unit, reference)
    if won:
        steps.add_step(unit, row.id, Act.CLAIM, actor, ReferralStage.CLAIMED)
    return bool(row.owner == actor)


def claim_next(unit: Unit, actor: str, queues: Collection[str] | None = None) -> str | None:
    """Give `actor` the referral that is next in line; return its reference, None if none is.

    Never one on hold, or one whose person wants no contact, or one that needs a check: those
    are chosen by hand. Only from `queues`, where these are named.
    """
    by_hand = (REFERRAL.c.stage == ReferralStage.NEW, ~REFERRAL.c.hold, REFERRAL.c.may_contact)
    mine = (REFERRAL.c.queue.in_(queues), REFERRAL.c.queue != Queue.CHECK) if queues else ()
    first = (
        select(REFERRAL.c.reference)
        .where(*by_hand, *mine, *_is_unclaimed())
        .order_by(REFERRAL.c.unseen.desc(), REFERRAL.c.urgent.desc(), REFERRAL.c.due)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    reference = unit.conn.scalars(first).first()
    if reference is None or claim(unit, reference, actor):
        return reference
    return claim_next(unit, actor, queues)


def perform_act(
    unit: Unit,
    reference: str,
    act: str,
    actor: str,
    note: str = "",
    until: datetime | None = None,
    transfer_to: str = "",
) -> str:
    """Take a staff act together with its dated step; return the stage it led to.

    `until` is when to come back, `transfer_to` the new owner. Raises UnknownReferral,
    NotReferralOwner when somebody else owns it, and casework.InvalidTransition.
    """
    row = steps.require_referral(unit, reference)
    if row.owner not in (None, actor):
        raise steps.NotReferralOwner(f"{reference} is with somebody else.")
    allowed = _allowed_act(row, act, until, transfer_to)
    if act == Act.CLAIM and not claim(unit, reference, actor):
        raise steps.NotReferralOwner(f"{reference} went to somebody else.")
    if act == Act.ERASE:
        erase(unit, reference, actor)
    if act in (Act.CLAIM, Act.ERASE):
        return casework.stage_after(row.stage, act)
    return _apply_act(unit, row, allowed, actor, note, until, transfer_to)


def reassign(unit: Unit, reference: str, actor: str, note: str = "", transfer_to: str = "") -> str:
    """Transfer a referral to another owner, or back to the queue; return its stage.

    Raises UnknownReferral, and casework.InvalidTransition where nobody works on it.
    """
    row = steps.require_referral(unit, reference)
    wanted = Act.TRANSFER if transfer_to else Act.HAND_BACK
    act = _allowed_act(row, wanted, None, transfer_to)
    return _apply_act(unit, row, act, actor, note, None, transfer_to)


def add_note(unit: Unit, reference: str, actor: str, note: str, step_id: str = "") -> None:
    """Add a dated note that only staff can read, as a step with this id, or with a new one.

    Raises UnknownReferral, and casework.InvalidTransition once it is erased.
    """
    row = steps.require_referral(unit, reference)
    if row.stage == ReferralStage.ERASED:
        raise casework.InvalidTransition("a note has no place on what is erased")
    steps.add_step(unit, row.id, StepName.NOTE, actor, row.stage, note, id=step_id)


def record_reveal(unit: Unit, reference: str, actor: str) -> None:
    """Record that `actor` was shown the contact details. Raises UnknownReferral."""
    row = steps.require_referral(unit, reference)
    steps.add_step(unit, row.id, StepName.REVEAL, actor, row.stage)


def release_expired_leases(unit: Unit) -> list[str]:
    """Put claims whose lease has ended back in the queue; return their references."""
    ended = select(REFERRAL).where(REFERRAL.c.lease_until <= unit.now)
    rows = unit.conn.execute(ended.with_for_update(skip_locked=True)).all()
    for row in rows:
        stage = casework.stage_after(row.stage, Act.LEASE_ENDED)
        steps.update_if_unchanged(unit, row, stage=stage, owner=None, lease_until=None)
        steps.add_step(unit, row.id, Act.LEASE_ENDED, steps.CLOCK, stage)
    return [row.reference for row in rows]


def erase(unit: Unit, reference: str, actor: str) -> None:
    """Blank the record, its flags and every note; reference and bare steps stay.

    Raises UnknownReferral, and casework.InvalidTransition where erasing is not allowed.
    """
    row = steps.require_referral(unit, reference)
    _blank(unit, row, casework.stage_after(row.stage, Act.ERASE), actor)


def erase_again(unit: Unit, reference: str, actor: str) -> bool:
    """Erase a referral that came back from a backup, at whatever stage; return whether it had."""
    row = steps.find_referral(unit, reference)
    if row is None or row.erased_at is not None:
        return False
    _blank(unit, row, casework.ReferralStage.ERASED, actor)
    return True


def _blank(unit: Unit, row: AnyRow, stage: str, actor: str) -> None:
    gone = {"body": None, "flags": None, "chat_id": None, "owner": None, "until": None}
    steps.update_if_unchanged(unit, row, stage=stage, unseen=False, erased_at=unit.now, **gone)
    unit.conn.execute(update(STEP).where(STEP.c.referral_id == row.id).values(note=None))
    changes = CONTACT_CHANGE.c.referral_id == row.id
    unit.conn.execute(update(CONTACT_CHANGE).where(changes).values(body=None))
    duplicates.delete_match_keys(unit, row.id)
    search_index.remove_from_index(unit, row.id)
    if row.chat_id:
        release_chats(unit, [row.chat_id])
    steps.add_step(unit, row.id, Act.ERASE, actor, stage)


def _is_unclaimed() -> tuple[ColumnElement[bool], ...]:
    return REFERRAL.c.stage.in_(_CLAIMABLE), REFERRAL.c.owner.is_(None)


def _lease_end(now: datetime) -> ColumnElement[datetime]:
    return case(
        (REFERRAL.c.due > now, REFERRAL.c.due), else_=literal(now + OVERDUE_LEASE, UtcDateTime)
    )


def _allowed_act(row: AnyRow, act: str, until: datetime | None, transfer_to: str) -> Act:
    """Return the act; raise InvalidTransition where the stage bars it, or what it needs lacks."""
    rule = casework.ACTS.find(act)
    lacks_owner = act == Act.TRANSFER and not transfer_to
    if rule is None or lacks_owner or act not in casework.allowed_acts(row.stage):
        raise casework.InvalidTransition(f"{act} does not start from {row.stage}")
    if rule.follow_up is FollowUp.REQUIRED and until is None:
        raise casework.InvalidTransition(f"{act} needs a time to come back")
    return rule.act


def _apply_act(
    unit: Unit,
    row: AnyRow,
    act: Act,
    actor: str,
    note: str,
    until: datetime | None,
    transfer_to: str,
) -> str:
    stage = casework.stage_after(row.stage, act)
    changed = {
        "stage": stage,
        "owner": (transfer_to or actor) if stage in HELD_STAGES else None,
        "lease_until": _lease_end(unit.now) if act == Act.TRANSFER else None,
        "until": until,
        "unseen": False,
        "closed_at": unit.now if stage == ReferralStage.CLOSED else None,
    }
    if act == Act.STILL_WANTED and not _was_withdrawn(unit, row):
        changed["may_contact"] = unseal_record(unit, row).may_contact
    steps.update_if_unchanged(unit, row, **changed)
    steps.add_step(unit, row.id, act, actor, stage, note, until=until)
    return stage


def _was_withdrawn(unit: Unit, row: AnyRow) -> bool:
    """Return whether the person ever withdrew; only a new referral lifts that."""
    return unit.exists(STEP.c.referral_id == row.id, STEP.c.act == Act.WITHDRAW)
