"""What staff see of the outbox: what was given up, what is still to be sent, without a chat."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import null, select, update

from flows.vocabulary import OutboxKind
from storage.chats.outbox import IS_WAITING, OutboxStage, unseal_item
from storage.reports import daily_counters
from storage.row_mapping import from_row
from storage.tables import OUTBOX
from storage.unit import Unit

_KINDS = (OutboxKind.ALERT, OutboxKind.REFERRAL)
FAILING_AFTER = 3
"""After so many failures, eight seconds, an alert is said at the desk not to arrive."""


@dataclass(frozen=True, slots=True)
class UndeliveredItem:
    """One thing that was not sent yet, or never will be unless somebody sends it again."""

    id: str
    channel: str
    body: dict[str, Any]
    attempts: int
    reason: str
    enqueued_at: datetime

    @property
    def subject(self) -> str:
        """Return what it is about: a referral's reference, or the first sentence of an alert."""
        return str(self.body.get("reference") or self.body.get("text", "").partition(".")[0])


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


def list_dead_letters(unit: Unit) -> list[UndeliveredItem]:
    """Return the dead letters, the oldest first."""
    return _items_at_stage(unit, OutboxStage.DEAD)


def list_undelivered(unit: Unit) -> list[UndeliveredItem]:
    """Return what is still to be sent to staff or to another system, the oldest first."""
    return _items_at_stage(unit, OutboxStage.WAITING)


def alerts_failing_since(unit: Unit) -> datetime | None:
    """Return since when the oldest alert waits that failed FAILING_AFTER times; None for none."""
    failing = (IS_WAITING, OUTBOX.c.kind == OutboxKind.ALERT, OUTBOX.c.attempts >= FAILING_AFTER)
    oldest = select(OUTBOX.c.enqueued_at).where(*failing).order_by(OUTBOX.c.enqueued_at).limit(1)
    return unit.conn.scalars(oldest).first()


def _items_at_stage(unit: Unit, stage: OutboxStage) -> list[UndeliveredItem]:
    mine = (OUTBOX.c.stage == stage, OUTBOX.c.kind.in_(_KINDS))
    query = select(OUTBOX, null().label("address")).where(*mine).order_by(OUTBOX.c.n).limit(200)
    opened = [(row, unseal_item(unit, row)) for row in unit.conn.execute(query).all()]
    return [from_row(UndeliveredItem, row, body=one.body) for row, one in opened if one]
