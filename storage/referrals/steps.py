"""The steps of a referral: find it, change it only as it was seen, date what was done."""

from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from storage.tables import REFERRAL, STEP, AnyRow, new_id

PERSON = "person"
CLOCK = "clock"


READ_ONLY_ACTS = ("opened", "reveal", "note")
"""Steps that change nothing."""


class UnknownReferral(LookupError):
    """There is no referral with this reference."""


class NotReferralOwner(RuntimeError):
    """Somebody else has this referral."""


def find_referral(conn: Connection, reference: str) -> AnyRow | None:
    """Return the row of a referral; None when there is no such reference."""
    return conn.execute(select(REFERRAL).where(REFERRAL.c.reference == reference)).first()


def require_referral(conn: Connection, reference: str) -> AnyRow:
    """Return the row of a referral; raise Unknown."""
    row = find_referral(conn, reference)
    if row is None:
        raise UnknownReferral(reference)
    return row


def update_if_unchanged(conn: Connection, row: AnyRow, **values: object) -> None:
    """Change a referral that still stands and belongs as it did; raise NotYours if not."""
    same = (
        REFERRAL.c.id == row.id,
        REFERRAL.c.stage == row.stage,
        REFERRAL.c.owner.is_not_distinct_from(row.owner),
    )
    if conn.execute(update(REFERRAL).where(*same).values(**values)).rowcount != 1:
        raise NotReferralOwner(f"{row.reference} has just been changed by somebody else.")


def add_step(
    conn: Connection,
    referral_id: str,
    act: str,
    actor: str,
    stage: str,
    now: datetime,
    **columns: object,
) -> None:
    """Add a dated step; `more` may hold its id, its sealed note, and until when."""
    row = {"id": new_id(), "referral_id": referral_id, "act": act, "who": actor, "stage": stage}
    conn.execute(insert(STEP), {**row, "at": now, **columns})


def revision(conn: Connection, reference: str) -> int:
    """Return how often something was done with a referral; looks and notes are not counted.

    A page that was made before the last of them is out of date. Raises Unknown.
    """
    done = (
        STEP.c.referral_id == require_referral(conn, reference).id,
        STEP.c.act.not_in(READ_ONLY_ACTS),
    )
    return conn.execute(select(func.count()).select_from(STEP).where(*done)).scalar_one()
