"""When to try again after nobody answered: another time of day, three tries in all."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flows.calendar import workdays
from flows.service import Service

MAX_ATTEMPTS = 3
"""After this many without an answer, staff think about passing it on or closing it."""
MIN_GAP = timedelta(hours=2)
"""The least time between two tries on one day."""
SLOT_LENGTH = timedelta(minutes=30)


def next_attempt(
    now: datetime, previous_attempts: Sequence[datetime], best_time: str, service: Service
) -> datetime | None:
    """Return when to try again (aware) after one at `now` met nobody; None after three tries.

    It comes after `previous_attempts`, within the part of the day that the person named, and
    within working hours when they named none: later today in a part not tried yet, else on the
    next working day, as far as can be from the times that were tried.
    """
    tried = [one.astimezone(ZoneInfo(service.zone)) for one in (*previous_attempts, now)]
    if len(tried) >= MAX_ATTEMPTS:
        return None
    today, hours = tried[-1].date(), slot_times(best_time, service)
    parts = {part_of_day(one.time(), service) for one in tried}
    if workdays.is_working_day(today, service):
        for hour in hours:
            if (
                part_of_day(hour, service) not in parts
                and local_datetime(today, hour, service) - now >= MIN_GAP
            ):
                return local_datetime(today, hour, service)
    furthest = max(hours, key=lambda hour: min(_minutes_apart(hour, one.time()) for one in tried))
    return local_datetime(workdays.next_working_day(today, service), furthest, service)


def slot_times(part: str, service: Service) -> list[time]:
    """Return the times of a part of the day, half an hour apart; else of the working day."""
    opens, closes = service.windows.get(part, (service.opens, service.closes))
    any_day = date(2000, 1, 3)
    at, end = datetime.combine(any_day, opens), datetime.combine(any_day, closes)
    return [(at + n * SLOT_LENGTH).time() for n in range(max(1, (end - at) // SLOT_LENGTH))]


def part_of_day(hour: time, service: Service) -> str:
    """Return the part of the day that a local time lies in; "" for none."""
    lies = (part for part, (opens, closes) in service.windows.items() if opens <= hour < closes)
    return next(lies, "")


def follow_up_days(now: datetime, service: Service) -> list[date]:
    """Return the working days to put something off to: the next few, and in 2 and 4 weeks."""
    today = now.astimezone(ZoneInfo(service.zone)).date()
    found = [today] if workdays.is_working_day(today, service) else []
    day = today
    for _ in range(4 * len(service.days)):
        day = workdays.next_working_day(day, service)
        found.append(day)
    near, later = found[: len(service.days) + 1], 2 * len(service.days)
    return [*near, *dict.fromkeys((found[later], found[-1]))]


def follow_up_at(day: date, part: str, now: datetime, service: Service) -> datetime | None:
    """Return the first time of a part of a day that is still ahead (aware); None if none is."""
    times = (local_datetime(day, hour, service) for hour in slot_times(part, service))
    return next((one for one in times if one > now), None)


def local_datetime(day: date, hour: time, service: Service) -> datetime:
    """Return a local time of a day (aware)."""
    return datetime.combine(day, hour, ZoneInfo(service.zone))


def _minutes_apart(one: time, other: time) -> int:
    """Return how many minutes lie between two times of day."""
    return abs((one.hour - other.hour) * 60 + one.minute - other.minute)
