"""What must go out: put in the turn's own transaction, sent afterwards, in order within a chat."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    bindparam,
    delete,
    exists,
    insert,
    null,
    or_,
    select,
    update,
)
from sqlmodel import Session

from storage.chats.conversations import address_place
from storage.reports import daily_counters
from storage.serialization import Unreadable, read_dict, write
from storage.tables import CHAT, OUTBOX, AnyRow, Utc, new_id
from storage.vault import Vault, VaultError


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One thing to send; without a chat, `address` is empty. `tries` counts earlier ones."""

    id: str
    channel: str
    kind: str
    body: dict[str, Any]
    chat_id: str | None
    address: str
    tries: int
    put_at: datetime


@dataclass(frozen=True, slots=True)
class Stuck:
    """One thing that was not sent yet, or never will be unless somebody sends it again."""

    id: str
    body: dict[str, Any]
    tries: int
    why: str
    put_at: datetime


def put(
    conn: Connection,
    vault: Vault,
    channel: str,
    kind: str,
    body: dict[str, Any],
    now: datetime,
    chat_id: str | None = None,
    not_before: datetime | None = None,
) -> str:
    """Put something in line, from `not_before` on; return its id."""
    id = new_id()
    row = {
        "id": id,
        "chat_id": chat_id,
        "channel": channel,
        "kind": kind,
        "body": vault.seal(write(body), _place(chat_id, id)),
        "put_at": now,
        "not_before": not_before,
        "stage": "waiting",
        "tries": 0,
        "why": "",
    }
    conn.execute(insert(OUTBOX), row)
    return id


def ready(
    conn: Connection,
    vault: Vault,
    now: datetime,
    channels: Collection[str],
    limit: int = 50,
) -> list[Outgoing]:
    """Return what `channels` can send now, the oldest first and at most one a chat.

    A chat's later rows wait while an earlier one is due or to be tried again. Closed chats
    wait altogether. A row that cannot be opened is given up and the others go on.
    """
    asked = {"now": now, "channels": list(channels), "most": limit}
    rows = conn.execute(_DUE, asked).all()
    opened = [_opened(vault, row) for row in rows]
    for row, one in zip(rows, opened, strict=True):
        if one is None:
            give_up(conn, row.id, now)
    readable = [one for one in opened if one is not None]
    return readable if readable or not rows else ready(conn, vault, now, channels, limit)


def is_waiting(conn: Connection, mark: str, now: datetime) -> bool:
    """Return whether anything could go out now to the chat whose address has this fingerprint."""
    due = or_(OUTBOX.c.not_before.is_(None), OUTBOX.c.not_before <= now)
    mine = (OUTBOX.c.chat_id == CHAT.c.id, CHAT.c.address_print == mark)
    return bool(
        conn.execute(select(exists().where(*mine, OUTBOX.c.stage == "waiting", due))).scalar()
    )


def sent(conn: Connection, id: str, now: datetime) -> None:
    """Mark a row as sent and blank its body."""
    _end(conn, id, "sent", now)


def later(conn: Connection, id: str, not_before: datetime, why: str) -> None:
    """Try a row again from `not_before` on; `why` is a code, never words of a person."""
    again = update(OUTBOX).values(tries=OUTBOX.c.tries + 1, not_before=not_before, why=why)
    conn.execute(again.where(OUTBOX.c.id == id))


def put_off(conn: Connection, id: str, not_before: datetime) -> None:
    """Let a row wait until `not_before`; it was not tried, and later rows need not wait for it."""
    conn.execute(update(OUTBOX).where(OUTBOX.c.id == id).values(not_before=not_before))


def withhold(conn: Connection, id: str, now: datetime) -> None:
    """Never send a row that may not go any more; blank its body and count it."""
    if _end(conn, id, "withheld", now):
        daily_counters.add(conn, now.date(), "outbox", "withheld")


def waiting_in(conn: Connection, vault: Vault, chat_id: str) -> list[Outgoing]:
    """Return what waits to be sent to a chat, now or later, the oldest first."""
    query = (
        select(OUTBOX, CHAT.c.address)
        .join(CHAT, CHAT.c.id == OUTBOX.c.chat_id)
        .where(OUTBOX.c.chat_id == chat_id, OUTBOX.c.stage == "waiting")
        .order_by(OUTBOX.c.n)
    )
    opened = [_opened(vault, row) for row in conn.execute(query).all()]
    return [one for one in opened if one is not None]


def give_up(conn: Connection, id: str, now: datetime) -> None:
    """Stop trying a row, blank its body and count it."""
    if _end(conn, id, "given_up", now):
        daily_counters.add(conn, now.date(), "outbox", "given_up")


def died(conn: Connection, id: str, now: datetime, why: str) -> None:
    """Stop trying a row, count it, and keep it where staff see it and can send it again."""
    mine = (OUTBOX.c.id == id, OUTBOX.c.stage == "waiting")
    dead_ = {"stage": "dead", "why": why, "tries": OUTBOX.c.tries + 1, "ended_at": now}
    if conn.execute(update(OUTBOX).where(*mine).values(dead_)).rowcount == 1:
        daily_counters.add(conn, now.date(), "outbox", "dead")


def again(conn: Connection, id: str, now: datetime) -> bool:
    """Put a dead row back in line, as if it were new; return whether there was one."""
    mine = (OUTBOX.c.id == id, OUTBOX.c.stage == "dead")
    fresh = {"stage": "waiting", "tries": 0, "why": "", "put_at": now}
    rest = {"not_before": None, "ended_at": None}
    return conn.execute(update(OUTBOX).where(*mine).values({**fresh, **rest})).rowcount == 1


def dead(session: Session, vault: Vault, channel: str) -> list[Stuck]:
    """Return what a channel never got rid of, the oldest first."""
    return _stuck(session, vault, channel, "dead")


def waiting(session: Session, vault: Vault, channel: str) -> list[Stuck]:
    """Return what a channel has still to send, the oldest first."""
    return _stuck(session, vault, channel, "waiting")


def _stuck(session: Session, vault: Vault, channel: str, stage: str) -> list[Stuck]:
    mine = (OUTBOX.c.channel == channel, OUTBOX.c.stage == stage, OUTBOX.c.chat_id.is_(None))
    query = select(OUTBOX, null().label("address")).where(*mine).order_by(OUTBOX.c.n).limit(200)
    rows = session.connection().execute(query).all()
    opened = ((row, _opened(vault, row)) for row in rows)
    return [Stuck(row.id, one.body, row.tries, row.why, row.put_at) for row, one in opened if one]


def drop_chat(conn: Connection, chat_id: str) -> None:
    """Delete everything not yet sent to a chat."""
    unsent = (OUTBOX.c.chat_id == chat_id, OUTBOX.c.stage == "waiting")
    conn.execute(delete(OUTBOX).where(*unsent))


def _end(conn: Connection, id: str, stage: str, now: datetime) -> bool:
    mine = (OUTBOX.c.id == id, OUTBOX.c.stage == "waiting")
    ended = update(OUTBOX).where(*mine).values(stage=stage, body=None, ended_at=now)
    return conn.execute(ended).rowcount == 1


def _due_rows() -> Select[Any]:
    earlier, now = OUTBOX.alias("earlier"), bindparam("now", type_=Utc)
    before_it = exists().where(
        earlier.c.chat_id == OUTBOX.c.chat_id,
        earlier.c.stage == "waiting",
        earlier.c.n < OUTBOX.c.n,
        or_(earlier.c.not_before.is_(None), earlier.c.not_before <= now, earlier.c.tries > 0),
    )
    return (
        select(OUTBOX, CHAT.c.address)
        .outerjoin(CHAT, CHAT.c.id == OUTBOX.c.chat_id)
        .where(
            OUTBOX.c.stage == "waiting",
            or_(OUTBOX.c.not_before.is_(None), OUTBOX.c.not_before <= now),
            OUTBOX.c.channel.in_(bindparam("channels", expanding=True)),
            CHAT.c.closed_at.is_(None),
            ~before_it,
        )
        .order_by(OUTBOX.c.n)
        .limit(bindparam("most"))
    )


_DUE = _due_rows()


def _opened(vault: Vault, row: AnyRow) -> Outgoing | None:
    try:
        body = read_dict(vault.unseal(row.body or b"", _place(row.chat_id, row.id)))
        address = row.address and vault.unseal(row.address, address_place(row.chat_id))
    except (VaultError, Unreadable):
        return None
    return Outgoing(
        row.id, row.channel, row.kind, body, row.chat_id, address or "", row.tries, row.put_at
    )


def _place(chat_id: str | None, id: str) -> str:
    return f"outbox/{chat_id}/{id}/body"
