"""The numbers: counted right, no person in any, and each question of a draft counted once."""

import random
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil

import pytest
from sqlalchemy import insert, select

from bot.desk.reports import figures, week_range
from bot.desk.reports.small_cells import Suppression
from bot.desk.reports.week_range import InvalidWeek
from bot.pipeline.promises import opening_time
from flows import casework, content_files, stages
from flows.casework import Act, Contact
from flows.conversation import Conversation, CountEvent
from flows.inputs import ButtonPress, TypedText
from flows.turn import take_turn
from flows.vocabulary import Journey, Queue, Source
from storage.database import Database
from storage.referrals import acts, lifecycle
from storage.reports import daily_counters, response_times, statistics
from storage.reports.response_times import ReachedCounts, ResponseTimes, Spread
from storage.retention import sweep
from storage.tables import DAILY_COUNTER, REFERRAL, new_id
from tests.harness.desk_fixtures import DeskApp
from tests.support.builders import make_record
from tests.support.counters import list_counters

MONDAY = datetime(2026, 11, 23, 10, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SINCE, UNTIL = MONDAY - 100 * DAY, MONDAY + 30 * DAY
VERSION = content_files.wording_version("en")
HOSTILE = ("x", "2026-W99", "2026-W00", "9999-W01", "2026-W1' OR 1", "<script>", "\u202e", "=1")


def reference(n: int) -> str:
    """Return a reference for the nth referral."""
    return f"AC{'ACDEFGHJKM'[n // 10 % 10]}{'ACDEFGHJKM'[n % 10]}-3467"


def add_referral(
    database: Database,
    n: int,
    at: datetime = MONDAY,
    steps: tuple[tuple[Act, timedelta], ...] = (),
    queue: Queue = Queue.ADULTS,
    source: Source = Source.TELEGRAM,
) -> None:
    """Have a referral come in, and acts of Mira follow after a while."""
    record = replace(
        make_record(reference(n)),
        sent_at=at,
        due=at + DAY,
        queue=queue,
        source=source,
        journey=Journey.SELF,
    )
    with database.unit(at) as unit:
        lifecycle.hand_over(unit, record, None)
        for act, later in steps:
            acts.perform_act(replace(unit, now=at + later), record.reference, act, "mira")


def recount(database: Database) -> None:
    """Have the kept times and results worked out, as each sweep and the page do."""
    with database.unit() as unit:
        while response_times.has_to_recount(unit):
            response_times.recount(unit, opening_time, limit=7)


def converse(*acts: str) -> tuple[Conversation, Counter[str]]:
    """Have somebody press or type these; return where they stand and what was counted."""
    conversation, counted = Conversation(), Counter[str]()
    buttons: dict[str, str] = {}
    for n, text in enumerate(("/start", *acts)):
        how = ButtonPress if text in buttons else TypedText
        heard = how(buttons.get(text, text), message_id=str(n))
        turn = take_turn(conversation, heard, MONDAY + timedelta(minutes=n))
        conversation = turn.conversation
        found = [one for one in turn.effects if isinstance(one, CountEvent)]
        counted.update(f"{one.event}:{one.key}" for one in found)
        rows = [row for reply in turn.replies for row in reply.buttons]
        buttons = {one.label: one.id for row in rows for one in row}
    return conversation, counted


def counts_by_question(counted: Counter[str], what: str, journey: str = "self") -> dict[str, int]:
    """Return the counts of one thing by question."""
    start = f"{what}:{journey}/{VERSION}/"
    return {key.removeprefix(start): n for key, n in counted.items() if key.startswith(start)}


BEGIN = ("I was harmed by a crime", "18 or over")


def test_a_question_is_counted_once_when_it_is_shown_and_once_when_it_is_answered() -> None:
    _, counted = converse(*BEGIN, "Find out more first", "Burglary or theft")
    assert counts_by_question(counted, "asked") == {"wish": 1, "harm": 1, "known": 1}
    assert counts_by_question(counted, "answered") == {"wish": 1, "harm": 1}


@pytest.mark.parametrize(
    "wander",
    [
        ("what is this?",),
        ("nonsense of mine",),
        ("/back", "Find out more first"),
        ("/back", "Talk about taking part"),
        ("/back", "/back", "18 or over", "Find out more first"),
        ("/leave", "carry on"),
        ("/start", "carry on"),
        ("/privacy", "carry on"),
        ("/help",),
    ],
)
def test_wandering_about_counts_nothing_twice(wander: tuple[str, ...]) -> None:
    _, counted = converse(*BEGIN, "Find out more first", *wander, "Burglary or theft")
    for what in ("asked", "answered"):
        assert set(counts_by_question(counted, what).values()) <= {1}, (
            what,
            counts_by_question(counted, what),
        )
    assert counts_by_question(counted, "asked")["harm"] == 1


def test_a_new_draft_counts_anew_and_an_officer_apart() -> None:
    _, counted = converse(*BEGIN, "/delete", *BEGIN, "/delete", "I am referring someone")
    assert counts_by_question(counted, "asked") == {"wish": 2}
    assert counts_by_question(counted, "left") == {"wish": 2}
    assert counts_by_question(counted, "asked", "officer") == {"agreed": 1}


def test_stopping_leaving_and_sending_are_counted_by_version() -> None:
    stopped, counted = converse(*BEGIN, "Someone else wants me to")
    assert stopped.stage == "stopped"
    assert counts_by_question(counted, "stopped") == {stopped.stop_reason: 1}
    _, counted = converse(*BEGIN, "/leave")
    assert counts_by_question(counted, "left") == {"wish": 1}
    done, counted = converse(
        *("Talk to a person", "Ask us to call you", "Maya", "07700 900417"),
        *("Leave no message", "Send to the service"),
    )
    assert done.stage == "sent"
    assert counted[f"sent:callback/{VERSION}"] == 1
    assert counts_by_question(counted, "asked", "callback") == {
        "name": 1,
        "number": 1,
        "if_answered": 1,
    }
    assert counts_by_question(counted, "answered", "callback") == counts_by_question(
        counted, "asked", "callback"
    )


def test_no_count_holds_a_word_of_a_person() -> None:
    _, counted = converse(*BEGIN, "Find out more first", "Zanzibar", "Zanzibar Zebra", "/leave")
    assert not any("zan" in key.lower() for key in counted)
    assert all(len(key) < 60 for key in counted)
    assert "asking" in stages.STAGES.states


def test_referrals_are_counted_by_source_and_route(database: Database) -> None:
    add_referral(database, 1)
    add_referral(
        database, 2, steps=((Act.CLAIM, HOUR), (Act.SPOKE, 2 * HOUR), (Act.SUITABLE, 3 * HOUR))
    )
    add_referral(
        database, 3, source=Source.WEB, steps=((Act.CLAIM, HOUR), (Act.DECLINED, 2 * HOUR))
    )
    add_referral(database, 4, queue=Queue.CHECK, steps=((Act.CLAIM, HOUR), (Act.CLOSE, 2 * HOUR)))
    add_referral(database, 5, at=UNTIL)
    with database.unit(MONDAY + DAY) as unit:
        lifecycle.stop_contact(unit, reference(1), Act.WITHDRAW)
        acts.erase(unit, reference(3), "mira")
    recount(database)
    with database.reading() as unit:
        assert statistics.counts_by_source(unit, SINCE, UNTIL) == {
            ("self", "telegram"): 3,
            ("self", "web"): 1,
        }
        assert statistics.counts_by_queue_and_outcome(unit, SINCE, UNTIL) == {
            ("adults", "withdraw"): 1,
            ("adults", "suitable"): 1,
            ("adults", "declined"): 1,
            ("check", "close"): 1,
        }
        assert statistics.counts_by_queue_and_outcome(unit, UNTIL, UNTIL + DAY) == {
            ("adults", "open"): 1
        }


def spread_of(values: list[int]) -> Spread:
    """Return how numbers are spread, by Python alone."""
    ordered = sorted(values)
    if not ordered:
        return Spread()
    middle = ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1]
    return Spread(len(ordered), tuple(middle), ordered[ceil(0.9 * len(ordered)) - 1])


def microseconds(hours: float) -> int:
    return hours * HOUR // timedelta(microseconds=1)


def reached_after(hours: list[float], overdue: int = 0) -> ReachedCounts:
    """Return what was reached so many hours after it came, within six of them in time."""
    took = spread_of([microseconds(one) for one in hours])
    return ReachedCounts(sum(one <= 6 for one in hours), overdue, took)


def times_after(hours: list[float], overdue: int = 0) -> ResponseTimes:
    """Return the times of referrals that were claimed, tried and reached after so many hours."""
    one = reached_after(hours, overdue)
    tries = {str(act): Spread() for act in casework.ACTS.contacts()} | {"spoke": one.took}
    return ResponseTimes(one, one, one, tries, spread_of([1] * len(hours)))


def test_times_are_of_the_first_claim_the_first_try_and_the_first_talk(database: Database) -> None:
    steps = (
        (Act.CLAIM, HOUR / 4),
        (Act.HAND_BACK, 2 * HOUR),
        (Act.CLAIM, 3 * HOUR),
        (Act.NO_ANSWER, 4 * HOUR),
        (Act.WRONG_NUMBER, 5 * HOUR),
        (Act.SPOKE, 6 * HOUR),
        (Act.NO_ANSWER, 7 * HOUR),
    )
    add_referral(database, 1, steps=steps)
    add_referral(database, 2)
    recount(database)
    with database.reading(MONDAY + 2 * DAY) as unit:
        found = response_times.response_times(unit, SINCE, UNTIL, unit.now)
    assert found.claimed == ReachedCounts(1, 1, spread_of([microseconds(0.25)]))
    assert found.tried == ReachedCounts(1, 1, spread_of([microseconds(4)]))
    assert found.spoke == ReachedCounts(1, 1, spread_of([microseconds(6)]))
    tries = {act: spread.count for act, spread in found.first_tries.items() if spread.count}
    assert tries == {Act.NO_ANSWER: 1}
    assert found.attempts == spread_of([3])


def said_by_hand(database: Database, now: datetime) -> ResponseTimes:
    """Return the times of all referrals, worked out from their steps one by one."""
    with database.reading() as unit:
        rows = unit.conn.execute(select(REFERRAL)).all()
        steps = [lifecycle.list_steps(unit, row.reference) for row in rows]
    tries = [[one for one in some if one.act in casework.ACTS.contacts()] for some in steps]
    reached = casework.ACTS.contacts(Contact.REACHED)
    claims = [[one.at for one in some if one.act == Act.CLAIM] for some in steps]
    talks = [[one.at for one in some if one.act in reached] for some in tries]

    def counts(moments: list[list[datetime]]) -> ReachedCounts:
        first = [(row, min(some)) for row, some in zip(rows, moments, strict=True) if some]
        took = [opening_time(row.sent_at, at) // timedelta(microseconds=1) for row, at in first]
        late = [not some and row.due < now for row, some in zip(rows, moments, strict=True)]
        return ReachedCounts(sum(at <= row.due for row, at in first), sum(late), spread_of(took))

    first_tries = [(row, some[0]) for row, some in zip(rows, tries, strict=True) if some]
    by_act = {
        str(act): spread_of(
            [
                opening_time(row.sent_at, one.at) // timedelta(microseconds=1)
                for row, one in first_tries
                if one.act == act
            ]
        )
        for act in casework.ACTS.contacts()
    }
    attempts = [
        sum(one.at <= talk[0] for one in some)
        for some, talk in zip(tries, talks, strict=True)
        if talk
    ]
    tried = [[one.at for one in some] for some in tries]
    return ResponseTimes(counts(claims), counts(tried), counts(talks), by_act, spread_of(attempts))


def test_kept_times_are_those_of_the_steps(database: Database) -> None:
    chance = random.Random(11)
    for n in range(60):
        taken, later, steps = chance.randrange(5), timedelta(), []
        for act in (Act.CLAIM, *chance.choices(casework.ACTS.contacts(), k=3))[:taken]:
            later += timedelta(
                seconds=chance.randrange(1, 90_000), microseconds=chance.randrange(9)
            )
            steps.append((act, later))
            if act == Act.DECLINED:
                break
        add_referral(database, n, MONDAY - n * HOUR, tuple(steps))
        if n == 30:
            recount(database)  # what follows is worked out on top of it
    recount(database)
    now = MONDAY + DAY / 2
    with database.reading() as unit:
        found = response_times.response_times(unit, SINCE, UNTIL, now)
    assert found == said_by_hand(database, now)
    assert found.claimed.overdue and found.attempts.count > 10


def test_middle_and_most_are_in_working_hours_and_shown_of_enough() -> None:
    hours = [min(n / 2, 7.0) for n in range(20)]
    rows = {row[0]: row[1:] for row in figures.time_table(times_after(hours)).rows}
    assert rows["To the claim"] == ("4.8 hours", "7.0 hours", "About 75 of 100")
    rows = {row[0]: row[1:] for row in figures.time_table(times_after([1] * 4)).rows}
    assert set(rows["To the claim"]) == {"Too few to say"}
    rows = {row[0]: row[1:] for row in figures.time_table(times_after([1] * 5)).rows}
    assert rows["First try: spoke"] == ("1.0 hours", "Too few to say", "")


def test_what_is_overdue_and_not_reached_counts_against_the_promise() -> None:
    shown = figures.time_table(times_after([1] * 100, overdue=100))
    assert shown.rows[0][3] == "About 50 of 100"
    shown = figures.time_table(times_after([1] * 100))
    assert shown.rows[0][3] == "About 100 of 100"


def test_weeks_are_those_of_kent() -> None:
    chosen = week_range.parse_weeks("2026-W13", "2026-w14", MONDAY)
    assert [week_range.week_name(one) for one in chosen.mondays] == ["2026-W13", "2026-W14"]
    assert (chosen.until - chosen.since) == timedelta(days=14)
    assert chosen.until.astimezone(UTC) - chosen.since.astimezone(UTC) == timedelta(hours=335)
    assert len(week_range.parse_weeks("", "", MONDAY).mondays) == week_range.DEFAULT_WEEKS
    assert week_range.parse_weeks("2020-W53", "2021-W01", MONDAY).mondays[0].year == 2020
    late = datetime(2026, 6, 7, 23, 30, tzinfo=UTC)
    assert week_range.week_name(week_range.monday_of(late)) == "2026-W24"


@pytest.mark.parametrize(
    ("since", "until", "field", "why"),
    [
        *((text, "", "from", "no_week") for text in HOSTILE),
        *(("", text, "to", "no_week") for text in HOSTILE),
        ("2026-W40", "2026-W39", "from", "after"),
        ("2024-W01", "2026-W39", "from", "too_many"),
    ],
)
def test_what_is_no_week_is_said_so(since: str, until: str, field: str, why: str) -> None:
    with pytest.raises(InvalidWeek) as refused:
        week_range.parse_weeks(since, until, MONDAY)
    assert (refused.value.field, refused.value.why) == (field, why)


def test_the_funnel_hides_small_counts_and_shows_no_fine_shares() -> None:
    key = f"self/{VERSION}"
    asked = Counter({f"{key}/wish": 100, f"{key}/harm": 90, f"{key}/known": 3})
    answered = Counter({f"{key}/wish": 91, f"{key}/harm": 2, f"{key}/known": 3})
    found = figures.funnel_steps({"asked": asked, "answered": answered}, key)
    assert [(one.question, one.times_shown, one.continued_percent) for one in found] == [
        ("wish", 100, 90),
        ("harm", 90, 0),
        ("known", Suppression.SMALL, None),
    ]


def test_an_old_or_foreign_version_is_shown_apart() -> None:
    asked = Counter({f"self/{VERSION}/wish": 50, "self/0000/wish": 7, "gone/1/wish": 9})
    rest = {what: Counter[str]() for what in ("answered", "sent", "stopped", "left")}
    captions = [one.caption for one in figures.funnel_tables({"asked": asked, **rest})]
    assert len(captions) == 3
    assert "as they are worded now" in captions[0]
    assert all("earlier wording" in one for one in captions[1:])


def test_daily_counters_stay_few_and_go_after_400_days(database: Database) -> None:
    with database.unit(MONDAY + timedelta(days=400)) as unit:
        first = replace(unit, now=MONDAY)
        for _ in range(50):
            daily_counters.increment_counter(first, "asked", f"self/{VERSION}/wish")
        later = replace(unit, now=MONDAY + DAY)
        daily_counters.increment_counter(later, "asked", f"self/{VERSION}/wish")
    with database.unit(MONDAY + timedelta(days=400)) as unit:
        swept = sweep(unit)
        assert swept.daily_counters == 0
        assert sweep(replace(unit, now=MONDAY + timedelta(days=401))).daily_counters == 1
    with database.reading() as unit:
        assert [day for day, _, _, _ in list_counters(unit)] == [(MONDAY + DAY).date()]


async def test_the_page_shows_tables_with_pictures_and_nobody_in_them(desk: DeskApp) -> None:
    desk.clock.set(MONDAY + 2 * DAY)
    for n in range(12):
        add_referral(desk.database, n, MONDAY - (7 if n < 7 else 0) * DAY)
    for n in range(12, 15):
        add_referral(desk.database, n, MONDAY - 14 * DAY, queue=Queue.CHECK, source=Source.WEB)
    with desk.database.unit(MONDAY) as unit:
        for _ in range(30):
            daily_counters.increment_counter(unit, "asked", f"self/{VERSION}/wish")
    carys = await desk.signed_in("coordinator", "carys")
    page = await carys.get("/desk/numbers")
    assert page.status_code == 200
    assert page.text.count("<caption") == 5
    assert page.text.count('role="img"') == 4
    assert "fewer than 5" in page.text
    assert "not shown" in page.text
    assert "Amina" not in page.text
    assert "style=" not in page.text
    assert not [n for n in range(15) if reference(n) in page.text]
    ids = re.findall(r'\bid="([^"]+)"', page.text)
    assert len(ids) == len(set(ids))
    for name in re.findall(r'aria-labelledby="([^"]+)"', page.text):
        assert name in ids
    for role, name in (("mediator", "mira"), ("administrator", "ada")):
        browser = await desk.signed_in(role, name)
        assert (await browser.get("/desk/numbers")).status_code == 200


async def test_a_wrong_week_is_said_beside_its_field_and_kept(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    page = await mira.get("/desk/numbers?from=%3Cscript%3E&to=2026-W40")
    assert page.status_code == 200
    assert 'href="#from"' in page.text
    assert 'id="from-error"' in page.text
    assert "&lt;script&gt;" in page.text
    for text in HOSTILE:
        assert (await mira.client.get("/desk/numbers", params={"to": text})).status_code == 200


async def test_a_table_is_taken_away_as_it_is_shown(desk: DeskApp) -> None:
    desk.clock.set(MONDAY + 2 * DAY)
    for n in range(7):
        add_referral(desk.database, n)
    mira = await desk.signed_in("mediator", "mira")
    sheet = await mira.get("/desk/numbers/routes.csv?from=2026-W48&to=2026-W48")
    assert sheet.status_code == 200
    assert sheet.headers["content-type"].startswith("text/csv")
    assert '"Adults","7","7","0"' in sheet.text
    assert (await mira.get("/desk/numbers/nothing.csv")).status_code == 404
    assert (await mira.get("/desk/numbers/routes.csv?from=x")).status_code == 303


def test_ten_thousand_referrals_are_counted_as_rows(database: Database) -> None:
    """Rows alone: what they hold is never opened for the numbers."""
    row = {
        **{
            "queue": "adults",
            "provider": "kent",
            "source": "web",
            "journey": "self",
            "stage": "new",
        },
        **{"hold": False, "urgent": False, "may_contact": True, "unseen": False, "zone": "UTC"},
        **{"alert_count": 0, "sent_at": MONDAY, "due": MONDAY + DAY},
    }
    rows = [{**row, "id": new_id(), "reference": f"R{n}"} for n in range(10_000)]
    with database.unit() as unit:
        unit.conn.execute(insert(REFERRAL), rows)
        unit.conn.execute(
            insert(DAILY_COUNTER), {"day": MONDAY.date(), "event": "asked", "key": "k", "n": 1}
        )
    with database.reading() as unit:
        assert statistics.counts_by_queue_and_outcome(unit, SINCE, UNTIL) == {
            ("adults", "open"): 10_000
        }
        weeks = [MONDAY - DAY, MONDAY, MONDAY + DAY]
        assert statistics.counts_between(unit, weeks) == [0, 10_000]
        assert response_times.response_times(unit, SINCE, UNTIL, UNTIL).tried.overdue == 10_000
