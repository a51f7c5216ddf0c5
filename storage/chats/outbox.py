"""What must go out: enqueued in the turn's transaction, sent afterwards, in order in a chat."""

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from sqlalchemy import Select, bindparam, delete, exists, insert, or_, select, update

from flows.vocabulary import OutboxKind
from storage.chats.addresses import address_context, address_fingerprint
from storage.chats.handoffs import ACTIVE_HOLDER
from storage.reports import daily_counters
from storage.row_mapping import from_row
from storage.serialization import dumps, loads_reply
from storage.tables import CHAT, OUTBOX, AnyRow, UtcDateTime, new_id
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


ENDED_STAGES = (OutboxStage.SENT, OutboxStage.WITHHELD, OutboxStage.GIVEN_UP)
"""Of what is over, and can be of no more use."""


class OutboxPriority(IntEnum):
    """What goes first where not everything can go at once; the lowest.

    URGENT, which is danger, leaving and stopping, also overtakes the other messages of its chat.
    FIRST_CONTACT is for those who have answered nothing yet: they wait for those who have.
    """

    URGENT = 0
    NORMAL = 1
    FIRST_CONTACT = 2


_NOW = bindparam("now", type_=UtcDateTime)
IS_WAITING = OUTBOX.c.stage == OutboxStage.WAITING
_INSERT = insert(OUTBOX)
_MARK_SENT = (
    update(OUTBOX)
    .where(OUTBOX.c.id == bindparam("mine"), IS_WAITING)
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
    priority: int = OutboxPriority.NORMAL
    handed_off_to: str = ""
    has_more: bool = False


@dataclass(frozen=True, slots=True)
class SendOptions:
    """When something is sent, from `not_before` (aware) on, and for how many prompts it stands."""

    not_before: datetime | None = None
    priority: OutboxPriority = OutboxPriority.NORMAL
    prompts: int = 0


_AT_ONCE = SendOptions()


def enqueue(
    unit: Unit,
    channel: str,
    kind: OutboxKind,
    body: dict[str, Any],
    chat_id: str | None = None,
    options: SendOptions = _AT_ONCE,
) -> str:
    """Enqueue something to send; return its id."""
    id = new_id()
    row = {
        "id": id,
        "chat_id": chat_id,
        "channel": channel,
        "kind": kind,
        "body": unit.seal(_body_context(chat_id, id), dumps(body)),
        "enqueued_at": unit.now,
        "not_before": options.not_before,
        "priority": options.priority,
        "prompts": options.prompts,
        "stage": OutboxStage.WAITING,
        "attempts": 0,
        "reason": "",
    }
    unit.add(_INSERT, row)
    unit.signals.add(channel)
    return id


def due_outbox_items(unit: Unit, channels: Collection[str], limit: int = 50) -> list[OutboxItem]:
    """Return what `channels` can send now, by priority and then the oldest first.

    At most one a chat, and acknowledgements: a chat's later rows wait while an earlier one is due
    or has a retry scheduled, but for no acknowledgement, and urgent ones for no message that is
    not. Those of a closed chat wait. A row that cannot be decrypted is given up and the others go
    on.
    """
    params = {"now": unit.now, "channels": list(channels), "limit": limit}
    rows = unit.conn.execute(_DUE, params).all()
    readable = _unseal_or_give_up(unit, rows)
    overtaken = {one.chat_id for one in readable if one.priority == OutboxPriority.URGENT}
    readable = [
        one
        for one in readable
        if one.priority == OutboxPriority.URGENT
        or one.kind == OutboxKind.ACKNOWLEDGE
        or one.chat_id not in overtaken
    ]
    return readable if readable or not rows else due_outbox_items(unit, channels, limit)


def due_items_of_chat(unit: Unit, channel: str, address: str) -> list[OutboxItem]:
    """Return all that can be sent to one chat now, in order; none while a retry is scheduled."""
    mine = address_fingerprint(unit, channel, address)
    rows = unit.conn.execute(_OF_CHAT, {"fingerprint": mine, "now": unit.now}).all()
    due = [row for row in rows if row.not_before is None or row.not_before <= unit.now]
    return [] if any(row.attempts for row in rows) else _unseal_or_give_up(unit, due)


def has_due_output(unit: Unit, fingerprint: str) -> bool:
    """Return whether anything could go out now to the chat whose address has this fingerprint."""
    return bool(unit.conn.scalar(_HAS_DUE, {"fingerprint": fingerprint, "now": unit.now}))


def mark_sent(unit: Unit, id: str) -> None:
    """Mark a row as sent and blank its body."""
    unit.add(_MARK_SENT, {"mine": id, "now": unit.now})


def schedule_retry(unit: Unit, id: str, not_before: datetime, reason: str) -> None:
    """Try a row again from `not_before` on; `reason` is a code, never words of a person."""
    again = update(OUTBOX).values(
        attempts=OUTBOX.c.attempts + 1, not_before=not_before, reason=reason
    )
    unit.conn.execute(again.where(OUTBOX.c.id == id))


def retry_now(unit: Unit, channels: Collection[str]) -> None:
    """Try at once what waits for its next try, which was timed by a clock that was ahead."""
    retried = (IS_WAITING, OUTBOX.c.attempts > 0, OUTBOX.c.channel.in_(channels))
    unit.conn.execute(update(OUTBOX).where(*retried).values(not_before=unit.now))


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
        .where(OUTBOX.c.chat_id == chat_id, IS_WAITING)
        .order_by(OUTBOX.c.n)
    )
    opened = [unseal_item(unit, row) for row in unit.conn.execute(query).all()]
    return [one for one in opened if one is not None]


def give_up(unit: Unit, id: str) -> None:
    """Stop trying a row, blank its body and count it."""
    if _finish(unit, id, OutboxStage.GIVEN_UP):
        daily_counters.increment_counter(unit, "outbox", OutboxStage.GIVEN_UP)


def delete_prompts(unit: Unit, chat_id: str) -> None:
    """Delete the prompts that wait to be sent to a chat: a later one goes in their place."""
    prompts = (OUTBOX.c.chat_id == chat_id, IS_WAITING, OUTBOX.c.prompts > 0)
    unit.conn.execute(delete(OUTBOX).where(*prompts))


def delete_unsent_for_chat(unit: Unit, chat_id: str) -> None:
    """Delete everything not yet sent to a chat."""
    unsent = (OUTBOX.c.chat_id == chat_id, IS_WAITING)
    unit.conn.execute(delete(OUTBOX).where(*unsent))


def _finish(unit: Unit, id: str, stage: OutboxStage) -> bool:
    mine = (OUTBOX.c.id == id, IS_WAITING)
    ended = update(OUTBOX).where(*mine).values(stage=stage, body=None, ended_at=unit.now)
    return unit.changed(ended) == 1


def _due_rows() -> Select[Any]:
    ahead, now = OUTBOX.alias("ahead"), _NOW
    held_up = exists().where(
        ahead.c.chat_id == OUTBOX.c.chat_id,
        ahead.c.stage == OutboxStage.WAITING,
        # What says that a press arrived and what answers it may go side by side.
        ahead.c.kind != OutboxKind.ACKNOWLEDGE,
        ahead.c.n < OUTBOX.c.n,
        or_(
            OUTBOX.c.priority != OutboxPriority.URGENT,
            OUTBOX.c.kind != OutboxKind.SAY,
            ahead.c.priority == OutboxPriority.URGENT,
            ahead.c.kind != OutboxKind.SAY,
        ),
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
            IS_WAITING,
            or_(OUTBOX.c.not_before.is_(None), OUTBOX.c.not_before <= now),
            OUTBOX.c.channel.in_(bindparam("channels", expanding=True)),
            CHAT.c.closed_at.is_(None),
            ~held_up,
        )
        .order_by(OUTBOX.c.priority, OUTBOX.c.n)
        .limit(bindparam("limit"))
    )


_DUE = _due_rows()
_IN_CHAT = (CHAT.c.address_fingerprint == bindparam("fingerprint"), IS_WAITING)
_OF_CHAT = (
    select(OUTBOX, CHAT.c.address, ACTIVE_HOLDER)
    .join(CHAT, CHAT.c.id == OUTBOX.c.chat_id)
    .where(*_IN_CHAT, CHAT.c.closed_at.is_(None))
    .order_by(OUTBOX.c.n)
)
_IS_DUE = or_(OUTBOX.c.not_before.is_(None), OUTBOX.c.not_before <= _NOW)
_HAS_DUE = select(exists().where(OUTBOX.c.chat_id == CHAT.c.id, *_IN_CHAT, _IS_DUE))


def _unseal_or_give_up(unit: Unit, rows: Iterable[AnyRow]) -> list[OutboxItem]:
    opened = [(row, unseal_item(unit, row)) for row in rows]
    for row, one in opened:
        if one is None:
            give_up(unit, row.id)
    return [one for _, one in opened if one is not None]


def unseal_item(unit: Unit, row: AnyRow) -> OutboxItem | None:
    """Return a row as it is sent, None when it cannot be opened, which is logged."""
    try:
        body = loads_reply(unit.unseal(_body_context(row.chat_id, row.id), row.body or b""))
        address = row.address and unit.unseal(address_context(row.chat_id), row.address)
        kind = OutboxKind(row.kind)
    except (VaultError, ValueError):
        log.error("row_unreadable", extra={"code": row.channel})
        return None
    holder, more = (row._mapping.get(name) for name in ("handed_off_to", "has_more"))
    told = {"kind": kind, "body": body, "address": address or ""}
    return from_row(OutboxItem, row, **told, handed_off_to=holder or "", has_more=bool(more))


def _body_context(chat_id: str | None, id: str) -> str:
    return f"outbox/{chat_id}/{id}/body"
