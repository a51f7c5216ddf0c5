"""The ISO weeks that a query asks for, in the service's time zone."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flows.service import service

DEFAULT_WEEKS, MAX_WEEKS = 12, 53
"""How many weeks are shown when nothing is asked, and the most that can be asked for."""
YEARS = range(2020, 2100)


class InvalidWeek(ValueError):
    """What was asked for is no week such as 2026-W40, or no range of them: says which and why."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field, self.why = field, why


@dataclass(frozen=True, slots=True)
class WeekRange:
    """Whole weeks, from the Monday `first` to the Sunday `last`."""

    first: date
    last: date

    @property
    def mondays(self) -> tuple[date, ...]:
        """Return the Monday of each week."""
        n = ((self.last - self.first).days + 1) // 7
        return tuple(self.first + timedelta(weeks=k) for k in range(n))

    @property
    def bounds(self) -> tuple[datetime, ...]:
        """Return when each week begins, and when the last is over (aware)."""
        return (*(_midnight(monday) for monday in self.mondays), self.until)

    @property
    def since(self) -> datetime:
        """Return when the first week begins (aware)."""
        return _midnight(self.first)

    @property
    def until(self) -> datetime:
        """Return when the last week is over (aware)."""
        return _midnight(self.last + timedelta(days=1))


def parse_weeks(since: str, until: str, now: datetime) -> WeekRange:
    """Return the weeks that are asked for; those up to now where nothing is. Raises InvalidWeek."""
    this = monday_of(now)
    last = _parse_monday("to", until) if until.strip() else this
    first = last - timedelta(weeks=DEFAULT_WEEKS - 1)
    if since.strip():
        first = _parse_monday("from", since)
    if first > last:
        raise InvalidWeek("from", "after")
    if (last - first).days >= 7 * MAX_WEEKS:
        raise InvalidWeek("from", "too_many")
    return WeekRange(first, last + timedelta(days=6))


def monday_of(moment: datetime) -> date:
    """Return the Monday of the week that a moment lies in, where the service is."""
    day = moment.astimezone(ZoneInfo(service().zone)).date()
    return day - timedelta(days=day.weekday())


def week_name(monday: date) -> str:
    """Return a week as it stands in an address, such as 2026-W40."""
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02}"


def _parse_monday(field: str, text: str) -> date:
    found = re.fullmatch(r"([0-9]{4})-?[Ww]([0-9]{1,2})", text.strip()[:20])
    if not found or int(found[1]) not in YEARS:
        raise InvalidWeek(field, "no_week")
    try:
        return date.fromisocalendar(int(found[1]), int(found[2]), 1)
    except ValueError:
        raise InvalidWeek(field, "no_week") from None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(service().zone))
