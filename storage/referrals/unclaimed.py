"""Referrals that nobody has claimed yet, and how often staff were alerted of that."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from storage.tables import REFERRAL


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """A referral that waits; `alerted` is 1 after the team was told, 2 after the manager."""

    reference: str
    sent_at: datetime
    due: datetime
    alerted: int


def unclaimed(conn: Connection, most_alerted: int) -> list[Unclaimed]:
    """Return what nobody has claimed and of which fewer than `most_alerted` alerts went out."""
    query = select(
        REFERRAL.c.reference, REFERRAL.c.sent_at, REFERRAL.c.due, REFERRAL.c.alerted
    ).where(
        REFERRAL.c.stage == "new",
        REFERRAL.c.owner.is_(None),
        REFERRAL.c.alerted < most_alerted,
    )
    return [Unclaimed(*row) for row in conn.execute(query.order_by(REFERRAL.c.due))]


def alerted(conn: Connection, reference: str, times: int) -> None:
    """Note that staff were alerted of it so often; never less than is noted already."""
    fewer = (REFERRAL.c.reference == reference, REFERRAL.c.alerted < times)
    conn.execute(update(REFERRAL).where(*fewer).values(alerted=times))
