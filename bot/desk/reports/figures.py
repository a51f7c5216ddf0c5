"""Computes the report: referrals, times against the promise, the funnel."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from statistics import median

from bot.desk.reports.small_cells import (
    MIN_SHOWN,
    Cell,
    rounded_percentage,
    suppress_count,
    suppress_parts,
)
from bot.desk.reports.small_cells import suppress_rows as shares_of
from bot.desk.reports.tables import Bar, StatisticsTable, bars_of, cell_text
from bot.desk.reports.week_range import WeekRange, monday_of, week_name
from flows import casework, content_files
from flows.calendar import workdays
from flows.questions import journey
from flows.questions.questionnaire import get_question
from flows.service import service
from flows.vocabulary import JOURNEYS
from flows.wording import FIRST_LANGUAGE, format_day, has, say
from storage.reports.statistics import PairCounts, ReferralTimes

_L = FIRST_LANGUAGE
MIN_FOR_P90 = 10
"""The fewest times of which a 90th percentile is shown: below, it is the longest one."""
Funnel = Mapping[str, Counter[str]]


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """One question of the funnel: how often it was shown, and how many of these went on."""

    question: str
    times_shown: Cell
    continued_percent: int | None


def by_week(sent: Sequence[ReferralTimes], weeks: WeekRange) -> StatisticsTable:
    """Return how many referrals came in each week, and in all."""
    came = Counter(monday_of(one.sent_at) for one in sent)
    cells = suppress_parts([came[monday] for monday in weeks.mondays])
    labels = [_week_label(monday) for monday in weeks.mondays]
    return _count_table("weeks", labels, cells.parts, cells.whole)


def by_source(pairs: PairCounts) -> StatisticsTable:
    """Return how many referrals came by each journey and source."""
    ordered = sorted(pairs)
    cells = suppress_parts([pairs[pair] for pair in ordered])
    labels = [
        say(_L, "desk.numbers.source", who=_label("from", who), door=_label("doors", door))
        for who, door in ordered
    ]
    return _count_table("sources", labels, cells.parts, cells.whole)


def by_route(pairs: PairCounts) -> StatisticsTable:
    """Return how many referrals went to each queue, and what came of them."""
    queues = [queue for queue in service().queues if any(one == queue for one, _ in pairs)]
    results = casework.ACTS.results()
    table = {queue: [pairs.get((queue, came), 0) for came in results] for queue in queues}
    shares = shares_of(table)
    labels = {queue: say(_L, f"desk.queues.{queue}") for queue in queues}
    heads = (say(_L, "desk.numbers.heads.routes"), say(_L, "desk.numbers.heads.count"))
    return StatisticsTable(
        "routes",
        say(_L, "desk.numbers.captions.routes"),
        (*heads, *(say(_L, f"desk.numbers.came.{came}") for came in results)),
        tuple(
            (labels[queue], cell_text(one.whole), *map(cell_text, one.parts))
            for queue, one in shares.items()
        ),
        bars_of([(labels[queue], one.whole) for queue, one in shares.items()]),
    )


def response_times(sent: Sequence[ReferralTimes], now: datetime) -> StatisticsTable:
    """Return how long it took to claim and to be in touch, in working hours; never a count.

    The share within the promise is of those that were reached or whose promise has passed.
    """
    found = [
        _time_row("claimed", sent, lambda one: one.claimed_at, now),
        _time_row("tried", sent, lambda one: one.first_attempt_at, now),
        _time_row("spoke", sent, lambda one: one.spoke_at, now),
    ]
    rows = [row for row, _ in found]
    for act in casework.ACTS.contacts():
        first = [one for one in sent if one.first_attempt_act == act]
        row, _ = _time_row(f"first_{act}", first, lambda one: one.first_attempt_at, now)
        rows.append((*row[:3], ""))
    attempts = sorted(one.attempts for one in sent if one.spoke_at)
    middle_and_p90 = _median_and_p90(attempts, "desk.numbers.attempts")
    rows.append((say(_L, "desk.numbers.times.attempts"), *middle_and_p90, ""))
    heads = ("times", "median", "p90", "promise")
    return StatisticsTable(
        "times",
        say(_L, "desk.numbers.captions.times"),
        tuple(say(_L, f"desk.numbers.heads.{head}") for head in heads),
        tuple(rows),
        _time_bars([(row, middle) for row, middle in found if middle is not None]),
    )


def funnel_tables(funnel: Funnel) -> list[StatisticsTable]:
    """Return a table for each journey and each version of its wording that was in use."""
    keys = Counter(key.rsplit("/", 1)[0] for key in funnel["asked"])
    ordered = sorted(
        keys, key=lambda key: (JOURNEYS.index(_journey_of(key)), not _is_current(key), key)
    )
    return [_funnel_table(key, funnel) for key in ordered]


def funnel_steps(funnel: Funnel, key: str) -> list[FunnelStep]:
    """Return the questions under "<journey>/<version>" in their order, as far as shown."""
    asked, answered = funnel["asked"], funnel["answered"]
    named = [one.key for one in journey.journey_questions(_journey_of(key))]
    return [
        FunnelStep(one, suppress_count(n), rounded_percentage(min(answered[f"{key}/{one}"], n), n))
        for one in named
        if (n := asked[f"{key}/{one}"])
    ]


def current_funnel_key(journey_name: str) -> str:
    """Return the key of a journey with the wording that is in use now."""
    return f"{journey_name}/{content_files.wording_version(_L)}"


def percentage_text(n: int | None) -> str:
    """Return a rounded share in words."""
    return say(_L, "desk.numbers.too_few") if n is None else say(_L, "desk.numbers.share", n=n)


def _funnel_table(key: str, funnel: Funnel) -> StatisticsTable:
    shown = funnel_steps(funnel, key)
    titles = [get_question(one.question).text(_L, "title").rstrip("*") for one in shown]
    began = max((funnel["asked"][f"{key}/{one.question}"] for one in shown), default=0)
    found = [
        (title, cell_text(one.times_shown), percentage_text(one.continued_percent))
        for title, one in zip(titles, shown, strict=True)
    ]
    through = percentage_text(rounded_percentage(min(funnel["sent"][key], began), began))
    found.append((say(_L, "desk.numbers.sent"), "", through))
    name = "now" if _is_current(key) else "earlier"
    who, version = _label("from", _journey_of(key)), key.split("/")[1]
    caption = say(_L, f"desk.numbers.funnel_{name}", who=who, version=version)
    return StatisticsTable(
        "funnel_" + key.replace("/", "_"),
        caption,
        tuple(say(_L, f"desk.numbers.heads.{head}") for head in ("question", "shown", "went_on")),
        tuple(found),
        bars_of(list(zip(titles, (one.times_shown for one in shown), strict=True))),
    )


def _count_table(
    key: str, labels: Sequence[str], cells: Sequence[Cell], whole: Cell
) -> StatisticsTable:
    pairs = list(zip(labels, cells, strict=True))
    return StatisticsTable(
        key,
        say(_L, f"desk.numbers.captions.{key}"),
        (say(_L, f"desk.numbers.heads.{key}"), say(_L, "desk.numbers.heads.count")),
        (
            *((label, cell_text(cell)) for label, cell in pairs),
            (say(_L, "desk.numbers.in_all"), cell_text(whole)),
        ),
        bars_of(pairs),
    )


def _time_row(
    name: str,
    sent: Sequence[ReferralTimes],
    reached_at: Callable[[ReferralTimes], datetime | None],
    now: datetime,
) -> tuple[tuple[str, ...], float | None]:
    """Return a row of times, and its median in hours where that is shown."""
    reached = [(one, at) for one in sent if (at := reached_at(one))]
    took = sorted(workdays.working_time(one.sent_at, at, service()) for one, at in reached)
    within = sum(at <= one.due for one, at in reached)
    owed = len(reached) + sum(reached_at(one) is None and one.due < now for one in sent)
    hours = [one / timedelta(hours=1) for one in took]
    row = (
        say(_L, f"desk.numbers.times.{name}"),
        *_median_and_p90(hours, "desk.numbers.hours"),
        percentage_text(rounded_percentage(within, owed)),
    )
    return row, median(hours) if len(hours) >= MIN_SHOWN else None


def _time_bars(middles: Sequence[tuple[tuple[str, ...], float]]) -> tuple[Bar, ...]:
    longest = max((middle for _, middle in middles), default=0) or 1
    return tuple(
        Bar(row[0], row[1], round(100 * middle / longest), hidden=False) for row, middle in middles
    )


def _median_and_p90(ordered: Sequence[float], key: str) -> tuple[str, str]:
    """Return the median and the 90th percentile (nearest rank) in words."""
    few = say(_L, "desk.numbers.too_few")
    if len(ordered) < MIN_SHOWN:
        return few, few
    middle = say(_L, key, n=f"{median(ordered):.1f}")
    if len(ordered) < MIN_FOR_P90:
        return middle, few
    return middle, say(_L, key, n=f"{ordered[ceil(0.9 * len(ordered)) - 1]:.1f}")


def _week_label(monday: date) -> str:
    day = format_day(_L, monday, weekday=False)
    return say(_L, "desk.numbers.week", week=week_name(monday), day=day)


def _label(table: str, key: str) -> str:
    found = f"desk.numbers.{table}.{key}"
    return say(_L, found) if key.isidentifier() and has(_L, found) else key or "-"


def _journey_of(key: str) -> str:
    """Return the journey of a key; one that is no longer asked counts as the first."""
    who = key.split("/")[0]
    return who if who in JOURNEYS else JOURNEYS[0]


def _is_current(key: str) -> bool:
    return key == current_funnel_key(_journey_of(key))
