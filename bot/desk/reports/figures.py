"""Works the numbers out: the tables of referrals, of times against the promise, of the funnel."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from statistics import median

from bot.desk.reports.small_cells import LEAST, Cell, safe, share, split
from bot.desk.reports.small_cells import rows as shares_of
from bot.desk.reports.tables import Bar, Shown, bars_of, text_of
from bot.desk.reports.week_range import Weeks, monday_of, name_of
from flows import content_files
from flows.calendar import workdays
from flows.questions import journey
from flows.questions.questionnaire import question
from flows.service import service
from flows.wording import FIRST_LANGUAGE, has, say, words
from storage.reports.statistics import FIRST, Pairs, Sent

_L = FIRST_LANGUAGE
JOURNEYS = ("self", "callback", "officer")
CAME = ("open", "paused", "suitable", "not_suitable", "declined", "refer_on", "withdraw", "close")
FOR_P90 = 10
"""The fewest times of which a 90th percentile is shown: below, it is the longest one."""
Funnel = Mapping[str, Counter[str]]


@dataclass(frozen=True, slots=True)
class Step:
    """One question of the funnel: how often it was shown, and how many of these went on."""

    question: str
    shown: Cell
    went_on: int | None


def by_week(sent: Sequence[Sent], weeks: Weeks) -> Shown:
    """Return how many referrals came in each week, and in all."""
    came = Counter(monday_of(one.sent_at) for one in sent)
    cells = split([came[monday] for monday in weeks.mondays])
    labels = [_week(monday) for monday in weeks.mondays]
    return _counted("weeks", labels, cells.parts, cells.whole)


def by_source(pairs: Pairs) -> Shown:
    """Return how many referrals came from whom, by which door."""
    ordered = sorted(pairs)
    cells = split([pairs[pair] for pair in ordered])
    labels = [
        say(_L, "desk.numbers.source", who=_word("from", who), door=_word("doors", door))
        for who, door in ordered
    ]
    return _counted("sources", labels, cells.parts, cells.whole)


def by_route(pairs: Pairs) -> Shown:
    """Return how many referrals went to each queue, and what came of them."""
    queues = [queue for queue in service().queues if any(one == queue for one, _ in pairs)]
    table = {queue: [pairs.get((queue, came), 0) for came in CAME] for queue in queues}
    shares = shares_of(table)
    labels = {queue: say(_L, f"desk.queues.{queue}") for queue in queues}
    return Shown(
        "routes",
        say(_L, "desk.numbers.captions.routes"),
        (
            say(_L, "desk.numbers.heads.routes"),
            say(_L, "desk.numbers.heads.count"),
            *(say(_L, f"desk.numbers.came.{came}") for came in CAME),
        ),
        tuple(
            (labels[queue], text_of(one.whole), *map(text_of, one.parts))
            for queue, one in shares.items()
        ),
        bars_of([(labels[queue], one.whole) for queue, one in shares.items()]),
    )


def times(sent: Sequence[Sent], now: datetime) -> Shown:
    """Return how long it took to claim and to be in touch, in working hours; never a count.

    The share within the promise is of those that were reached or whose promise has passed.
    """
    found = [
        _time("claimed", sent, lambda one: one.claimed_at, now),
        _time("tried", sent, lambda one: one.tried_at, now),
        _time("spoke", sent, lambda one: one.spoke_at, now),
    ]
    rows = [row for row, _ in found]
    for act in FIRST:
        first = [one for one in sent if one.tried == act]
        row, _ = _time(f"first_{act}", first, lambda one: one.tried_at, now)
        rows.append((*row[:3], ""))
    rows.append(_tries([one.tries for one in sent if one.spoke_at]))
    heads = ("times", "median", "p90", "promise")
    return Shown(
        "times",
        say(_L, "desk.numbers.captions.times"),
        tuple(say(_L, f"desk.numbers.heads.{head}") for head in heads),
        tuple(rows),
        _time_bars([(row, middle) for row, middle in found if middle is not None]),
    )


def funnels(funnel: Funnel) -> list[Shown]:
    """Return a table for each journey and each version of its wording that was in use."""
    keys = Counter(key.rsplit("/", 1)[0] for key in funnel["asked"])
    ordered = sorted(keys, key=lambda key: (JOURNEYS.index(_who(key)), not _is_now(key), key))
    return [_funnel(key, funnel) for key in ordered]


def steps(funnel: Funnel, key: str) -> list[Step]:
    """Return the questions under "<journey>/<version>" in their order, as far as shown."""
    asked, answered = funnel["asked"], funnel["answered"]
    named = [one.key for one in journey.on_paper(_who(key))]
    return [
        Step(one, safe(n), share(min(answered[f"{key}/{one}"], n), n))
        for one in named
        if (n := asked[f"{key}/{one}"])
    ]


def current(who: str) -> str:
    """Return the key of a journey with the wording that is in use now."""
    return f"{who}/{content_files.version(_L)}"


def part_of_hundred(n: int | None) -> str:
    """Return a rounded share in words."""
    return say(_L, "desk.numbers.too_few") if n is None else say(_L, "desk.numbers.share", n=n)


def _funnel(key: str, funnel: Funnel) -> Shown:
    shown = steps(funnel, key)
    titles = [question(one.question).says(_L, "title").rstrip("*") for one in shown]
    began = max((funnel["asked"][f"{key}/{one.question}"] for one in shown), default=0)
    found = [
        (title, text_of(one.shown), part_of_hundred(one.went_on))
        for title, one in zip(titles, shown, strict=True)
    ]
    through = part_of_hundred(share(min(funnel["sent"][key], began), began))
    found.append((say(_L, "desk.numbers.sent"), "", through))
    name = "now" if _is_now(key) else "earlier"
    caption = say(
        _L,
        f"desk.numbers.funnel_{name}",
        who=_word("from", _who(key)),
        version=key.split("/")[1],
    )
    return Shown(
        "funnel_" + key.replace("/", "_"),
        caption,
        tuple(say(_L, f"desk.numbers.heads.{head}") for head in ("question", "shown", "went_on")),
        tuple(found),
        bars_of(list(zip(titles, (one.shown for one in shown), strict=True))),
    )


def _counted(key: str, labels: Sequence[str], cells: Sequence[Cell], whole: Cell) -> Shown:
    pairs = list(zip(labels, cells, strict=True))
    return Shown(
        key,
        say(_L, f"desk.numbers.captions.{key}"),
        (say(_L, f"desk.numbers.heads.{key}"), say(_L, "desk.numbers.heads.count")),
        (
            *((label, text_of(cell)) for label, cell in pairs),
            (say(_L, "desk.numbers.in_all"), text_of(whole)),
        ),
        bars_of(pairs),
    )


def _time(
    name: str, sent: Sequence[Sent], when: Callable[[Sent], datetime | None], now: datetime
) -> tuple[tuple[str, ...], float | None]:
    """Return a row of times, and its median in hours where that is shown."""
    reached = [(one, at) for one in sent if (at := when(one))]
    took = sorted(workdays.working_time(one.sent_at, at, service()) for one, at in reached)
    within = sum(at <= one.due for one, at in reached)
    owed = len(reached) + sum(when(one) is None and one.due < now for one in sent)
    hours = [one / timedelta(hours=1) for one in took]
    row = (
        say(_L, f"desk.numbers.times.{name}"),
        *_middle_and_most(hours, "desk.numbers.hours"),
        part_of_hundred(share(within, owed)),
    )
    return row, median(hours) if len(hours) >= LEAST else None


def _time_bars(middles: Sequence[tuple[tuple[str, ...], float]]) -> tuple[Bar, ...]:
    longest = max((middle for _, middle in middles), default=0) or 1
    return tuple(
        Bar(row[0], row[1], round(100 * middle / longest), hidden=False) for row, middle in middles
    )


def _tries(found: Sequence[int]) -> tuple[str, ...]:
    return (
        say(_L, "desk.numbers.times.tries"),
        *_middle_and_most(sorted(found), "desk.numbers.tries"),
        "",
    )


def _middle_and_most(ordered: Sequence[float], key: str) -> tuple[str, str]:
    """Return the median and the 90th percentile (nearest rank) in words."""
    few = say(_L, "desk.numbers.too_few")
    if len(ordered) < LEAST:
        return few, few
    middle = say(_L, key, n=f"{median(ordered):.1f}")
    if len(ordered) < FOR_P90:
        return middle, few
    return middle, say(_L, key, n=f"{ordered[ceil(0.9 * len(ordered)) - 1]:.1f}")


def _week(monday: date) -> str:
    month = words(_L, "scenes.dates.months")[monday.month - 1]
    return say(_L, "desk.numbers.week", week=name_of(monday), date=monday.day, month=month)


def _word(table: str, key: str) -> str:
    found = f"desk.numbers.{table}.{key}"
    return say(_L, found) if key.isidentifier() and has(_L, found) else key or "-"


def _who(key: str) -> str:
    """Return the journey of a key; one that is no longer asked counts as the first."""
    who = key.split("/")[0]
    return who if who in JOURNEYS else JOURNEYS[0]


def _is_now(key: str) -> bool:
    return key == current(_who(key))
