"""Tokens for other systems: shown once, kept as a fingerprint, ended at once."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update
from sqlmodel import Session

from storage.serialization import write
from storage.tables import AnyRow, new_id
from storage.vault import Vault
from storage.web_tables import API_KEY

SCOPES = ("read:queue", "read:records", "write:steps")
"""What a token may be for: the queue, what people said, and recording what was done."""
_K = API_KEY.c
_START = "rj_"


@dataclass(frozen=True, slots=True)
class Key:
    """One token as it is listed; `used_at` is the start of the day it was last used."""

    id: str
    name: str
    scopes: tuple[str, ...]
    made_by: str
    made_at: datetime
    used_at: datetime | None
    ended_at: datetime | None


class NameTaken(ValueError):
    """Another token that still works has this name."""


def make(
    conn: Connection, vault: Vault, name: str, scopes: tuple[str, ...], who: str, now: datetime
) -> str:
    """Make a token; return it, for it is told this once only. Raises NameTaken."""
    if conn.execute(select(_K.id).where(_K.name == name, _K.ended_at.is_(None))).first():
        raise NameTaken(name)
    token = _START + secrets.token_urlsafe(32)
    row = {"id": new_id(), "name": name, "token_print": _print(vault, token)}
    conn.execute(
        insert(API_KEY), {**row, "scopes": " ".join(scopes), "made_by": who, "made_at": now}
    )
    return token


def whose(conn: Connection, vault: Vault, token: str, now: datetime) -> Key | None:
    """Return the key that a token belongs to, and note the day; None once it has ended."""
    mine = (_K.token_print == _print(vault, token), _K.ended_at.is_(None))
    row = conn.execute(select(API_KEY).where(*mine)).first()
    if row is None:
        return None
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if row.used_at is None or row.used_at < today:
        conn.execute(update(API_KEY).where(_K.id == row.id).values(used_at=today))
    return _key(row)


def end(conn: Connection, id: str, now: datetime) -> str | None:
    """End a token; return its name, None when there was none to end."""
    mine = (_K.id == id, _K.ended_at.is_(None))
    name = conn.scalars(select(_K.name).where(*mine)).first()
    conn.execute(update(API_KEY).where(*mine).values(ended_at=now))
    return name


def listed(session: Session) -> list[Key]:
    """Return every token ever made, the newest first."""
    rows = session.connection().execute(select(API_KEY).order_by(_K.made_at.desc(), _K.id))
    return [_key(row) for row in rows]


def _key(row: AnyRow) -> Key:
    scopes = tuple(row.scopes.split())
    return Key(row.id, row.name, scopes, row.made_by, row.made_at, row.used_at, row.ended_at)


def _print(vault: Vault, token: str) -> str:
    return vault.fingerprint(write(["api-key", token[:200]]))
