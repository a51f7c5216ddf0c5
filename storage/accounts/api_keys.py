"""API keys of other systems: shown once, stored as a fingerprint, revocable at once."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from storage.row_mapping import from_row
from storage.tables import AnyRow, new_id
from storage.unit import Unit
from storage.web_tables import API_KEY

SCOPES = ("read:queue", "read:records", "write:steps")
"""What a key may be used for: the queue, records, and recording steps."""
_K = API_KEY.c
_TOKEN_PREFIX = "rj_"  # noqa: S105


@dataclass(frozen=True, slots=True)
class ApiKeyInfo:
    """One API key as it is listed; `last_used_at` is the start of the day of its last use."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_by: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class ApiKeyNameTaken(ValueError):
    """Another API key that is not revoked has this name."""


def issue_api_key(unit: Unit, name: str, scopes: tuple[str, ...], actor: str) -> str:
    """Create an API key; return its token, which is not stored. Raises ApiKeyNameTaken."""
    if unit.first(select(_K.id).where(_K.name == name, _K.revoked_at.is_(None))):
        raise ApiKeyNameTaken(name)
    token = _TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = {"id": new_id(), "name": name, "token_fingerprint": _token_fingerprint(unit, token)}
    made = {"scopes": " ".join(scopes), "created_by": actor, "created_at": unit.now}
    unit.conn.execute(insert(API_KEY), {**row, **made})
    return token


def authenticate_api_key(unit: Unit, token: str) -> ApiKeyInfo | None:
    """Return the key of a token, and record the day of use; None once it is revoked."""
    mine = (_K.token_fingerprint == _token_fingerprint(unit, token), _K.revoked_at.is_(None))
    row = unit.first(select(API_KEY).where(*mine))
    if row is None:
        return None
    today = unit.now.replace(hour=0, minute=0, second=0, microsecond=0)
    if row.last_used_at is None or row.last_used_at < today:
        unit.conn.execute(update(API_KEY).where(_K.id == row.id).values(last_used_at=today))
    return _info_from_row(row)


def revoke_api_key(unit: Unit, id: str) -> str | None:
    """Revoke an API key; return its name, None when there was none to revoke."""
    mine = (_K.id == id, _K.revoked_at.is_(None))
    name = unit.conn.scalars(select(_K.name).where(*mine)).first()
    unit.conn.execute(update(API_KEY).where(*mine).values(revoked_at=unit.now))
    return name


def list_api_keys(unit: Unit) -> list[ApiKeyInfo]:
    """Return every API key ever created, the newest first."""
    rows = unit.conn.execute(select(API_KEY).order_by(_K.created_at.desc(), _K.id))
    return [_info_from_row(row) for row in rows]


def _info_from_row(row: AnyRow) -> ApiKeyInfo:
    return from_row(ApiKeyInfo, row, scopes=tuple(row.scopes.split()))


def _token_fingerprint(unit: Unit, token: str) -> str:
    return unit.fingerprint("api-key", token[:200])
