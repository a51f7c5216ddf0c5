"""Counts and times of referrals and drafts, from which no person can be told."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from itertools import pairwise

from sqlalchemy import ColumnElement, func, select

from flows import casework
from flows.casework import OPEN_STAGES, Act, ReferralStage
from flows.vocabulary import CounterEvent
from storage.sql import without_index
from storage.tables import DAILY_COUNTER, REFERRAL
from storage.unit import Unit

FUNNEL_EVENTS = (
    *(CounterEvent.ASKED, CounterEvent.ANSWERED, CounterEvent.SENT),
    *(CounterEvent.STOPPED, CounterEvent.LEFT),
)


PairCounts = dict[tuple[str, str], int]


def counts_by_source(unit: Unit, since: datetime, until: datetime) -> PairCounts:
    """Return how many came, by journey and source: since <= sent < until."""
    return _count_pairs(unit, REFERRAL.c.journey, REFERRAL.c.source, since, until)


def counts_by_queue_and_outcome(unit: Unit, since: datetime, until: datetime) -> PairCounts:
    """Return how many came, by queue and by what came of it: since <= sent < until.

    That is the newest act that counts as a result, but of an open referral only one that leaves it
    open; else open, paused or close. `response_times.recount` says which act is the newest.
    """
    came = (REFERRAL.c.queue, REFERRAL.c.stage, REFERRAL.c.result)
    query = select(*came, func.count()).group_by(*came)
    query = query.where(*in_order_between(REFERRAL.c.sent_at, since, until))
    found = Counter[tuple[str, str]]()
    for queue, stage, result, n in unit.conn.execute(query):
        found[queue, _outcome(stage, result)] += n
    return dict(found)


def counts_between(unit: Unit, moments: Sequence[datetime]) -> list[int]:
    """Return how many came between each of these moments and the next."""
    spans = [
        select(func.count()).where(*sent_between(since, until)).scalar_subquery()
        for since, until in pairwise(moments)
    ]
    return [int(n) for n in unit.conn.execute(select(*spans)).one()] if spans else []


def funnel_counts(unit: Unit, first: date, last: date) -> dict[str, Counter[str]]:
    """Return how often each event of FUNNEL_EVENTS was counted on these days, by its key."""
    days = (
        DAILY_COUNTER.c.day >= first,
        DAILY_COUNTER.c.day <= last,
        DAILY_COUNTER.c.event.in_(FUNNEL_EVENTS),
    )
    query = (
        select(DAILY_COUNTER.c.event, DAILY_COUNTER.c.key, func.sum(DAILY_COUNTER.c.n).label("n"))
        .where(*days)
        .group_by(DAILY_COUNTER.c.event, DAILY_COUNTER.c.key)
    )
    found: dict[str, Counter[str]] = {what: Counter() for what in FUNNEL_EVENTS}
    for row in unit.conn.execute(query):
        found[row.event][row.key] = int(row.n)
    return found


def sent_between(since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on a referral that it came then: since <= sent < until."""
    return REFERRAL.c.sent_at >= since, REFERRAL.c.sent_at < until


def in_order_between(
    sent_at: ColumnElement[datetime], since: datetime, until: datetime
) -> tuple[ColumnElement[bool], ...]:
    """Return the same, for a query that reads an index in the order of its groups or numbers.

    Looking the time up in another index, and then each row, takes many times as long where most
    rows are asked for.
    """
    moment = without_index(sent_at)
    return moment >= since, moment < until


def _outcome(stage: str, result: str | None) -> str:
    if stage == ReferralStage.PAUSED:
        return ReferralStage.PAUSED
    if stage not in OPEN_STAGES:
        return result or Act.CLOSE
    rule = casework.ACTS.find(result or "")
    return rule.act if rule and rule.leads_to in OPEN_STAGES else "open"


def _count_pairs(
    unit: Unit,
    first_column: ColumnElement[str],
    second_column: ColumnElement[str],
    since: datetime,
    until: datetime,
) -> PairCounts:
    query = (
        select(first_column, second_column, func.count())
        .where(*in_order_between(REFERRAL.c.sent_at, since, until))
        .group_by(first_column, second_column)
    )
    return {(first, second): n for first, second, n in unit.conn.execute(query)}
