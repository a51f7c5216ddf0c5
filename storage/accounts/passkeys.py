"""The passkeys of staff: their ids and public keys are sealed, their counts only ever go up."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from storage.serialization import read_dict, write
from storage.tables import new_id
from storage.vault import Vault
from storage.web_tables import PASSKEY, STAFF, Passkey


@dataclass(frozen=True, slots=True)
class Listed:
    """One passkey as its owner sees it."""

    id: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """What a passkey's answer is checked against, and whose it is."""

    id: str
    staff_id: str
    name: str
    public_key: str
    uses: int


def add(
    conn: Connection,
    vault: Vault,
    staff_id: str,
    credential: str,
    public_key: str,
    uses: int,
    now: datetime,
) -> None:
    """Keep a passkey; raise IntegrityError when it is kept already. Both texts are base64url."""
    id = new_id()
    body = vault.seal(write({"credential": credential, "key": public_key}), _place(id))
    row = {"id": id, "staff_id": staff_id, "credential_print": _print(vault, credential)}
    conn.execute(insert(PASSKEY), {**row, "body": body, "uses": uses, "added_at": now})


def find(session: Session, vault: Vault, credential: str) -> Kept | None:
    """Return the passkey of this id, if its owner may sign in."""
    query = (
        select(PASSKEY, STAFF.c.name)
        .join(STAFF, STAFF.c.id == PASSKEY.c.staff_id)
        .where(
            PASSKEY.c.credential_print == _print(vault, credential),
            STAFF.c.joined_at.is_not(None),
            STAFF.c.disabled_at.is_(None),
        )
    )
    row = session.connection().execute(query).first()
    if row is None:
        return None
    body = read_dict(vault.unseal(row.body, _place(row.id)))
    return Kept(row.id, row.staff_id, row.name, body["key"], row.uses)


def used(conn: Connection, id: str, before: int, after: int) -> bool:
    """Note the count that a passkey gave; False when somebody else noted one meanwhile."""
    same = (PASSKEY.c.id == id, PASSKEY.c.uses == before)
    return conn.execute(update(PASSKEY).where(*same).values(uses=after)).rowcount == 1


def listed(session: Session, staff_id: str) -> list[Listed]:
    """Return the passkeys of a member of staff, the oldest first."""
    query = rows_of(Passkey).where(Passkey.staff_id == staff_id).order_by(col(Passkey.added_at))
    return [Listed(row.id, row.added_at) for row in session.exec(query)]


def credentials(session: Session, vault: Vault, staff_id: str) -> list[str]:
    """Return the ids of somebody's passkeys, so that none is made twice on one device."""
    rows = session.exec(rows_of(Passkey).where(Passkey.staff_id == staff_id))
    return [str(read_dict(vault.unseal(row.body, _place(row.id)))["credential"]) for row in rows]


def remove(conn: Connection, staff_id: str, id: str) -> bool:
    """Forget one passkey of a member of staff; return whether it was there."""
    mine = (PASSKEY.c.id == id, PASSKEY.c.staff_id == staff_id)
    return conn.execute(delete(PASSKEY).where(*mine)).rowcount == 1


def _print(vault: Vault, credential: str) -> str:
    return vault.fingerprint(write(["passkey", credential[:2000]]))


def _place(id: str) -> str:
    return f"passkey/{id}/body"
