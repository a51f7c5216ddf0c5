"""What came in and is not yet handled: saved first, answered later, in order within a chat."""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    exists,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningInsert

from storage.reports import daily_counters
from storage.serialization import DecodeError, dumps, loads_dict
from storage.sql import upsert
from storage.tables import INBOX, AnyRow, UtcDateTime, new_id
from storage.unit import Unit
from storage.vault import UnknownKey, VaultError

log = logging.getLogger("rj.inbox")
BACK_OFF = (timedelta(seconds=1), timedelta(seconds=5))
LEFT_TO_OTHERS = timedelta(hours=1)
"""How long a process that has the key, or the operator, may take, before a row is set aside."""
INBOX_SIGNAL = "inbox"
"""The signal that something came in; those of the outbox are named after their channels."""
_BATCH_SIZE = 200
Body = dict[str, Any]


class EarlierInputWaits(Exception):
    """What came in from a chat before is not answered yet; nothing of that chat may overtake it."""


class InboxStage(StrEnum):
    """Where what came in can be: to be handled, handled, or out of the line for good."""

    WAITING = "waiting"
    DONE = "done"
    SET_ASIDE = "set_aside"


_IS_WAITING = INBOX.c.stage == InboxStage.WAITING
_HAS_UNANSWERED = select(exists().where(INBOX.c.chat_fingerprint == bindparam("chat"), _IS_WAITING))


@dataclass(frozen=True, slots=True)
class Arrival:
    """One thing that came in: the channel's key for it, its chat, and its raw body."""

    idempotency_key: str
    chat: str
    body: Body


@dataclass(frozen=True, slots=True)
class InboxItem:
    """One row to handle; rows of one chat fingerprint go in order; `attempts` counts failures.

    `received_at` (aware) is when it came in.
    """

    id: str
    channel: str
    chat_fingerprint: str
    body: Body
    attempts: int
    received_at: datetime


def enqueue_arrivals(unit: Unit, channel: str, arrivals: Sequence[Arrival]) -> int:
    """Store new arrivals and return how many; those stored before are ignored."""
    lock_inbox_chats(unit, channel, [arrival.chat for arrival in arrivals])
    fresh = {
        unit.fingerprint("inbox", channel, arrival.idempotency_key, arrival.body): arrival
        for arrival in arrivals
    }
    known = _known_fingerprints(unit, list(fresh))
    rows = [
        _row_values(unit, channel, arrival, fingerprint)
        for fingerprint, arrival in fresh.items()
        if fingerprint not in known
    ]
    if rows:
        unit.conn.execute(insert(INBOX), rows)
        unit.signals.add(INBOX_SIGNAL)
    return len(rows)


def store_answered(unit: Unit, channel: str, arrivals: Sequence[Arrival]) -> list[Body]:
    """Store new arrivals as answered, for a caller that answers them in this unit of work.

    Returns their bodies, which are not stored, in order. Raises EarlierInputWaits when something
    that came in from one of their chats before is not answered yet: it has to go first.
    """
    lock_inbox_chats(unit, channel, [arrival.chat for arrival in arrivals])
    fresh = {
        unit.fingerprint("inbox", channel, arrival.idempotency_key, arrival.body): arrival
        for arrival in arrivals
    }
    rows = [
        {
            "id": new_id(),
            "channel": channel,
            "fingerprint": fingerprint,
            "chat_fingerprint": _chat_fingerprint(unit, channel, arrival.chat),
            "received_at": unit.now,
            "ended_at": unit.now,
            "stage": InboxStage.DONE,
            "attempts": 0,
        }
        for fingerprint, arrival in fresh.items()
    ]
    stored = unit.conn.execute(_INSERT_NEW, rows).all() if rows else []
    if any(row.waits for row in stored):
        raise EarlierInputWaits
    new = {row.fingerprint for row in stored}
    return [arrival.body for fingerprint, arrival in fresh.items() if fingerprint in new]


def lock_inbox_chats(unit: Unit, channel: str, chats: Iterable[str]) -> None:
    """Keep what comes in from these chats from other units of work until this is committed.

    Before anything of theirs is read or written: then what came first goes first, and who waits
    for a chat has no row of it that somebody else waits for.
    """
    unit.lock_chats({_chat_fingerprint(unit, channel, chat) for chat in chats})


def due_inbox_items(
    unit: Unit,
    channels: Collection[str],
    limit: int = 100,
    on_set_aside: Callable[[], None] = lambda: None,
) -> list[InboxItem]:
    """Return what came in by `channels` and can be handled now, the oldest first.

    While a row waits for a retry, the later ones of its chat wait too. A row that cannot be
    decrypted is set aside, `on_set_aside` is called, and the others go on. One that was sealed with
    a key that is not here is left to a process that has it, for LEFT_TO_OTHERS.
    """
    latest = unit.now + max(BACK_OFF)
    params = {"now": unit.now, "latest_retry": latest, "channels": list(channels), "limit": limit}
    rows = unit.conn.execute(_DUE, params).all()
    readable: list[InboxItem] = []
    left = 0
    for row in rows:
        try:
            readable.append(_unseal_item(unit, row))
        except UnknownKey as problem:
            if unit.now - row.received_at > LEFT_TO_OTHERS:
                set_aside(unit, row.id, type(problem).__name__)
                on_set_aside()
            else:
                log.error("row_left", extra={"code": "unknown_key"})
                left += 1
        except (VaultError, DecodeError) as problem:
            set_aside(unit, row.id, type(problem).__name__)
            on_set_aside()
    if readable or left or not rows:
        return readable
    return due_inbox_items(unit, channels, limit, on_set_aside)


def has_unanswered_input(unit: Unit, channel: str, chat: str) -> bool:
    """Return whether anything that came in from a chat is not answered yet."""
    mine = {"chat": _chat_fingerprint(unit, channel, chat)}
    return bool(unit.conn.scalar(_HAS_UNANSWERED, mine))


def last_stage(unit: Unit, channel: str, chat: str) -> InboxStage | None:
    """Return where the latest is that came in from a chat; None when nothing did."""
    mine = INBOX.c.chat_fingerprint == _chat_fingerprint(unit, channel, chat)
    latest = select(INBOX.c.stage).where(mine).order_by(INBOX.c.n.desc()).limit(1)
    found = unit.conn.scalar(latest)
    return InboxStage(found) if found else None


def mark_answered(unit: Unit, ids: Sequence[str]) -> None:
    """Mark rows as handled and blank their bodies; the fingerprints stay."""
    values = {"stage": InboxStage.DONE, "body": None, "ended_at": unit.now, "not_before": None}
    ended = update(INBOX).values(values)
    for start in range(0, len(ids), _BATCH_SIZE):
        unit.conn.execute(ended.where(INBOX.c.id.in_(ids[start : start + _BATCH_SIZE])))


def record_failure(unit: Unit, id: str) -> int:
    """Record a failed attempt and delay the next one; return the number of attempts."""
    mine = INBOX.c.id == id
    attempts = int(unit.conn.execute(select(INBOX.c.attempts).where(mine)).scalar_one()) + 1
    again = unit.now + BACK_OFF[min(attempts, len(BACK_OFF)) - 1]
    unit.conn.execute(update(INBOX).where(mine).values(attempts=attempts, not_before=again))
    return attempts


def set_aside(unit: Unit, id: str, code: str) -> None:
    """Take a row out of the queue for good; log that with a code of ours, and count it.

    Its body stays sealed for somebody to look at.
    """
    log.error("row_set_aside", extra={"code": code})
    daily_counters.increment_counter(unit, "inbox", InboxStage.SET_ASIDE)
    aside = update(INBOX).values(stage=InboxStage.SET_ASIDE, ended_at=unit.now, not_before=None)
    unit.conn.execute(aside.where(INBOX.c.id == id))


def _chat_fingerprint(unit: Unit, channel: str, chat: str) -> str:
    return unit.fingerprint("inbox chat", channel, chat)


def _known_fingerprints(unit: Unit, fingerprints: list[str]) -> set[str]:
    known: set[str] = set()
    for start in range(0, len(fingerprints), _BATCH_SIZE):
        some = fingerprints[start : start + _BATCH_SIZE]
        query = select(INBOX.c.fingerprint).where(INBOX.c.fingerprint.in_(some))
        known.update(unit.conn.scalars(query))
    return known


def _row_values(unit: Unit, channel: str, arrival: Arrival, fingerprint: str) -> dict[str, object]:
    id = new_id()
    return {
        "id": id,
        "channel": channel,
        "fingerprint": fingerprint,
        "chat_fingerprint": _chat_fingerprint(unit, channel, arrival.chat),
        "body": unit.seal(_body_context(channel, id), dumps(arrival.body)),
        "received_at": unit.now,
        "stage": InboxStage.WAITING,
        "attempts": 0,
    }


def _due_rows() -> Select[Any]:
    earlier, now = INBOX.alias("earlier"), bindparam("now", type_=UtcDateTime)
    held_up = exists().where(
        earlier.c.chat_fingerprint == INBOX.c.chat_fingerprint,
        earlier.c.stage == InboxStage.WAITING,
        # Only a failed attempt sets this: until its retry is due, nothing of its chat overtakes it.
        # One further ahead was timed by a clock that has been put back since.
        earlier.c.not_before.between(now, bindparam("latest_retry", type_=UtcDateTime)),
        earlier.c.n <= INBOX.c.n,
    )
    return (
        select(
            *(INBOX.c.id, INBOX.c.channel, INBOX.c.chat_fingerprint),
            *(INBOX.c.body, INBOX.c.attempts, INBOX.c.received_at),
        )
        .where(_IS_WAITING, INBOX.c.channel.in_(bindparam("channels", expanding=True)), ~held_up)
        .order_by(INBOX.c.n)
        .limit(bindparam("limit"))
    )


_DUE = _due_rows()


def _insert_new() -> ReturningInsert[Any]:
    earlier = INBOX.alias("earlier")
    # Inside RETURNING, columns are rendered without their table: this names the inserted row's.
    own_chat: ColumnElement[str] = literal_column("inbox.chat_fingerprint")
    waits = exists().where(
        earlier.c.chat_fingerprint == own_chat, earlier.c.stage == InboxStage.WAITING
    )
    insert_once = upsert(INBOX).on_conflict_do_nothing(index_elements=["fingerprint"])
    return insert_once.returning(INBOX.c.fingerprint, waits.label("waits"))


_INSERT_NEW = _insert_new()


def _unseal_item(unit: Unit, row: AnyRow) -> InboxItem:
    body = loads_dict(unit.unseal(_body_context(row.channel, row.id), row.body or b""))
    return InboxItem(row.id, row.channel, row.chat_fingerprint, body, row.attempts, row.received_at)


def _body_context(channel: str, id: str) -> str:
    return f"inbox/{channel}/{id}/body"
