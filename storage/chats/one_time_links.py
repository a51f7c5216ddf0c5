"""One-time links and codes: made for one chat, good for a while, used once."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlmodel import Session

from storage.chats.conversations import address_print
from storage.serialization import read_dict, write
from storage.tables import AnyRow, new_id
from storage.vault import Vault
from storage.web_tables import LINK

CODE_MAX = 200


@dataclass(frozen=True, slots=True)
class Used:
    """What a link that was just used up was made for: whose chat, and what it carried."""

    channel: str
    address: str
    body: dict[str, Any]


def make(
    conn: Connection,
    vault: Vault,
    kind: str,
    channel: str,
    address: str,
    now: datetime,
    minutes: int,
    body: dict[str, Any] | None = None,
    code: str | None = None,
) -> str:
    """Return a code of 32 characters, good once within `minutes`, for the chat at `address`.

    `code` is one that the caller drew. Raises IntegrityError when it is in use already.
    """
    drawn, id = code or secrets.token_urlsafe(24), new_id()
    row = {
        "id": id,
        "code_print": _print(vault, kind, drawn),
        "kind": kind,
        "channel": channel,
        "address_print": address_print(vault, channel, address),
        "body": vault.seal(write({"address": address, "body": body or {}}), _place(id)),
        "made_at": now,
        "expires_at": now + timedelta(minutes=minutes),
    }
    conn.execute(insert(LINK), row)
    return drawn


def look(session: Session, vault: Vault, kind: str, code: str, now: datetime) -> bool:
    """Return whether a code would still be good; it is not used up by this."""
    good = select(LINK.c.id).where(*_good(vault, kind, code, now))
    return session.connection().execute(good).first() is not None


def peek(session: Session, vault: Vault, kind: str, code: str, now: datetime) -> Used | None:
    """Return what a code was made for while it is good; it is not used up by this."""
    good = select(LINK).where(*_good(vault, kind, code, now))
    row = session.connection().execute(good).first()
    return _opened(vault, row) if row else None


def use(conn: Connection, vault: Vault, kind: str, code: str, now: datetime) -> Used | None:
    """Use a code up and return what it was made for.

    A foreign, used or expired code gives None, after the same work.
    """
    used = conn.execute(update(LINK).where(*_good(vault, kind, code, now)).values(used_at=now))
    mine = LINK.c.code_print == _print(vault, kind, code)
    row = conn.execute(select(LINK.c.id, LINK.c.channel, LINK.c.body).where(mine)).first()
    conn.execute(update(LINK).where(mine, LINK.c.used_at.is_not(None)).values(body=None))
    if used.rowcount != 1 or row is None:
        return None
    return _opened(vault, row)


def _opened(vault: Vault, row: AnyRow) -> Used:
    kept = read_dict(vault.unseal(row.body, _place(row.id)))
    return Used(row.channel, kept["address"], kept["body"])


def _good(vault: Vault, kind: str, code: str, now: datetime) -> tuple[Any, ...]:
    mine = LINK.c.code_print == _print(vault, kind, code)
    return (mine, LINK.c.used_at.is_(None), LINK.c.expires_at > now)


def _print(vault: Vault, kind: str, code: str) -> str:
    return vault.fingerprint(write(["link", kind, code[:CODE_MAX]]))


def _place(id: str) -> str:
    return f"link/{id}/body"
