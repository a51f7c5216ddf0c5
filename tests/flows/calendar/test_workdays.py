"""When somebody will be in touch: weekends, bank holidays, evenings, and changes of the clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.calendar import workdays
from flows.service import service
from flows.wording import format_time
from tests.harness.thorough import examples

LONDON = ZoneInfo("Europe/London")
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2031, 12, 31)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)


def at(text: str) -> datetime:
    """Return a moment as the clock in Kent shows it."""
    return datetime.fromisoformat(text).replace(tzinfo=LONDON)


DUE = {
    "on a Monday morning, one day": ("2026-11-23 10:00", 1, "2026-11-24"),
    "on a Monday morning, two days": ("2026-11-23 10:00", 2, "2026-11-25"),
    "before opening counts from today": ("2026-11-23 06:00", 1, "2026-11-24"),
    "a second before closing counts from today": ("2026-11-23 16:59:59", 1, "2026-11-24"),
    "at closing counts from tomorrow": ("2026-11-23 17:00", 1, "2026-11-25"),
    "in the night counts from the next day": ("2026-11-23 23:59", 2, "2026-11-26"),
    "on a Friday morning the weekend is left out": ("2026-11-27 10:00", 1, "2026-11-30"),
    "on a Friday evening counts from Monday": ("2026-11-27 18:00", 1, "2026-12-01"),
    "on a Saturday counts from Monday": ("2026-11-28 12:00", 2, "2026-12-02"),
    "on a Sunday night counts from Monday": ("2026-11-29 23:00", 1, "2026-12-01"),
    "over Christmas 2026, with Boxing Day on the Monday": (
        "2026-12-24 10:00",
        1,
        "2026-12-29",
    ),
    "late on Christmas Eve 2026": ("2026-12-24 18:00", 2, "2026-12-31"),
    "on Christmas Day 2026": ("2026-12-25 09:30", 1, "2026-12-30"),
    "over New Year 2027": ("2026-12-31 10:00", 1, "2027-01-04"),
    "on New Year's Day 2027": ("2027-01-01 10:00", 2, "2027-01-06"),
    "over Easter 2027, with Good Friday and Easter Monday": (
        "2027-03-25 10:00",
        1,
        "2027-03-30",
    ),
    "on Good Friday 2027": ("2027-03-26 10:00", 2, "2027-04-01"),
    "over the early May holiday 2027": ("2027-04-30 10:00", 1, "2027-05-04"),
    "over the summer holiday 2027": ("2027-08-27 10:00", 1, "2027-08-31"),
    "the weekend the clocks go forward": ("2027-03-24 16:00", 2, "2027-03-30"),
    "the weekend the clocks go back": ("2026-10-23 10:00", 1, "2026-10-26"),
    "today itself": ("2026-11-23 10:00", 0, "2026-11-23"),
}


@pytest.mark.parametrize("when", sorted(DUE))
def test_it_is_due(when: str) -> None:
    now, days, day = DUE[when]
    promised = workdays.due_at(at(now), days, service())
    assert promised == at(f"{day} 17:00")
    assert promised.astimezone(LONDON).hour == service().promise_by.hour


def test_the_hour_promised_is_the_hour_on_the_wall_on_both_sides_of_the_clocks_change() -> None:
    winter = workdays.due_at(at("2027-03-23 10:00"), 1, service())
    summer = workdays.due_at(at("2027-03-30 10:00"), 1, service())
    assert (winter.utcoffset(), summer.utcoffset()) == (timedelta(0), timedelta(hours=1))
    assert (winter.hour, summer.hour) == (17, 17)
    assert format_time("en", summer.astimezone(UTC)) == "5pm on Wednesday 31 March"


@settings(max_examples=examples(150), deadline=None)
@given(MOMENTS, st.integers(1, 5))
def test_it_is_always_due_later_on_a_working_day_at_the_promised_hour(
    now: datetime, days: int
) -> None:
    promised = workdays.due_at(now, days, service())
    assert promised > now
    assert workdays.is_working_day(promised.date(), service())
    assert promised.time() == service().promise_by
    assert promised - now < timedelta(days=days + 8)


@settings(max_examples=examples(150), deadline=None)
@given(MOMENTS, st.integers(0, 600), st.integers(1, 4))
def test_who_asks_later_or_is_promised_more_days_is_never_due_sooner(
    now: datetime, hours: int, days: int
) -> None:
    promised = workdays.due_at(now, days, service())
    assert workdays.due_at(now + timedelta(hours=hours), days, service()) >= promised
    assert workdays.due_at(now, days + 1, service()) > promised


@settings(max_examples=examples(100), deadline=None)
@given(MOMENTS)
def test_the_same_moment_is_due_the_same_in_any_zone(now: datetime) -> None:
    elsewhere = now.astimezone(ZoneInfo("Pacific/Kiritimati"))
    assert workdays.due_at(elsewhere, 2, service()) == workdays.due_at(now, 2, service())


OPENING = {
    "in hours it is open": ("2026-11-23 09:00", None),
    "at closing it is closed": ("2026-11-23 17:00", "2026-11-24 09:00"),
    "early it opens today": ("2026-11-23 07:00", "2026-11-23 09:00"),
    "on a Saturday it opens on Monday": ("2026-11-28 10:00", "2026-11-30 09:00"),
    "on Christmas Day it opens after the holidays": ("2026-12-25 10:00", "2026-12-29 09:00"),
    "on Easter Monday it opens on Tuesday": ("2027-03-29 10:00", "2027-03-30 09:00"),
}


@pytest.mark.parametrize("when", sorted(OPENING))
def test_the_telephone(when: str) -> None:
    now, opens = OPENING[when]
    assert workdays.next_opening(at(now), service()) == (at(opens) if opens else None)


@settings(max_examples=examples(100), deadline=None)
@given(MOMENTS)
def test_the_telephone_opens_later_and_is_then_open(now: datetime) -> None:
    opens = workdays.next_opening(now, service())
    if opens:
        assert opens > now
        assert workdays.next_opening(opens, service()) is None


WORKED = {
    "within a day": ("2026-11-23 10:00", "2026-11-23 12:30", 2.5),
    "over a night": ("2026-11-23 16:00", "2026-11-24 10:00", 2),
    "over a weekend": ("2026-11-27 16:30", "2026-11-30 09:30", 1),
    "in the night": ("2026-11-23 18:00", "2026-11-24 08:00", 0),
    "over Christmas 2026": ("2026-12-24 16:00", "2026-12-29 10:00", 2),
    "over a change of the clock": ("2026-10-23 16:00", "2026-10-26 10:00", 2),
    "backwards": ("2026-11-24 10:00", "2026-11-23 10:00", 0),
    "two whole weeks": ("2026-11-09 00:00", "2026-11-23 00:00", 80),
}


@pytest.mark.parametrize("case", WORKED)
def test_time_is_counted_in_working_hours(case: str) -> None:
    start, end, hours = WORKED[case]
    assert workdays.working_time(at(start), at(end), service()) == timedelta(hours=hours)


@given(MOMENTS, st.integers(0, 400), st.integers(0, 400))
@settings(max_examples=examples(50))
def test_working_time_adds_up(moment: datetime, one: int, other: int) -> None:
    middle = moment + timedelta(hours=one)
    end = middle + timedelta(hours=other)
    whole = workdays.working_time(moment, end, service())
    parts = (moment, middle), (middle, end)
    assert whole == sum((workdays.working_time(*part, service()) for part in parts), timedelta())
    assert timedelta() <= whole <= end - moment
