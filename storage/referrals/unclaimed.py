"""Referrals that nobody has claimed yet, and how often staff were alerted of that."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from flows.casework import ReferralStage
from storage.tables import REFERRAL
from storage.unit import Unit


@dataclass(frozen=True, slots=True)
class UnclaimedReferral:
    """A referral that waits; `alert_count` is 1 after the team was alerted, 2 after the manager."""

    reference: str
    sent_at: datetime
    due: datetime
    alert_count: int


def list_unclaimed(unit: Unit, max_alerts: int) -> list[UnclaimedReferral]:
    """Return what nobody has claimed and of which fewer than `max_alerts` alerts went out."""
    query = select(
        REFERRAL.c.reference, REFERRAL.c.sent_at, REFERRAL.c.due, REFERRAL.c.alert_count
    ).where(
        REFERRAL.c.stage == ReferralStage.NEW,
        REFERRAL.c.owner.is_(None),
        REFERRAL.c.alert_count < max_alerts,
    )
    return [UnclaimedReferral(*row) for row in unit.conn.execute(query.order_by(REFERRAL.c.due))]


def set_alert_count(unit: Unit, reference: str, alert_count: int) -> None:
    """Note that staff were alerted of it so often; never less than is noted already."""
    fewer = (REFERRAL.c.reference == reference, REFERRAL.c.alert_count < alert_count)
    unit.conn.execute(update(REFERRAL).where(*fewer).values(alert_count=alert_count))
