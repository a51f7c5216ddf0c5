"""Partner officers: invited with a single-use code, remembered for a chat, forgotten in time."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from flows.conversation import Officer
from storage import tables
from storage.chats.conversations import officer_context
from storage.serialization import dumps, loads
from storage.tables import INVITATION, OFFICER, new_id
from storage.vault import Vault

INVITATION_HOURS = 24


@dataclass(frozen=True, slots=True)
class StoredOfficer:
    """An officer as remembered for one chat."""

    chat_id: str
    officer: Officer
    seen_at: datetime


def invite_officer(
    conn: Connection,
    vault: Vault,
    officer: Officer,
    now: datetime,
    hours: int = INVITATION_HOURS,
) -> str:
    """Return a code of 32 characters that makes one chat this officer's, within `hours`."""
    code, id = secrets.token_urlsafe(24), new_id()
    row = {
        "id": id,
        "code_print": _code_fingerprint(vault, code),
        "body": vault.seal(dumps(replace(officer, verified=True)), _invitation_context(id)),
        "expires_at": now + timedelta(hours=hours),
    }
    conn.execute(insert(INVITATION), row)
    return code


def is_officer_invitation_valid(session: Session, vault: Vault, code: str, now: datetime) -> bool:
    """Return whether an invitation would still be good; it is not used up by this."""
    good = select(INVITATION.c.id).where(
        INVITATION.c.code_print == _code_fingerprint(vault, code),
        INVITATION.c.used_at.is_(None),
        INVITATION.c.expires_at > now,
    )
    return session.connection().execute(good).first() is not None


def redeem_officer_invitation(
    conn: Connection, vault: Vault, code: str, now: datetime
) -> Officer | None:
    """Use an invitation up and return its officer, verified.

    An unknown, used or expired code gives None, after the same work. Remember the officer
    for the chat once the chat itself is remembered.
    """
    mine = INVITATION.c.code_print == _code_fingerprint(vault, code)
    unused = (mine, INVITATION.c.used_at.is_(None), INVITATION.c.expires_at > now)
    used = conn.execute(update(INVITATION).where(*unused).values(used_at=now)).rowcount
    row = conn.execute(select(INVITATION.c.id, INVITATION.c.body).where(mine)).first()
    spent = (mine, INVITATION.c.used_at.is_not(None))
    conn.execute(update(INVITATION).where(*spent).values(body=None))
    if used != 1 or row is None:
        return None
    return loads(Officer, vault.unseal(row.body, _invitation_context(row.id)))


def save_officer(
    conn: Connection, vault: Vault, chat_id: str, officer: Officer, now: datetime
) -> None:
    """Keep the officer's own details for the chat, in place of any kept before."""
    body = vault.seal(dumps(officer), officer_context(chat_id))
    kept = update(OFFICER).where(OFFICER.c.chat_id == chat_id).values(body=body, seen_at=now)
    if conn.execute(kept).rowcount == 0:
        row = {"id": new_id(), "chat_id": chat_id, "body": body, "seen_at": now}
        conn.execute(insert(OFFICER), row)


def revoke_officer(conn: Connection, chat_id: str) -> bool:
    """Forget the officer of a chat; return whether there was one."""
    return conn.execute(delete(OFFICER).where(OFFICER.c.chat_id == chat_id)).rowcount == 1


def revoke_officer_invitations(conn: Connection) -> int:
    """End every invitation not used yet; return how many there were."""
    return conn.execute(delete(INVITATION).where(INVITATION.c.used_at.is_(None))).rowcount


def list_officers(session: Session, vault: Vault) -> list[StoredOfficer]:
    """Return every officer remembered, the last seen first."""
    rows = session.exec(rows_of(tables.OfficerRow).order_by(col(tables.OfficerRow.seen_at).desc()))
    return [StoredOfficer(row.chat_id, _unseal_officer(vault, row), row.seen_at) for row in rows]


def _unseal_officer(vault: Vault, row: tables.OfficerRow) -> Officer:
    return loads(Officer, vault.unseal(row.body, officer_context(row.chat_id)))


def _code_fingerprint(vault: Vault, code: str) -> str:
    return vault.fingerprint(dumps(["invitation", code]))


def _invitation_context(id: str) -> str:
    return f"invitation/{id}/body"
