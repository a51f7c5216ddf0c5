"""Counts and times of referrals and drafts, from which no person can be told."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Subquery, case, func, select

from flows import casework
from flows.casework import OPEN_STAGES, Act, Contact, ReferralStage
from flows.vocabulary import CounterEvent
from storage.tables import DAILY_COUNTER, REFERRAL, STEP
from storage.unit import Unit

FUNNEL_EVENTS = (
    *(CounterEvent.ASKED, CounterEvent.ANSWERED, CounterEvent.SENT),
    *(CounterEvent.STOPPED, CounterEvent.LEFT),
)


@dataclass(frozen=True, slots=True)
class ReferralTimes:
    """One referral as times alone: nothing tells which it is.

    `first_attempt_act` is how it was first tried to be in touch, `attempts` how often that was
    until somebody was spoken to, `spoke_at` None while nobody was.
    """

    sent_at: datetime
    due: datetime
    claimed_at: datetime | None
    first_attempt_at: datetime | None
    first_attempt_act: str
    spoke_at: datetime | None
    attempts: int


PairCounts = dict[tuple[str, str], int]


def counts_by_source(unit: Unit, since: datetime, until: datetime) -> PairCounts:
    """Return how many came, by journey and source: since <= sent < until."""
    return _count_pairs(unit, REFERRAL.c.journey, REFERRAL.c.source, since, until)


def counts_by_queue_and_outcome(unit: Unit, since: datetime, until: datetime) -> PairCounts:
    """Return how many came, by queue and by what came of it: since <= sent < until.

    That is the newest act that counts as a result, but of an open referral only one that leaves it
    open; else open, paused or close.
    """
    results = casework.ACTS.result_rules()
    last = _latest_act_of([rule.act for rule in results])
    left_open = [rule.act for rule in results if rule.leads_to in OPEN_STAGES]
    while_open = case((last.c.act.in_(left_open), last.c.act), else_="open")
    what = case(
        (REFERRAL.c.stage == ReferralStage.PAUSED, ReferralStage.PAUSED.value),
        (REFERRAL.c.stage.in_(OPEN_STAGES), while_open),
        else_=func.coalesce(last.c.act, Act.CLOSE.value),
    )
    query = (
        select(REFERRAL.c.queue, what.label("what"), func.count().label("n"))
        .outerjoin(last, last.c.referral_id == REFERRAL.c.id)
        .where(*_sent_between(since, until))
        .group_by(REFERRAL.c.queue, what)
    )
    return {(row.queue, row.what): row.n for row in unit.conn.execute(query)}


def referral_times(unit: Unit, since: datetime, until: datetime) -> list[ReferralTimes]:
    """Return the times of each referral that came, in no order: since <= sent < until."""
    claimed = _first_time_of(Act.CLAIM)
    tried = _first_time_of(*casework.ACTS.contacts())
    spoke = _first_time_of(*casework.ACTS.contacts(Contact.REACHED))
    query = (
        select(
            REFERRAL.c.id,
            REFERRAL.c.sent_at,
            REFERRAL.c.due,
            claimed.c.at.label("claimed_at"),
            tried.c.at.label("tried_at"),
            spoke.c.at.label("spoke_at"),
        )
        .outerjoin(claimed, claimed.c.referral_id == REFERRAL.c.id)
        .outerjoin(tried, tried.c.referral_id == REFERRAL.c.id)
        .outerjoin(spoke, spoke.c.referral_id == REFERRAL.c.id)
        .where(*_sent_between(since, until))
    )
    acts = _contact_attempts(unit, since, until)
    return [
        ReferralTimes(
            row.sent_at,
            row.due,
            row.claimed_at,
            row.tried_at,
            acts[row.id][0][0] if row.id in acts else "",
            row.spoke_at,
            sum(row.spoke_at is None or at <= row.spoke_at for _, at in acts.get(row.id, ())),
        )
        for row in unit.conn.execute(query)
    ]


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


def _sent_between(since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    return REFERRAL.c.sent_at >= since, REFERRAL.c.sent_at < until


def _count_pairs(
    unit: Unit,
    first_column: ColumnElement[str],
    second_column: ColumnElement[str],
    since: datetime,
    until: datetime,
) -> PairCounts:
    query = (
        select(first_column, second_column, func.count())
        .where(*_sent_between(since, until))
        .group_by(first_column, second_column)
    )
    return {(first, second): n for first, second, n in unit.conn.execute(query)}


def _first_time_of(*acts: str) -> Subquery:
    """Return when one of these acts was first taken on each referral."""
    return (
        select(STEP.c.referral_id, func.min(STEP.c.at, type_=STEP.c.at.type).label("at"))
        .where(STEP.c.act.in_(acts))
        .group_by(STEP.c.referral_id)
        .subquery()
    )


def _latest_act_of(acts: Sequence[str]) -> Subquery:
    """Return the newest of these acts on each referral."""
    newest = select(func.max(STEP.c.n)).where(STEP.c.act.in_(acts)).group_by(STEP.c.referral_id)
    return select(STEP.c.referral_id, STEP.c.act).where(STEP.c.n.in_(newest)).subquery()


def _contact_attempts(
    unit: Unit, since: datetime, until: datetime
) -> dict[str, list[tuple[str, datetime]]]:
    """Return the contact attempts of each referral, in their order."""
    query = (
        select(STEP.c.referral_id, STEP.c.act, STEP.c.at)
        .join(REFERRAL, REFERRAL.c.id == STEP.c.referral_id)
        .where(STEP.c.act.in_(casework.ACTS.contacts()), *_sent_between(since, until))
        .order_by(STEP.c.n)
    )
    found: dict[str, list[tuple[str, datetime]]] = {}
    for row in unit.conn.execute(query):
        found.setdefault(row.referral_id, []).append((row.act, row.at))
    return found
