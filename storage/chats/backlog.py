"""How much waits to be answered and to be sent, and since when: numbers for monitoring."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select

from storage.chats.inbox import InboxStage
from storage.chats.outbox import IS_WAITING, OutboxStage
from storage.tables import CHAT, INBOX, OUTBOX, UtcDateTime
from storage.unit import Unit

COUNT_LIMIT = 10_000
"""More rows than this are counted as this many, so that a count never takes long."""
_AT = UtcDateTime()


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many rows wait, up to COUNT_LIMIT, and since when (aware) the oldest of them is due.

    None for `due_since` when none of them is due yet.
    """

    waiting: int = 0
    due_since: datetime | None = None


def inbox_backlog(unit: Unit) -> Backlog:
    """Return what came in and is not answered; it is due from when it came."""
    oldest = select(INBOX.c.received_at).where(INBOX.c.stage == InboxStage.WAITING)
    since = unit.conn.scalar(oldest.order_by(INBOX.c.n).limit(1))
    return Backlog(_count_inbox(unit, InboxStage.WAITING), since)


def count_set_aside(unit: Unit) -> int:
    """Return how many inputs were set aside, up to COUNT_LIMIT."""
    return _count_inbox(unit, InboxStage.SET_ASIDE)


def outbox_backlogs(unit: Unit) -> dict[str, Backlog]:
    """Return by channel what waits to be sent, those of closed chats apart.

    What was put off is due from then on. What failed has been due since it was enqueued, whenever
    its next try is.
    """
    starts = func.coalesce(OUTBOX.c.not_before, OUTBOX.c.enqueued_at)
    is_due = or_(OUTBOX.c.not_before.is_(None), OUTBOX.c.not_before <= unit.now)
    since: ColumnElement[datetime | None] = case(
        (OUTBOX.c.attempts > 0, OUTBOX.c.enqueued_at), (is_due, starts)
    )
    rows = (
        select(OUTBOX.c.channel, since.label("since"))
        .outerjoin(CHAT, CHAT.c.id == OUTBOX.c.chat_id)
        .where(and_(IS_WAITING, CHAT.c.closed_at.is_(None)))
        .limit(COUNT_LIMIT)
        .subquery()
    )
    oldest = func.min(rows.c.since, type_=_AT)
    query = select(rows.c.channel, func.count(), oldest).group_by(rows.c.channel)
    return {channel: Backlog(n, due) for channel, n, due in unit.conn.execute(query)}


def count_dead_letters(unit: Unit) -> dict[str, int]:
    """Return by channel how many dead letters there are, up to COUNT_LIMIT in all."""
    dead = select(OUTBOX.c.channel).where(OUTBOX.c.stage == OutboxStage.DEAD).limit(COUNT_LIMIT)
    rows = dead.subquery()
    query = select(rows.c.channel, func.count().label("n")).group_by(rows.c.channel)
    return {row.channel: row.n for row in unit.conn.execute(query)}


def _count_inbox(unit: Unit, stage: InboxStage) -> int:
    rows = select(literal(1)).where(INBOX.c.stage == stage).limit(COUNT_LIMIT).subquery()
    return int(unit.conn.scalar(select(func.count()).select_from(rows)) or 0)
