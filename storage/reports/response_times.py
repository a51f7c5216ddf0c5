"""How long it took to claim referrals and to be in touch: kept for each, counted from indexes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, bindparam, case, func, select, update

from flows import casework
from flows.casework import Act, Contact
from storage.reports.statistics import in_order_between, sent_between
from storage.sql import upsert
from storage.tables import REFERRAL, STEP, AnyRow
from storage.unit import Unit
from storage.web_tables import RESPONSE_TIME

RECOUNT_AT_ONCE = 500
"""Of how many referrals the times are worked out in one transaction."""
OpeningTime = Callable[[datetime, datetime], timedelta]
"""How much of the time between two moments the service was open."""
_T = RESPONSE_TIME.c
_MICROSECOND = timedelta(microseconds=1)
_TO_RECOUNT = REFERRAL.c.recount_since.is_not(None)


@dataclass(frozen=True, slots=True)
class Spread:
    """Numbers in their order: how many, the one or two in the middle, the 90th percentile.

    The percentile is by the nearest rank. Times are in microseconds.
    """

    count: int = 0
    middle: tuple[int, ...] = ()
    p90: int = 0


@dataclass(frozen=True, slots=True)
class ReachedCounts:
    """How many referrals got so far, `in_time` of them; `overdue` did not, and are late."""

    in_time: int
    overdue: int
    took: Spread


@dataclass(frozen=True, slots=True)
class ResponseTimes:
    """The times of referrals to the first claim, try and talk; to the first try also by its act.

    `attempts` is how often somebody was tried until they were spoken to.
    """

    claimed: ReachedCounts
    tried: ReachedCounts
    spoke: ReachedCounts
    first_tries: dict[str, Spread]
    attempts: Spread


def response_times(unit: Unit, since: datetime, until: datetime, now: datetime) -> ResponseTimes:
    """Return the times of the referrals that came then, `since` <= sent < `until`.

    What is due before `now` and was not reached is overdue.
    """
    sent = in_order_between(_T.sent_at, since, until)
    late = (*sent_between(since, until), REFERRAL.c.due < now)
    all_late = unit.conn.scalar(select(func.count()).where(*late)) or 0
    measures = (
        (_T.claimed_at, _T.claim_took),
        (_T.tried_at, _T.try_took),
        (_T.spoke_at, _T.talk_took),
    )
    sums = [one for at, _ in measures for one in _sums(at, now)]
    in_range = (_T.sent_at >= since, _T.sent_at < until)
    counts = [int(n or 0) for n in unit.conn.execute(select(*sums).where(*in_range)).one()]
    found = []
    for n, (_, took) in enumerate(measures):
        count, in_time, reached_late = counts[3 * n : 3 * n + 3]
        spread = _spread(unit, took, sent, count)
        found.append(ReachedCounts(in_time, all_late - reached_late, spread))
    claimed, tried, spoke = found
    attempts = _spread(unit, _T.attempts, sent, spoke.took.count)
    return ResponseTimes(claimed, tried, spoke, _first_tries(unit, sent), attempts)


def has_to_recount(unit: Unit) -> bool:
    """Return whether acts were taken whose times are not worked out yet."""
    return unit.exists(_TO_RECOUNT)


def recount(unit: Unit, opening_time: OpeningTime, limit: int = RECOUNT_AT_ONCE) -> int:
    """Work out the times and the result of referrals that changed; return of how many."""
    changed = select(REFERRAL.c.id, REFERRAL.c.sent_at, REFERRAL.c.due).where(_TO_RECOUNT)
    rows = unit.conn.execute(changed.order_by(REFERRAL.c.recount_since.desc()).limit(limit)).all()
    steps: dict[str, list[AnyRow]] = {row.id: [] for row in rows}
    reported = (STEP.c.referral_id.in_(list(steps)), STEP.c.act.in_(casework.ACTS.reported()))
    query = select(STEP.c.referral_id, STEP.c.act, STEP.c.at).where(*reported)
    for step in unit.conn.execute(query.order_by(STEP.c.n)):
        steps[step.referral_id].append(step)
    if times := [_row_values(row, steps[row.id], opening_time) for row in rows if steps[row.id]]:
        unit.conn.execute(_PUT, times)
    if results := [{"mine": id, "last": _last_result(steps[id])} for id in steps]:
        unit.conn.execute(_SET_RESULT, results)
    return len(rows)


_INSERT = upsert(RESPONSE_TIME)
_PUT = _INSERT.on_conflict_do_update(
    index_elements=["referral_id"],
    set_={one.name: _INSERT.excluded[one.name] for one in _T if not one.primary_key},
)
_SET_RESULT = (
    update(REFERRAL)
    .where(REFERRAL.c.id == bindparam("mine"))
    .values(result=bindparam("last"), recount_since=None)
)


def _row_values(
    referral: AnyRow, steps: Sequence[AnyRow], opening_time: OpeningTime
) -> dict[str, Any]:
    """Return the times of a referral; its `steps` are those that the report counts, in order."""
    contacts = casework.ACTS.contacts()
    tries = [step for step in steps if step.act in contacts]
    claimed_at = _first(step.at for step in steps if step.act == Act.CLAIM)
    tried_at = _first(step.at for step in tries)
    reached = casework.ACTS.contacts(Contact.REACHED)
    spoke_at = _first(step.at for step in tries if step.act in reached)

    def took(at: datetime | None) -> int | None:
        return opening_time(referral.sent_at, at) // _MICROSECOND if at else None

    return {
        "referral_id": referral.id,
        "sent_at": referral.sent_at,
        "due": referral.due,
        "claimed_at": claimed_at,
        "claim_took": took(claimed_at),
        "tried_at": tried_at,
        "try_took": took(tried_at),
        "first_try": tries[0].act if tries else None,
        "spoke_at": spoke_at,
        "talk_took": took(spoke_at),
        "attempts": sum(step.at <= spoke_at for step in tries) if spoke_at else None,
    }


def _first(moments: Iterable[datetime]) -> datetime | None:
    return min(moments, default=None)


def _last_result(steps: Sequence[AnyRow]) -> str | None:
    results = [rule.act for rule in casework.ACTS.result_rules()]
    return next((str(step.act) for step in reversed(steps) if step.act in results), None)


def _sums(at: Column[datetime | None], now: datetime) -> tuple[ColumnElement[int], ...]:
    """Return how many were reached, of those how many in time, and how many are due before now."""
    late = case((and_(at.is_not(None), _T.due < now), 1), else_=0)
    return func.count(at), func.sum(case((at <= _T.due, 1), else_=0)), func.sum(late)


def _first_tries(unit: Unit, sent: tuple[ColumnElement[bool], ...]) -> dict[str, Spread]:
    acts = casework.ACTS.contacts()
    by_act = select(_T.first_try, func.count()).where(*sent, _T.first_try.in_(acts))
    rows = unit.conn.execute(by_act.group_by(_T.first_try))
    counts = {str(act): int(n) for act, n in rows}
    return {
        act: _spread(unit, _T.try_took, (*sent, _T.first_try == act), counts.get(act, 0))
        for act in acts
    }


def _spread(
    unit: Unit, column: Column[int | None], where: tuple[ColumnElement[bool], ...], count: int
) -> Spread:
    """Return how the numbers of a column are spread; an index has them in their order."""
    if not count:
        return Spread()
    numbers = select(column).where(*where, column.is_not(None))
    first, length = (count - 1) // 2, 2 - count % 2
    middle = unit.conn.scalars(numbers.order_by(column).limit(length).offset(first)).all()
    above = count - ceil(0.9 * count)  # nearer from the other end
    p90 = unit.conn.scalars(numbers.order_by(column.desc()).limit(1).offset(above)).one()
    return Spread(count, tuple(int(n) for n in middle if n is not None), int(p90 or 0))
