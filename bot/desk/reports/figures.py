"""Computes the report: referrals, times against the promise, the funnel."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
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
from bot.desk.reports.week_range import WeekRange, week_name
from flows import casework, content_files
from flows.questions import journey
from flows.questions.questionnaire import get_question
from flows.service import service
from flows.vocabulary import JOURNEYS
from flows.wording import FIRST_LANGUAGE, format_day, has, say
from storage.reports.response_times import ReachedCounts, ResponseTimes, Spread
from storage.reports.statistics import PairCounts

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


def by_week(came: Sequence[int], weeks: WeekRange) -> StatisticsTable:
    """Return how many referrals came in each week, and in all; `came` has a count a week."""
    cells = suppress_parts(came)
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


def time_table(times: ResponseTimes) -> StatisticsTable:
    """Return how long it took to claim and to be in touch, in working hours; never a count.

    The share within the promise is of those that were reached or whose promise has passed.
    """
    reached = {"claimed": times.claimed, "tried": times.tried, "spoke": times.spoke}
    rows = [_time_row(name, one) for name, one in reached.items()]
    pictured = zip(rows, map(_median_hours, reached.values()), strict=True)
    bars = _time_bars([(row, middle) for row, middle in pictured if middle is not None])
    for act, took in times.first_tries.items():
        label = say(_L, f"desk.numbers.times.first_{act}")
        rows.append((label, *_median_and_p90(took, _hours, "desk.numbers.hours"), ""))
    middle_and_p90 = _median_and_p90(times.attempts, float, "desk.numbers.attempts")
    rows.append((say(_L, "desk.numbers.times.attempts"), *middle_and_p90, ""))
    heads = ("times", "median", "p90", "promise")
    return StatisticsTable(
        "times",
        say(_L, "desk.numbers.captions.times"),
        tuple(say(_L, f"desk.numbers.heads.{head}") for head in heads),
        tuple(rows),
        bars,
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


def _time_row(name: str, reached: ReachedCounts) -> tuple[str, ...]:
    """Return a row of times: its name, the median, the 90th percentile, the share in time."""
    owed = reached.took.count + reached.overdue
    return (
        say(_L, f"desk.numbers.times.{name}"),
        *_median_and_p90(reached.took, _hours, "desk.numbers.hours"),
        percentage_text(rounded_percentage(reached.in_time, owed)),
    )


def _median_hours(reached: ReachedCounts) -> float | None:
    """Return the median in hours, where it is shown."""
    took = reached.took
    return median(map(_hours, took.middle)) if took.count >= MIN_SHOWN else None


def _hours(microseconds: int) -> float:
    return timedelta(microseconds=microseconds) / timedelta(hours=1)


def _time_bars(middles: Sequence[tuple[tuple[str, ...], float]]) -> tuple[Bar, ...]:
    longest = max((middle for _, middle in middles), default=0) or 1
    return tuple(
        Bar(row[0], row[1], round(100 * middle / longest), hidden=False) for row, middle in middles
    )


def _median_and_p90(spread: Spread, unit_of: Callable[[int], float], key: str) -> tuple[str, str]:
    """Return the median and the 90th percentile (nearest rank) in words."""
    few = say(_L, "desk.numbers.too_few")
    if spread.count < MIN_SHOWN:
        return few, few
    middle = say(_L, key, n=f"{median(map(unit_of, spread.middle)):.1f}")
    if spread.count < MIN_FOR_P90:
        return middle, few
    return middle, say(_L, key, n=f"{unit_of(spread.p90):.1f}")


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
