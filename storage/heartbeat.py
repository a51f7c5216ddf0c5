"""When the sweep last ran, so that somebody is told when it stops."""

from datetime import datetime

from sqlalchemy import insert, select, update

from storage.tables import SYSTEM_STATE
from storage.unit import Unit
from storage.vault import VaultError

_ROW_ID = "swept"


def record(unit: Unit) -> None:
    """Record a sweep at the time of this transaction."""
    body = unit.seal(_ROW_ID, unit.now.isoformat())
    if not unit.changed(update(SYSTEM_STATE).where(SYSTEM_STATE.c.id == _ROW_ID).values(body=body)):
        unit.conn.execute(insert(SYSTEM_STATE), {"id": _ROW_ID, "body": body})


def last_seen(unit: Unit) -> datetime | None:
    """Return when the sweep last ran (aware); None when it never did."""
    body = unit.conn.scalar(select(SYSTEM_STATE.c.body).where(SYSTEM_STATE.c.id == _ROW_ID))
    try:
        return datetime.fromisoformat(unit.unseal(_ROW_ID, body)) if body else None
    except VaultError:
        return None
