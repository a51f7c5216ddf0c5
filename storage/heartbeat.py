"""When time was last swept: so that somebody is told when that stops."""

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from storage.tables import SYSTEM_STATE
from storage.vault import Vault, VaultError

_ROW_ID = "swept"


def record(conn: Connection, vault: Vault, now: datetime) -> None:
    """Note that time was swept at `now` (aware)."""
    body = vault.seal(now.isoformat(), _ROW_ID)
    if not conn.execute(
        update(SYSTEM_STATE).where(SYSTEM_STATE.c.id == _ROW_ID).values(body=body)
    ).rowcount:
        conn.execute(insert(SYSTEM_STATE), {"id": _ROW_ID, "body": body})


def last_seen(conn: Connection, vault: Vault) -> datetime | None:
    """Return when time was last swept (aware); None when it never was."""
    body = conn.scalars(select(SYSTEM_STATE.c.body).where(SYSTEM_STATE.c.id == _ROW_ID)).first()
    if body is None:
        return None
    try:
        return datetime.fromisoformat(vault.unseal(body, _ROW_ID))
    except VaultError:
        return None
