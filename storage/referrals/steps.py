"""The steps of a referral; its row is changed under an optimistic lock."""

from sqlalchemy import func, insert, select, update

from flows import casework
from flows.casework import Act
from flows.vocabulary import READ_ONLY_STEPS, StepName
from storage.referrals.rows import note_context
from storage.tables import REFERRAL, STEP, AnyRow, new_id
from storage.unit import Unit

PERSON = "person"
CLOCK = "clock"
DESK_TOPIC = "desk"
"""What a commit signals that changes a referral: the open pages of the desk look."""


class UnknownReferral(LookupError):
    """There is no referral with this reference."""


class NotReferralOwner(RuntimeError):
    """Somebody else has this referral."""


def find_referral(unit: Unit, reference: str) -> AnyRow | None:
    """Return the row of a referral; None when there is no such reference."""
    return unit.first(select(REFERRAL).where(REFERRAL.c.reference == reference))


def require_referral(unit: Unit, reference: str) -> AnyRow:
    """Return the row of a referral; raise UnknownReferral."""
    row = find_referral(unit, reference)
    if row is None:
        raise UnknownReferral(reference)
    return row


def update_if_unchanged(unit: Unit, row: AnyRow, **values: object) -> None:
    """Change a referral whose stage and owner are still those of `row` (optimistic lock).

    Raises NotReferralOwner when they are not.
    """
    same = (
        REFERRAL.c.id == row.id,
        REFERRAL.c.stage == row.stage,
        REFERRAL.c.owner.is_not_distinct_from(row.owner),
    )
    if unit.changed(update(REFERRAL).where(*same).values(**values)) != 1:
        raise NotReferralOwner(f"{row.reference} has just been changed by somebody else.")


def add_step(
    unit: Unit,
    referral_id: str,
    act: Act | StepName,
    actor: str,
    stage: str,
    note: str = "",
    **columns: object,
) -> None:
    """Add a dated step, its note sealed; `columns` may hold its id, and until when."""
    id = str(columns.pop("id", "")) or new_id()
    row = {"id": id, "referral_id": referral_id, "act": act, "actor": actor, "stage": stage}
    sealed = unit.seal(note_context(referral_id, id), note) if note else None
    unit.signals.add(DESK_TOPIC)
    unit.conn.execute(insert(STEP), {**row, "note": sealed, "at": unit.now, **columns})
    if act in casework.ACTS.reported():
        counted = update(REFERRAL).where(REFERRAL.c.id == referral_id)
        unit.conn.execute(counted.values(recount_since=unit.now))


def last_step(unit: Unit) -> int:
    """Return the number of the newest step of all; 0 when there is none."""
    return unit.conn.execute(select(func.max(STEP.c.n))).scalar_one() or 0


def revision(unit: Unit, reference: str) -> int:
    """Return how often something was done with a referral; looks and notes are not counted.

    A page that was made before the last of them is out of date. Raises UnknownReferral.
    """
    done = (
        STEP.c.referral_id == require_referral(unit, reference).id,
        STEP.c.act.not_in(READ_ONLY_STEPS),
    )
    return unit.conn.execute(select(func.count()).select_from(STEP).where(*done)).scalar_one()
