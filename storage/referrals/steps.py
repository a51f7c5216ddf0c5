"""The steps of a referral: find it, change it only as it was seen, date what was done."""

from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from storage.tables import REFERRAL, STEP, AnyRow, new_id

PERSON = "person"
CLOCK = "clock"


LOOKS = ("opened", "reveal", "note")
"""Steps that change nothing."""


class Unknown(LookupError):
    """There is no referral with this reference."""


class NotYours(RuntimeError):
    """Somebody else has this referral."""


def find(conn: Connection, reference: str) -> AnyRow | None:
    """Return the row of a referral; None when there is no such reference."""
    return conn.execute(select(REFERRAL).where(REFERRAL.c.reference == reference)).first()


def known(conn: Connection, reference: str) -> AnyRow:
    """Return the row of a referral; raise Unknown."""
    row = find(conn, reference)
    if row is None:
        raise Unknown(reference)
    return row


def move(conn: Connection, row: AnyRow, **changed: object) -> None:
    """Change a referral that still stands and belongs as it did; raise NotYours if not."""
    same = (
        REFERRAL.c.id == row.id,
        REFERRAL.c.stage == row.stage,
        REFERRAL.c.owner.is_not_distinct_from(row.owner),
    )
    if conn.execute(update(REFERRAL).where(*same).values(**changed)).rowcount != 1:
        raise NotYours(f"{row.reference} has just been changed by somebody else.")


def write_step(
    conn: Connection,
    referral_id: str,
    act: str,
    who: str,
    stage: str,
    now: datetime,
    **more: object,
) -> None:
    """Add a dated step; `more` may hold its id, its sealed note, and until when."""
    row = {"id": new_id(), "referral_id": referral_id, "act": act, "who": who, "stage": stage}
    conn.execute(insert(STEP), {**row, "at": now, **more})


def turns(conn: Connection, reference: str) -> int:
    """Return how often something was done with a referral; looks and notes are not counted.

    A page that was made before the last of them is out of date. Raises Unknown.
    """
    done = (STEP.c.referral_id == known(conn, reference).id, STEP.c.act.not_in(LOOKS))
    return conn.execute(select(func.count()).select_from(STEP).where(*done)).scalar_one()
