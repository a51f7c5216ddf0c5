"""When time was last swept: so that somebody is told when that stops."""

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from storage.tables import MARK
from storage.vault import Vault, VaultError

_MARK = "swept"


def beat(conn: Connection, vault: Vault, now: datetime) -> None:
    """Note that time was swept at `now` (aware)."""
    body = vault.seal(now.isoformat(), _MARK)
    if not conn.execute(update(MARK).where(MARK.c.id == _MARK).values(body=body)).rowcount:
        conn.execute(insert(MARK), {"id": _MARK, "body": body})


def last(conn: Connection, vault: Vault) -> datetime | None:
    """Return when time was last swept (aware); None when it never was."""
    body = conn.scalars(select(MARK.c.body).where(MARK.c.id == _MARK)).first()
    if body is None:
        return None
    try:
        return datetime.fromisoformat(vault.unseal(body, _MARK))
    except VaultError:
        return None
