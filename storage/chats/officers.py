"""Partner officers: invited with a single-use code, remembered for a chat, forgotten in time."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from flows.conversation import Officer
from storage import tables
from storage.chats.conversations import officer_place
from storage.serialization import read, write
from storage.tables import INVITATION, OFFICER, new_id
from storage.vault import Vault

INVITATION_HOURS = 24


@dataclass(frozen=True, slots=True)
class Known:
    """An officer as remembered for one chat."""

    chat_id: str
    officer: Officer
    seen_at: datetime


def invite(
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
        "code_print": _print(vault, code),
        "body": vault.seal(write(replace(officer, verified=True)), _place(id)),
        "expires_at": now + timedelta(hours=hours),
    }
    conn.execute(insert(INVITATION), row)
    return code


def is_open(session: Session, vault: Vault, code: str, now: datetime) -> bool:
    """Return whether an invitation would still be good; it is not used up by this."""
    good = select(INVITATION.c.id).where(
        INVITATION.c.code_print == _print(vault, code),
        INVITATION.c.used_at.is_(None),
        INVITATION.c.expires_at > now,
    )
    return session.connection().execute(good).first() is not None


def redeem(conn: Connection, vault: Vault, code: str, now: datetime) -> Officer | None:
    """Use an invitation up and return its officer, verified.

    An unknown, used or expired code gives None, after the same work. Remember the officer
    for the chat once the chat itself is remembered.
    """
    mine = INVITATION.c.code_print == _print(vault, code)
    unused = (mine, INVITATION.c.used_at.is_(None), INVITATION.c.expires_at > now)
    used = conn.execute(update(INVITATION).where(*unused).values(used_at=now)).rowcount
    row = conn.execute(select(INVITATION.c.id, INVITATION.c.body).where(mine)).first()
    spent = (mine, INVITATION.c.used_at.is_not(None))
    conn.execute(update(INVITATION).where(*spent).values(body=None))
    if used != 1 or row is None:
        return None
    return read(Officer, vault.unseal(row.body, _place(row.id)))


def remember_officer(
    conn: Connection, vault: Vault, chat_id: str, officer: Officer, now: datetime
) -> None:
    """Keep the officer's own details for the chat, in place of any kept before."""
    body = vault.seal(write(officer), officer_place(chat_id))
    kept = update(OFFICER).where(OFFICER.c.chat_id == chat_id).values(body=body, seen_at=now)
    if conn.execute(kept).rowcount == 0:
        row = {"id": new_id(), "chat_id": chat_id, "body": body, "seen_at": now}
        conn.execute(insert(OFFICER), row)


def revoke(conn: Connection, chat_id: str) -> bool:
    """Forget the officer of a chat; return whether there was one."""
    return conn.execute(delete(OFFICER).where(OFFICER.c.chat_id == chat_id)).rowcount == 1


def revoke_invitations(conn: Connection) -> int:
    """End every invitation not used yet; return how many there were."""
    return conn.execute(delete(INVITATION).where(INVITATION.c.used_at.is_(None))).rowcount


def known(session: Session, vault: Vault) -> list[Known]:
    """Return every officer remembered, the last seen first."""
    rows = session.exec(rows_of(tables.Officer).order_by(col(tables.Officer.seen_at).desc()))
    return [Known(row.chat_id, _officer(vault, row), row.seen_at) for row in rows]


def _officer(vault: Vault, row: tables.Officer) -> Officer:
    return read(Officer, vault.unseal(row.body, officer_place(row.chat_id)))


def _print(vault: Vault, code: str) -> str:
    return vault.fingerprint(write(["invitation", code]))


def _place(id: str) -> str:
    return f"invitation/{id}/body"
