"""Tokens for other systems: shown once, kept as a fingerprint, ended at once."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from storage.tables import AnyRow, new_id
from storage.unit import Unit
from storage.web_tables import API_KEY

SCOPES = ("read:queue", "read:records", "write:steps")
"""What a token may be for: the queue, what people said, and recording what was done."""
_K = API_KEY.c
_TOKEN_PREFIX = "rj_"  # noqa: S105


@dataclass(frozen=True, slots=True)
class ApiKeyInfo:
    """One token as it is listed; `last_used_at` is the start of the day it was last used."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_by: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class ApiKeyNameTaken(ValueError):
    """Another token that still works has this name."""


def issue_api_key(unit: Unit, name: str, scopes: tuple[str, ...], actor: str) -> str:
    """Make a token; return it, for it is shown this once only. Raises ApiKeyNameTaken."""
    if unit.conn.execute(select(_K.id).where(_K.name == name, _K.revoked_at.is_(None))).first():
        raise ApiKeyNameTaken(name)
    token = _TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = {"id": new_id(), "name": name, "token_fingerprint": _token_fingerprint(unit, token)}
    unit.conn.execute(
        insert(API_KEY),
        {**row, "scopes": " ".join(scopes), "created_by": actor, "created_at": unit.now},
    )
    return token


def authenticate_api_key(unit: Unit, token: str) -> ApiKeyInfo | None:
    """Return the key that a token belongs to, and note the day; None once it has ended."""
    mine = (_K.token_fingerprint == _token_fingerprint(unit, token), _K.revoked_at.is_(None))
    row = unit.conn.execute(select(API_KEY).where(*mine)).first()
    if row is None:
        return None
    today = unit.now.replace(hour=0, minute=0, second=0, microsecond=0)
    if row.last_used_at is None or row.last_used_at < today:
        unit.conn.execute(update(API_KEY).where(_K.id == row.id).values(last_used_at=today))
    return _info_from_row(row)


def revoke_api_key(unit: Unit, id: str) -> str | None:
    """End a token; return its name, None when there was none to end."""
    mine = (_K.id == id, _K.revoked_at.is_(None))
    name = unit.conn.scalars(select(_K.name).where(*mine)).first()
    unit.conn.execute(update(API_KEY).where(*mine).values(revoked_at=unit.now))
    return name


def list_api_keys(unit: Unit) -> list[ApiKeyInfo]:
    """Return every token ever made, the newest first."""
    rows = unit.conn.execute(select(API_KEY).order_by(_K.created_at.desc(), _K.id))
    return [_info_from_row(row) for row in rows]


def _info_from_row(row: AnyRow) -> ApiKeyInfo:
    scopes = tuple(row.scopes.split())
    return ApiKeyInfo(
        row.id, row.name, scopes, row.created_by, row.created_at, row.last_used_at, row.revoked_at
    )


def _token_fingerprint(unit: Unit, token: str) -> str:
    return unit.fingerprint("api-key", token[:200])
