"""What staff see of the outbox: what was given up, what is still to be sent, without a chat."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import null, select, update

from storage.chats.outbox import IS_WAITING, OutboxStage, unseal_item
from storage.reports import daily_counters
from storage.row_mapping import from_row
from storage.tables import OUTBOX
from storage.unit import Unit


@dataclass(frozen=True, slots=True)
class UndeliveredItem:
    """One thing that was not sent yet, or never will be unless somebody sends it again."""

    id: str
    body: dict[str, Any]
    attempts: int
    reason: str
    enqueued_at: datetime


def move_to_dead_letters(unit: Unit, id: str, reason: str) -> None:
    """Stop trying a row, count it, and keep it where staff see it and can send it again."""
    mine = (OUTBOX.c.id == id, IS_WAITING)
    ended = update(OUTBOX).where(*mine).values(stage=OutboxStage.DEAD, ended_at=unit.now)
    ended = ended.values(reason=reason, attempts=OUTBOX.c.attempts + 1)
    if unit.changed(ended) == 1:
        daily_counters.increment_counter(unit, "outbox", OutboxStage.DEAD)


def requeue(unit: Unit, id: str) -> bool:
    """Enqueue a dead letter again, as if it were new; return whether there was one."""
    mine = (OUTBOX.c.id == id, OUTBOX.c.stage == OutboxStage.DEAD)
    fresh = {"stage": OutboxStage.WAITING, "attempts": 0, "reason": "", "enqueued_at": unit.now}
    rest = {"not_before": None, "ended_at": None}
    again = update(OUTBOX).where(*mine).values({**fresh, **rest}).returning(OUTBOX.c.channel)
    channels = unit.conn.scalars(again).all()
    unit.signals.update(channels)
    return bool(channels)


def list_dead_letters(unit: Unit, channel: str) -> list[UndeliveredItem]:
    """Return the dead letters of a channel, the oldest first."""
    return _items_at_stage(unit, channel, OutboxStage.DEAD)


def list_undelivered(unit: Unit, channel: str) -> list[UndeliveredItem]:
    """Return what a channel has still to send, the oldest first."""
    return _items_at_stage(unit, channel, OutboxStage.WAITING)


def _items_at_stage(unit: Unit, channel: str, stage: OutboxStage) -> list[UndeliveredItem]:
    mine = (OUTBOX.c.channel == channel, OUTBOX.c.stage == stage, OUTBOX.c.chat_id.is_(None))
    query = select(OUTBOX, null().label("address")).where(*mine).order_by(OUTBOX.c.n).limit(200)
    opened = [(row, unseal_item(unit, row)) for row in unit.conn.execute(query).all()]
    return [from_row(UndeliveredItem, row, body=one.body) for row, one in opened if one]
