"""Alerts for referrals unclaimed close to their due time: first the team, then the manager."""

from datetime import datetime, timedelta

from bot.pipeline.alerts import AlertKey, alert, alert_manager
from bot.runtime import Runtime
from flows.calendar.workdays import next_opening, working_time
from flows.service import service
from storage.referrals import unclaimed
from storage.referrals.unclaimed import UnclaimedReferral
from storage.unit import Unit

TEAM_ALERT_SHARE, MANAGER_ALERT_SHARE = 0.5, 0.75
"""The shares of the promised time, in hours of the service, after which each is alerted."""


def alert_unclaimed(unit: Unit, runtime: Runtime) -> None:
    """Alert of what nobody has claimed, once for each step; never outside the service's hours."""
    if next_opening(unit.now, service()) is not None:
        return
    for one in unclaimed.list_unclaimed(unit, max_alerts=2):
        gone = elapsed_share(one, unit.now)
        if gone >= TEAM_ALERT_SHARE and one.alert_count < 1:
            alert(unit, runtime, AlertKey.UNCLAIMED, one.reference, one.due)
            unclaimed.set_alert_count(unit, one.reference, 1)
        if gone >= MANAGER_ALERT_SHARE:
            alert_manager(unit, runtime, AlertKey.UNCLAIMED_LATE, one.reference, one.due)
            unclaimed.set_alert_count(unit, one.reference, 2)


def opening_time(start: datetime, end: datetime) -> timedelta:
    """Return how much of the time between two aware moments the service was open."""
    return working_time(start, end, service())


def elapsed_share(referral: UnclaimedReferral, now: datetime) -> float:
    """Return how much of the promised time is over, of 1; the service's hours count."""
    promised = opening_time(referral.sent_at, referral.due)
    if not promised:
        return 1.0 if now >= referral.due else 0.0
    return opening_time(referral.sent_at, now) / promised
