"""When to try again after nobody answered: another time of day, three tries in all."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flows import workdays
from flows.service import Service

TRIES = 3
"""After this many without an answer, staff think about passing it on or closing it."""
SOON = timedelta(hours=2)
"""The least time between two tries on one day."""
SLOT = timedelta(minutes=30)
PARTS = ("morning", "afternoon", "evening")
"""The parts of a working day; `evening` is the last of it, as early as the service closes."""
_NOON, _LATE = time(12), time(16)


def next_try(
    now: datetime, earlier: Sequence[datetime], best_time: str, service: Service
) -> datetime | None:
    """Return when to try again (aware) after one at `now` met nobody; None after three tries.

    `earlier` are the tries before. It is a working time within the part of the day that the
    person named, on this day or the next working day, as far as can be from the times tried.
    """
    tried = [one.astimezone(ZoneInfo(service.zone)) for one in (*earlier, now)]
    if len(tried) >= TRIES:
        return None
    today = tried[-1].date()
    hours = slots(best_time, service)
    other_parts = {part_of(one.time()) for one in tried}
    if workdays.is_working_day(today, service):
        for hour in hours:
            later = on(today, hour, service)
            if later - now >= SOON and part_of(hour) not in other_parts:
                return later
    furthest = max(hours, key=lambda hour: min(_apart(hour, one.time()) for one in tried))
    return on(workdays.next_working_day(today, service), furthest, service)


def slots(part: str, service: Service) -> list[time]:
    """Return the times of a working day that lie in a part of it, half an hour apart.

    The whole of it for a part that is not one of PARTS, or that falls outside working hours.
    """
    day = date(2000, 1, 3)
    at, end = datetime.combine(day, service.opens), datetime.combine(day, service.closes)
    whole = []
    while at + SLOT <= end:
        whole.append(at.time())
        at += SLOT
    return [one for one in whole if part_of(one) == part] or whole


def part_of(hour: time) -> str:
    """Return the part of the day that a local time lies in."""
    if hour < _NOON:
        return "morning"
    return "afternoon" if hour < _LATE else "evening"


def days(now: datetime, service: Service, most: int = 6) -> list[date]:
    """Return the working days that something can be put off to: today if it is one, and next."""
    today = now.astimezone(ZoneInfo(service.zone)).date()
    found = [today] if workdays.is_working_day(today, service) else []
    day = today
    while len(found) < most:
        day = workdays.next_working_day(day, service)
        found.append(day)
    return found


def on(day: date, hour: time, service: Service) -> datetime:
    """Return a local time of a day (aware)."""
    return datetime.combine(day, hour, ZoneInfo(service.zone))


def _apart(one: time, other: time) -> int:
    """Return how many minutes lie between two times of day."""
    return abs((one.hour - other.hour) * 60 + one.minute - other.minute)
