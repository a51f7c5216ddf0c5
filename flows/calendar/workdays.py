"""Working days of England, for what is promised and when. Alone knows `holidays`."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from holidays import country_holidays
from holidays.holiday_base import HolidayBase

from flows.service import Service


@cache
def _bank_holidays() -> HolidayBase:
    return country_holidays("GB", subdiv="ENG")


def is_working_day(day: date, service: Service) -> bool:
    """Return whether the service works on `day`: one of its days, and no bank holiday."""
    return day.weekday() in service.days and day not in _bank_holidays()


def due_at(now: datetime, working_days: int, service: Service) -> datetime:
    """Return the promised time, aware: `days` whole working days after `now`.

    What arrives after closing, or on a day off, counts from the next working day.
    """
    here = now.astimezone(ZoneInfo(service.zone))
    day = here.date()
    if not is_working_day(day, service) or here.time() >= service.closes:
        day = next_working_day(day, service)
    for _ in range(working_days):
        day = next_working_day(day, service)
    return datetime.combine(day, service.promise_by, ZoneInfo(service.zone))


def next_working_day(day: date, service: Service) -> date:
    """Return the first working day after `day`."""
    day += timedelta(days=1)
    while not is_working_day(day, service):
        day += timedelta(days=1)
    return day


def next_opening(now: datetime, service: Service) -> datetime | None:
    """Return None while the telephone is answered, otherwise when it next will be."""
    return next_window(now, service.opens, service.closes, service)


def next_window(now: datetime, opens: time, closes: time, service: Service) -> datetime | None:
    """Return None within these hours of a working day, otherwise when they next begin."""
    here = now.astimezone(ZoneInfo(service.zone))
    today = here.date()
    if is_working_day(today, service):
        if opens <= here.time() < closes:
            return None
        if here.time() < opens:
            return _local_datetime(today, opens, service)
    return _local_datetime(next_working_day(today, service), opens, service)


def working_time(start: datetime, end: datetime, service: Service) -> timedelta:
    """Return how much of the time between two aware moments the service was open.

    Nothing when `end` is not after `start`.
    """
    zone = ZoneInfo(service.zone)
    day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    worked = timedelta()
    while day <= last:
        if is_working_day(day, service):
            opens, closes = (
                _local_datetime(day, service.opens, service),
                _local_datetime(day, service.closes, service),
            )
            # In UTC: between two moments of one zone Python subtracts what the clock shows.
            since, until = max(start, opens).astimezone(UTC), min(end, closes).astimezone(UTC)
            worked += max(until - since, timedelta())
        day += timedelta(days=1)
    return worked


def _local_datetime(day: date, hour: time, service: Service) -> datetime:
    return datetime.combine(day, hour, ZoneInfo(service.zone))
