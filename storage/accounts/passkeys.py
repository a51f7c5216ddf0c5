"""The passkeys of staff: their ids and public keys are sealed, their sign counts only grow."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from storage.accounts.staff import IS_ACTIVE
from storage.serialization import dumps, loads_dict
from storage.tables import new_id
from storage.unit import Unit
from storage.web_tables import PASSKEY, STAFF


@dataclass(frozen=True, slots=True)
class PasskeySummary:
    """One passkey as its owner sees it."""

    id: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class StoredPasskey:
    """What an assertion is verified against, and whose passkey it is."""

    id: str
    staff_id: str
    name: str
    public_key: str
    sign_count: int


def add_passkey(
    unit: Unit, staff_id: str, credential_id: str, public_key: str, sign_count: int
) -> None:
    """Store a passkey; raise IntegrityError when it is stored already. Both are base64url."""
    id = new_id()
    body = unit.seal(_body_context(id), dumps({"credential": credential_id, "key": public_key}))
    mark = _credential_fingerprint(unit, credential_id)
    row = {"id": id, "staff_id": staff_id, "credential_fingerprint": mark, "body": body}
    unit.conn.execute(insert(PASSKEY), {**row, "sign_count": sign_count, "added_at": unit.now})


def find_passkey(unit: Unit, credential_id: str) -> StoredPasskey | None:
    """Return the passkey of this id, if its owner may sign in."""
    query = (
        select(PASSKEY, STAFF.c.name)
        .join(STAFF, STAFF.c.id == PASSKEY.c.staff_id)
        .where(
            PASSKEY.c.credential_fingerprint == _credential_fingerprint(unit, credential_id),
            *IS_ACTIVE,
        )
    )
    row = unit.first(query)
    if row is None:
        return None
    body = loads_dict(unit.unseal(_body_context(row.id), row.body))
    return StoredPasskey(row.id, row.staff_id, row.name, body["key"], row.sign_count)


def advance_sign_count(unit: Unit, id: str, expected: int, sign_count: int) -> bool:
    """Store the sign count a passkey gave (optimistic lock); False if it changed meanwhile."""
    same = (PASSKEY.c.id == id, PASSKEY.c.sign_count == expected)
    return unit.changed(update(PASSKEY).where(*same).values(sign_count=sign_count)) == 1


def list_passkeys(unit: Unit, staff_id: str) -> list[PasskeySummary]:
    """Return the passkeys of a member of staff, the oldest first."""
    query = select(PASSKEY).where(PASSKEY.c.staff_id == staff_id).order_by(PASSKEY.c.added_at)
    return [PasskeySummary(row.id, row.added_at) for row in unit.conn.execute(query)]


def credential_ids(unit: Unit, staff_id: str) -> list[str]:
    """Return the credential ids of an account, so that none is created twice on a device."""
    rows = unit.conn.execute(select(PASSKEY).where(PASSKEY.c.staff_id == staff_id))
    bodies = [loads_dict(unit.unseal(_body_context(row.id), row.body)) for row in rows]
    return [str(body["credential"]) for body in bodies]


def remove_passkey(unit: Unit, staff_id: str, id: str) -> bool:
    """Delete one passkey of a member of staff; return whether it was there."""
    mine = (PASSKEY.c.id == id, PASSKEY.c.staff_id == staff_id)
    return unit.changed(delete(PASSKEY).where(*mine)) == 1


def _credential_fingerprint(unit: Unit, credential_id: str) -> str:
    return unit.fingerprint("passkey", credential_id[:2000])


def _body_context(id: str) -> str:
    return f"passkey/{id}/body"
