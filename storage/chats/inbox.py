"""What came in and is not yet handled: saved first, answered later, in order within a chat."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, bindparam, exists, insert, select, update

from storage.serialization import DecodeError, dumps, loads_dict
from storage.tables import INBOX, AnyRow, UtcDateTime, new_id
from storage.vault import Vault, VaultError

BACK_OFF = (timedelta(seconds=1), timedelta(seconds=5))
_BATCH_SIZE = 200


@dataclass(frozen=True, slots=True)
class Arrival:
    """One thing that came in: the channel's key for it, its chat, and its raw body."""

    idempotency_key: str
    chat: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class InboxItem:
    """One row to handle; `chat` marks those that belong together, `attempts` counts failures."""

    id: str
    channel: str
    chat_fingerprint: str
    body: dict[str, Any]
    attempts: int


def enqueue_arrivals(
    conn: Connection, vault: Vault, channel: str, arrivals: Iterable[Arrival], now: datetime
) -> int:
    """Keep what is new and return how many that were; what came before is passed over."""
    printed = {_arrival_fingerprint(vault, channel, arrival): arrival for arrival in arrivals}
    known = _known_fingerprints(conn, list(printed))
    rows = [
        _row_values(vault, channel, printed[mark], mark, now)
        for mark in printed
        if mark not in known
    ]
    if rows:
        conn.execute(insert(INBOX), rows)
    return len(rows)


def due_inbox_items(
    conn: Connection,
    vault: Vault,
    now: datetime,
    channels: Collection[str],
    limit: int = 100,
) -> list[InboxItem]:
    """Return what came in by `channels` and can be handled now, the oldest first.

    While a row waits to be tried again, the later ones of its chat wait too. A row that
    cannot be opened is set aside and the others go on.
    """
    asked = {"now": now, "channels": list(channels), "most": limit}
    rows = conn.execute(_DUE, asked).all()
    opened = [_unseal_item(vault, row) for row in rows]
    for row, one in zip(rows, opened, strict=True):
        if one is None:
            set_aside(conn, row.id, now)
    readable = [one for one in opened if one is not None]
    return readable if readable or not rows else due_inbox_items(conn, vault, now, channels, limit)


def has_unanswered_input(conn: Connection, vault: Vault, channel: str, chat: str) -> bool:
    """Return whether anything that came in from a chat is not answered yet."""
    mine = INBOX.c.chat_print == _chat_fingerprint(vault, channel, chat)
    return bool(conn.execute(select(exists().where(mine, INBOX.c.stage == "waiting"))).scalar())


def mark_answered(conn: Connection, ids: Sequence[str], now: datetime) -> None:
    """Mark rows as handled and blank their bodies; the fingerprints stay."""
    ended = update(INBOX).values(stage="done", body=None, ended_at=now, not_before=None)
    for start in range(0, len(ids), _BATCH_SIZE):
        conn.execute(ended.where(INBOX.c.id.in_(ids[start : start + _BATCH_SIZE])))


def record_failure(conn: Connection, id: str, now: datetime) -> int:
    """Note that handling a row failed; return how often it has. It waits a little."""
    mine = INBOX.c.id == id
    attempts = int(conn.execute(select(INBOX.c.attempts).where(mine)).scalar_one()) + 1
    again = now + BACK_OFF[min(attempts, len(BACK_OFF)) - 1]
    conn.execute(update(INBOX).where(mine).values(attempts=attempts, not_before=again))
    return attempts


def set_aside(conn: Connection, id: str, now: datetime) -> None:
    """Take a row out of the line for good; its body stays sealed for somebody to look at."""
    aside = update(INBOX).values(stage="set_aside", ended_at=now, not_before=None)
    conn.execute(aside.where(INBOX.c.id == id))


def _arrival_fingerprint(vault: Vault, channel: str, arrival: Arrival) -> str:
    return vault.fingerprint(dumps(["inbox", channel, arrival.idempotency_key, arrival.body]))


def _chat_fingerprint(vault: Vault, channel: str, chat: str) -> str:
    return vault.fingerprint(dumps(["inbox chat", channel, chat]))


def _known_fingerprints(conn: Connection, fingerprints: list[str]) -> set[str]:
    known: set[str] = set()
    for start in range(0, len(fingerprints), _BATCH_SIZE):
        some = fingerprints[start : start + _BATCH_SIZE]
        known.update(conn.scalars(select(INBOX.c.print).where(INBOX.c.print.in_(some))))
    return known


def _row_values(
    vault: Vault, channel: str, arrival: Arrival, fingerprint: str, now: datetime
) -> dict[str, object]:
    id = new_id()
    return {
        "id": id,
        "channel": channel,
        "print": fingerprint,
        "chat_print": _chat_fingerprint(vault, channel, arrival.chat),
        "body": vault.seal(dumps(arrival.body), _body_context(channel, id)),
        "received_at": now,
        "stage": "waiting",
        "attempts": 0,
    }


def _due_rows() -> Select[Any]:
    earlier, now = INBOX.alias("earlier"), bindparam("now", type_=UtcDateTime)
    held_up = exists().where(
        earlier.c.chat_print == INBOX.c.chat_print,
        earlier.c.stage == "waiting",
        earlier.c.not_before > now,
        earlier.c.n <= INBOX.c.n,
    )
    return (
        select(INBOX.c.id, INBOX.c.channel, INBOX.c.chat_print, INBOX.c.body, INBOX.c.attempts)
        .where(
            INBOX.c.stage == "waiting",
            INBOX.c.channel.in_(bindparam("channels", expanding=True)),
            ~held_up,
        )
        .order_by(INBOX.c.n)
        .limit(bindparam("most"))
    )


_DUE = _due_rows()


def _unseal_item(vault: Vault, row: AnyRow) -> InboxItem | None:
    try:
        body = loads_dict(vault.unseal(row.body or b"", _body_context(row.channel, row.id)))
    except (VaultError, DecodeError):
        return None
    return InboxItem(row.id, row.channel, row.chat_print, body, row.attempts)


def _body_context(channel: str, id: str) -> str:
    return f"inbox/{channel}/{id}/body"
