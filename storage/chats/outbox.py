"""What must go out: enqueued in the turn's transaction, sent afterwards, in order in a chat."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, bindparam, delete, exists, insert, null, or_, select, update

from flows.vocabulary import OutboxKind
from storage.chats.conversations import address_context
from storage.chats.handoffs import ACTIVE_HOLDER
from storage.reports import daily_counters
from storage.serialization import dumps, loads_reply
from storage.tables import CHAT, OUTBOX, AnyRow, UtcDateTime, from_row, new_id
from storage.unit import Unit
from storage.vault import VaultError

log = logging.getLogger("rj.outbox")


class OutboxStage(StrEnum):
    """Where what goes out can be. DEAD: given up, but kept for staff, who can send it again."""

    WAITING = "waiting"
    SENT = "sent"
    WITHHELD = "withheld"
    GIVEN_UP = "given_up"
    DEAD = "dead"


_IS_WAITING = OUTBOX.c.stage == OutboxStage.WAITING
_INSERT = insert(OUTBOX)
_MARK_SENT = (
    update(OUTBOX)
    .where(OUTBOX.c.id == bindparam("mine"), _IS_WAITING)
    .values(stage=OutboxStage.SENT, body=None, ended_at=bindparam("now", type_=UtcDateTime))
)


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """One thing to send; without a chat, `address` is empty. `attempts` counts earlier failures.

    `handed_off_to` is who had the chat when the row was read, "" for nobody; `has_more` says
    whether something else waited for the same chat then.
    """

    id: str
    channel: str
    kind: OutboxKind
    body: dict[str, Any]
    chat_id: str | None
    address: str
    attempts: int
    enqueued_at: datetime
    urgent: bool = False
    handed_off_to: str = ""
    has_more: bool = False


@dataclass(frozen=True, slots=True)
class UndeliveredItem:
    """One thing that was not sent yet, or never will be unless somebody sends it again."""

    id: str
    body: dict[str, Any]
    attempts: int
    reason: str
    enqueued_at: datetime


def enqueue(
    unit: Unit,
    channel: str,
    kind: OutboxKind,
    body: dict[str, Any],
    chat_id: str | None = None,
    not_before: datetime | None = None,
    urgent: bool = False,
) -> str:
    """Enqueue something to send, from `not_before` on; return its id.

    What is urgent overtakes the other messages of its chat.
    """
    id = new_id()
    row = {
        "id": id,
        "chat_id": chat_id,
        "channel": channel,
        "kind": kind,
        "body": unit.seal(_body_context(chat_id, id), dumps(body)),
        "enqueued_at": unit.now,
        "not_before": not_before,
        "urgent": urgent,
        "stage": OutboxStage.WAITING,
        "attempts": 0,
        "reason": "",
    }
    unit.add(_INSERT, row)
    unit.signals.add(channel)
    return id


def due_outbox_items(unit: Unit, channels: Collection[str], limit: int = 50) -> list[OutboxItem]:
    """Return what `channels` can send now, the oldest first.

    At most one a chat, and acknowledgements: a chat's later rows wait while an earlier one is due
    or has a retry scheduled, but for no acknowledgement, and urgent ones for no message that is
    not. Those of a closed chat wait. A row that cannot be decrypted is given up and the others go
    on.
    """
    params = {"now": unit.now, "channels": list(channels), "limit": limit}
    rows = unit.conn.execute(_DUE, params).all()
    opened = [_unseal_item(unit, row) for row in rows]
    for row, one in zip(rows, opened, strict=True):
        if one is None:
            log.error("row_unreadable", extra={"code": row.channel})
            give_up(unit, row.id)
    readable = [one for one in opened if one is not None]
    overtaken = {one.chat_id for one in readable if one.urgent}
    readable = [
        one
        for one in readable
        if one.urgent or one.kind == OutboxKind.ACKNOWLEDGE or one.chat_id not in overtaken
    ]
    return readable if readable or not rows else due_outbox_items(unit, channels, limit)


def has_due_output(unit: Unit, address_fingerprint: str) -> bool:
    """Return whether anything could go out now to the chat whose address has this fingerprint."""
    due = or_(OUTBOX.c.not_before.is_(None), OUTBOX.c.not_before <= unit.now)
    mine = (OUTBOX.c.chat_id == CHAT.c.id, CHAT.c.address_fingerprint == address_fingerprint)
    return unit.exists(*mine, _IS_WAITING, due)


def mark_sent(unit: Unit, id: str) -> None:
    """Mark a row as sent and blank its body."""
    unit.add(_MARK_SENT, {"mine": id, "now": unit.now})


def schedule_retry(unit: Unit, id: str, not_before: datetime, reason: str) -> None:
    """Try a row again from `not_before` on; `reason` is a code, never words of a person."""
    again = update(OUTBOX).values(
        attempts=OUTBOX.c.attempts + 1, not_before=not_before, reason=reason
    )
    unit.conn.execute(again.where(OUTBOX.c.id == id))


def postpone(unit: Unit, id: str, not_before: datetime) -> None:
    """Let a row wait until `not_before`; it was not tried, and later rows need not wait for it."""
    unit.conn.execute(update(OUTBOX).where(OUTBOX.c.id == id).values(not_before=not_before))


def withhold(unit: Unit, id: str) -> None:
    """Never send a row that may not go any more; blank its body and count it."""
    if _finish(unit, id, OutboxStage.WITHHELD):
        daily_counters.increment_counter(unit, "outbox", OutboxStage.WITHHELD)


def list_unsent_for_chat(unit: Unit, chat_id: str) -> list[OutboxItem]:
    """Return what waits to be sent to a chat, now or later, the oldest first."""
    query = (
        select(OUTBOX, CHAT.c.address)
        .join(CHAT, CHAT.c.id == OUTBOX.c.chat_id)
        .where(OUTBOX.c.chat_id == chat_id, _IS_WAITING)
        .order_by(OUTBOX.c.n)
    )
    opened = [_unseal_item(unit, row) for row in unit.conn.execute(query).all()]
    return [one for one in opened if one is not None]


def give_up(unit: Unit, id: str) -> None:
    """Stop trying a row, blank its body and count it."""
    if _finish(unit, id, OutboxStage.GIVEN_UP):
        daily_counters.increment_counter(unit, "outbox", OutboxStage.GIVEN_UP)


def move_to_dead_letters(unit: Unit, id: str, reason: str) -> None:
    """Stop trying a row, count it, and keep it where staff see it and can send it again."""
    mine = (OUTBOX.c.id == id, _IS_WAITING)
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
    opened = [(row, _unseal_item(unit, row)) for row in unit.conn.execute(query).all()]
    return [from_row(UndeliveredItem, row, body=one.body) for row, one in opened if one]


def delete_unsent_for_chat(unit: Unit, chat_id: str) -> None:
    """Delete everything not yet sent to a chat."""
    unsent = (OUTBOX.c.chat_id == chat_id, _IS_WAITING)
    unit.conn.execute(delete(OUTBOX).where(*unsent))


def _finish(unit: Unit, id: str, stage: OutboxStage) -> bool:
    mine = (OUTBOX.c.id == id, _IS_WAITING)
    ended = update(OUTBOX).where(*mine).values(stage=stage, body=None, ended_at=unit.now)
    return unit.changed(ended) == 1


def _due_rows() -> Select[Any]:
    ahead, now = OUTBOX.alias("ahead"), bindparam("now", type_=UtcDateTime)
    held_up = exists().where(
        ahead.c.chat_id == OUTBOX.c.chat_id,
        ahead.c.stage == OutboxStage.WAITING,
        # What says that a press arrived and what answers it may go side by side.
        ahead.c.kind != OutboxKind.ACKNOWLEDGE,
        ahead.c.n < OUTBOX.c.n,
        or_(~OUTBOX.c.urgent, ahead.c.urgent, ahead.c.kind != OutboxKind.SAY),
        # A row that failed holds back the later ones until it went: their order is kept. One that
        # was only put off, to a time of day, does not: a reply must not wait for the morning.
        or_(ahead.c.not_before.is_(None), ahead.c.not_before <= now, ahead.c.attempts > 0),
    )
    other = OUTBOX.alias("other")
    has_more = exists().where(
        other.c.chat_id == OUTBOX.c.chat_id,
        other.c.stage == OutboxStage.WAITING,
        other.c.kind != OutboxKind.ACKNOWLEDGE,
        other.c.n != OUTBOX.c.n,
    )
    return (
        select(OUTBOX, CHAT.c.address, ACTIVE_HOLDER, has_more.label("has_more"))
        .outerjoin(CHAT, CHAT.c.id == OUTBOX.c.chat_id)
        .where(
            _IS_WAITING,
            or_(OUTBOX.c.not_before.is_(None), OUTBOX.c.not_before <= now),
            OUTBOX.c.channel.in_(bindparam("channels", expanding=True)),
            CHAT.c.closed_at.is_(None),
            ~held_up,
        )
        .order_by(OUTBOX.c.n)
        .limit(bindparam("limit"))
    )


_DUE = _due_rows()


def _unseal_item(unit: Unit, row: AnyRow) -> OutboxItem | None:
    try:
        body = loads_reply(unit.unseal(_body_context(row.chat_id, row.id), row.body or b""))
        address = row.address and unit.unseal(address_context(row.chat_id), row.address)
        kind = OutboxKind(row.kind)
    except (VaultError, ValueError):
        return None
    holder, more = (row._mapping.get(name) for name in ("handed_off_to", "has_more"))
    return from_row(
        OutboxItem,
        row,
        kind=kind,
        body=body,
        address=address or "",
        handed_off_to=holder or "",
        has_more=bool(more),
    )


def _body_context(chat_id: str | None, id: str) -> str:
    return f"outbox/{chat_id}/{id}/body"
