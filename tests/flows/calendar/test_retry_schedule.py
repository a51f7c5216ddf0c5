"""When to try again: another time of day, when the person said, on a working day, three times."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.calendar import retry_schedule, workdays
from flows.service import service

KENT = ZoneInfo("Europe/London")
MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
MOMENTS = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001
    datetime(2027, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
BEST = st.sampled_from(["", "any_time", "morning", "afternoon", "evening"])


def local(moment: datetime) -> datetime:
    """Return a moment as the clock on the wall shows it."""
    return moment.astimezone(KENT)


def hours(best: str) -> tuple[time, time]:
    """Return when it may be."""
    return service().windows.get(best, (service().opens, service().closes))


@settings(deadline=None)
@given(now=MOMENTS, best=BEST, earlier=st.lists(st.integers(1, 20_000), max_size=1))
def test_it_is_ahead_on_a_working_day_within_the_time_they_named(
    now: datetime, best: str, earlier: list[int]
) -> None:
    again = retry_schedule.next_attempt(
        now, [now - timedelta(minutes=n) for n in earlier], best, service()
    )
    assert again is not None
    assert again > now
    assert workdays.is_working_day(local(again).date(), service())
    opens, closes = hours(best)
    assert opens <= local(again).time() < closes


@settings(deadline=None)
@given(now=MOMENTS, best=BEST, earlier=st.lists(st.integers(30, 20_000), max_size=1))
def test_it_is_at_another_time_of_day(now: datetime, best: str, earlier: list[int]) -> None:
    before = [now - timedelta(minutes=n) for n in earlier]
    again = retry_schedule.next_attempt(now, before, best, service())
    assert again is not None
    tried = {(local(one).hour, local(one).minute) for one in (*before, now)}
    assert (local(again).hour, local(again).minute) not in tried


@settings(deadline=None)
@given(now=MOMENTS, best=BEST, earlier=st.lists(st.integers(1, 20_000), min_size=2, max_size=6))
def test_after_three_tries_none_is_proposed(now: datetime, best: str, earlier: list[int]) -> None:
    before = [now - timedelta(minutes=n) for n in earlier]
    assert retry_schedule.next_attempt(now, before, best, service()) is None


@settings(deadline=None)
@given(now=MOMENTS, best=BEST)
def test_it_is_never_long_after_the_promise_would_allow(now: datetime, best: str) -> None:
    again = retry_schedule.next_attempt(now, [], best, service())
    assert again is not None
    next_day = workdays.next_working_day(local(now).date(), service())
    assert local(again).date() <= next_day


def test_after_a_morning_it_is_this_afternoon() -> None:
    again = retry_schedule.next_attempt(MONDAY, [], "any_time", service())
    assert again == datetime(2026, 3, 2, 12, 0, tzinfo=KENT)


def test_who_said_mornings_is_tried_tomorrow_at_another_hour() -> None:
    again = retry_schedule.next_attempt(MONDAY, [], "morning", service())
    assert again == datetime(2026, 3, 3, 11, 30, tzinfo=KENT)


def test_who_said_early_evening_is_never_tried_in_office_hours() -> None:
    again = retry_schedule.next_attempt(MONDAY, [], "evening", service())
    assert again == datetime(2026, 3, 2, 17, 0, tzinfo=KENT)


def test_before_a_bank_holiday_it_is_after_it() -> None:
    maundy_thursday = datetime(2026, 4, 2, 16, 0, tzinfo=KENT)
    again = retry_schedule.next_attempt(maundy_thursday, [], "morning", service())
    assert again is not None
    assert local(again).date() == date(2026, 4, 7)


@settings(deadline=None)
@given(now=MOMENTS)
def test_the_days_to_choose_from_are_working_days_in_order(now: datetime) -> None:
    days = retry_schedule.follow_up_days(now, service())
    assert days == sorted(set(days))
    assert all(workdays.is_working_day(day, service()) for day in days)
    assert days[0] >= local(now).date()
    assert 7 <= len(days) <= 9


@pytest.mark.parametrize(("part", "hour"), [("morning", 10), ("afternoon", 12), ("evening", 17)])
def test_a_part_of_today_begins_at_the_next_half_hour(part: str, hour: int) -> None:
    back = retry_schedule.follow_up_at(MONDAY.date(), part, MONDAY, service())
    assert back is not None
    assert local(back).hour == hour


def test_a_part_of_the_day_that_has_gone_is_none() -> None:
    evening = MONDAY + timedelta(hours=8)
    assert retry_schedule.follow_up_at(MONDAY.date(), "morning", evening, service()) is None
