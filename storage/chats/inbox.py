"""What came in and is not yet handled: saved first, answered later, in order within a chat."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, bindparam, exists, insert, select, update

from storage.serialization import Unreadable, read_dict, write
from storage.tables import INBOX, AnyRow, Utc, new_id
from storage.vault import Vault, VaultError

BACK_OFF = (timedelta(seconds=1), timedelta(seconds=5))
_SEVERAL = 200


@dataclass(frozen=True, slots=True)
class Arrival:
    """One thing that came in: the channel's key for it, its chat, and its raw body."""

    key: str
    chat: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Waiting:
    """One row to handle; `chat` marks those that belong together, `attempts` counts failures."""

    id: str
    channel: str
    chat: str
    body: dict[str, Any]
    attempts: int


def keep(
    conn: Connection, vault: Vault, channel: str, arrivals: Iterable[Arrival], now: datetime
) -> int:
    """Keep what is new and return how many that were; what came before is passed over."""
    printed = {_print(vault, channel, arrival): arrival for arrival in arrivals}
    known = _known(conn, list(printed))
    rows = [_row(vault, channel, printed[mark], mark, now) for mark in printed if mark not in known]
    if rows:
        conn.execute(insert(INBOX), rows)
    return len(rows)


def waiting(
    conn: Connection,
    vault: Vault,
    now: datetime,
    channels: Collection[str],
    limit: int = 100,
) -> list[Waiting]:
    """Return what came in by `channels` and can be handled now, the oldest first.

    While a row waits to be tried again, the later ones of its chat wait too. A row that
    cannot be opened is set aside and the others go on.
    """
    asked = {"now": now, "channels": list(channels), "most": limit}
    rows = conn.execute(_DUE, asked).all()
    opened = [_opened(vault, row) for row in rows]
    for row, one in zip(rows, opened, strict=True):
        if one is None:
            set_aside(conn, row.id, now)
    readable = [one for one in opened if one is not None]
    return readable if readable or not rows else waiting(conn, vault, now, channels, limit)


def is_waiting(conn: Connection, vault: Vault, channel: str, chat: str) -> bool:
    """Return whether anything that came in from a chat is not answered yet."""
    mine = INBOX.c.chat_print == _chat_print(vault, channel, chat)
    return bool(conn.execute(select(exists().where(mine, INBOX.c.stage == "waiting"))).scalar())


def done(conn: Connection, ids: Sequence[str], now: datetime) -> None:
    """Mark rows as handled and blank their bodies; the fingerprints stay."""
    ended = update(INBOX).values(stage="done", body=None, ended_at=now, not_before=None)
    for start in range(0, len(ids), _SEVERAL):
        conn.execute(ended.where(INBOX.c.id.in_(ids[start : start + _SEVERAL])))


def failed(conn: Connection, id: str, now: datetime) -> int:
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


def _print(vault: Vault, channel: str, arrival: Arrival) -> str:
    return vault.fingerprint(write(["inbox", channel, arrival.key, arrival.body]))


def _chat_print(vault: Vault, channel: str, chat: str) -> str:
    return vault.fingerprint(write(["inbox chat", channel, chat]))


def _known(conn: Connection, prints: list[str]) -> set[str]:
    known: set[str] = set()
    for start in range(0, len(prints), _SEVERAL):
        some = prints[start : start + _SEVERAL]
        known.update(conn.scalars(select(INBOX.c.print).where(INBOX.c.print.in_(some))))
    return known


def _row(
    vault: Vault, channel: str, arrival: Arrival, mark: str, now: datetime
) -> dict[str, object]:
    id = new_id()
    return {
        "id": id,
        "channel": channel,
        "print": mark,
        "chat_print": _chat_print(vault, channel, arrival.chat),
        "body": vault.seal(write(arrival.body), _place(channel, id)),
        "received_at": now,
        "stage": "waiting",
        "attempts": 0,
    }


def _due_rows() -> Select[Any]:
    earlier, now = INBOX.alias("earlier"), bindparam("now", type_=Utc)
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


def _opened(vault: Vault, row: AnyRow) -> Waiting | None:
    try:
        body = read_dict(vault.unseal(row.body or b"", _place(row.channel, row.id)))
    except (VaultError, Unreadable):
        return None
    return Waiting(row.id, row.channel, row.chat_print, body, row.attempts)


def _place(channel: str, id: str) -> str:
    return f"inbox/{channel}/{id}/body"
