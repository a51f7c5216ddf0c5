"""Promises about to break: nobody has claimed a referral, so the team hears, then the manager."""

from datetime import datetime

from sqlalchemy import Connection

from bot.pipeline.alerts import alert, alert_manager
from bot.runtime import House
from flows.calendar.workdays import opening, working_time
from flows.service import service
from storage.referrals import unclaimed
from storage.referrals.unclaimed import Unclaimed

TEAM, MANAGER = 0.5, 0.75
"""The shares of the promised time, in hours of the service, after which each is alerted."""


def alert_of_unclaimed(conn: Connection, house: House, now: datetime) -> None:
    """Alert of what nobody has claimed, once for each step; never outside the service's hours."""
    if opening(now, service()) is not None:
        return
    for one in unclaimed.unclaimed(conn, most_alerted=2):
        gone = share_gone(one, now)
        if gone >= TEAM and one.alerted < 1:
            alert(conn, house, "unclaimed", one.reference, one.due, now)
            unclaimed.alerted(conn, one.reference, 1)
        if gone >= MANAGER:
            alert_manager(conn, house, "unclaimed_late", one.reference, one.due, now)
            unclaimed.alerted(conn, one.reference, 2)


def share_gone(one: Unclaimed, now: datetime) -> float:
    """Return how much of the promised time is over, of 1; the service's hours count."""
    promised = working_time(one.sent_at, one.due, service())
    if not promised:
        return 1.0 if now >= one.due else 0.0
    return working_time(one.sent_at, now, service()) / promised
