"""Referrals that nobody has claimed yet, and how often staff were alerted of that."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from storage.tables import REFERRAL


@dataclass(frozen=True, slots=True)
class UnclaimedReferral:
    """A referral that waits; `alerted` is 1 after the team was told, 2 after the manager."""

    reference: str
    sent_at: datetime
    due: datetime
    alert_count: int


def list_unclaimed(conn: Connection, max_alerts: int) -> list[UnclaimedReferral]:
    """Return what nobody has claimed and of which fewer than `most_alerted` alerts went out."""
    query = select(
        REFERRAL.c.reference, REFERRAL.c.sent_at, REFERRAL.c.due, REFERRAL.c.alerted
    ).where(
        REFERRAL.c.stage == "new",
        REFERRAL.c.owner.is_(None),
        REFERRAL.c.alerted < max_alerts,
    )
    return [UnclaimedReferral(*row) for row in conn.execute(query.order_by(REFERRAL.c.due))]


def set_alert_count(conn: Connection, reference: str, alert_count: int) -> None:
    """Note that staff were alerted of it so often; never less than is noted already."""
    fewer = (REFERRAL.c.reference == reference, REFERRAL.c.alerted < alert_count)
    conn.execute(update(REFERRAL).where(*fewer).values(alerted=alert_count))
