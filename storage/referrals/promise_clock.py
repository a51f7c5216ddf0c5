"""How long the promises have still to run that nobody has kept yet: numbers for monitoring."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select

from flows.casework import ReferralStage
from flows.vocabulary import Queue
from storage.tables import REFERRAL, UtcDateTime
from storage.unit import Unit

UNCONTACTED = (ReferralStage.NEW, ReferralStage.CLAIMED)
"""Stages in which nobody has tried to be in touch since the referral came, or came back."""


@dataclass(frozen=True, slots=True)
class PromiseClock:
    """One queue: when (aware) the earliest open promise is due, and how many are overdue."""

    earliest: datetime
    overdue: int


def promise_clocks(unit: Unit) -> dict[str, PromiseClock]:
    """Return a clock for each queue in which somebody waits to be contacted."""
    late = case((REFERRAL.c.due < unit.now, 1), else_=0)
    query = (
        select(REFERRAL.c.queue, func.min(REFERRAL.c.due, type_=UtcDateTime()), func.sum(late))
        .where(REFERRAL.c.queue.in_(tuple(Queue)), REFERRAL.c.stage.in_(UNCONTACTED))
        .group_by(REFERRAL.c.queue)
    )
    rows = unit.conn.execute(query)
    return {queue: PromiseClock(earliest, int(overdue)) for queue, earliest, overdue in rows}
