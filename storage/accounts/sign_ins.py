"""Signed-in browsers of staff: kept here, so that any can be ended at once."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from storage.serialization import dumps
from storage.tables import new_id
from storage.vault import Vault
from storage.web_tables import SIGN_IN, STAFF, SignInRow

IDLE_TIMEOUT = timedelta(minutes=15)
MAX_SESSION_AGE = timedelta(hours=8)
_LAST_SEEN_INTERVAL = timedelta(seconds=30)
"""How often it is noted that somebody is still there: not at every page."""


@dataclass(frozen=True, slots=True)
class SignedInStaff:
    """Who is signed in, and by which sign-in."""

    id: str
    staff_id: str
    name: str
    role: str
    method: str
    began_at: datetime
    shortcuts: bool


@dataclass(frozen=True, slots=True)
class SignInSummary:
    """One sign-in as its owner sees it."""

    id: str
    method: str
    began_at: datetime
    seen_at: datetime


def begin_sign_in(conn: Connection, vault: Vault, staff_id: str, method: str, now: datetime) -> str:
    """Sign somebody in; return the token their browser keeps. `how`: password, passkey, oidc."""
    token = secrets.token_urlsafe(32)
    row = {
        "id": new_id(),
        "token_print": _token_fingerprint(vault, token),
        "staff_id": staff_id,
        "how": method,
    }
    conn.execute(insert(SIGN_IN), {**row, "began_at": now, "seen_at": now})
    return token


def signed_in_staff(
    conn: Connection, vault: Vault, token: str, now: datetime
) -> SignedInStaff | None:
    """Return who is signed in by this token; None once it is idle, old, ended or disabled."""
    query = (
        select(SIGN_IN, STAFF.c.name, STAFF.c.role, STAFF.c.shortcuts)
        .join(STAFF, STAFF.c.id == SIGN_IN.c.staff_id)
        .where(
            SIGN_IN.c.token_print == _token_fingerprint(vault, token),
            SIGN_IN.c.ended_at.is_(None),
            SIGN_IN.c.seen_at > now - IDLE_TIMEOUT,
            SIGN_IN.c.began_at > now - MAX_SESSION_AGE,
            STAFF.c.disabled_at.is_(None),
        )
    )
    row = conn.execute(query).first()
    if row is None:
        return None
    if now - row.seen_at > _LAST_SEEN_INTERVAL:
        conn.execute(update(SIGN_IN).where(SIGN_IN.c.id == row.id).values(seen_at=now))
    return SignedInStaff(
        row.id, row.staff_id, row.name, row.role, row.how, row.began_at, row.shortcuts
    )


def end_sign_in(conn: Connection, staff_id: str, id: str, now: datetime) -> bool:
    """End one sign-in of a member of staff; return whether it was still open."""
    mine = (SIGN_IN.c.id == id, SIGN_IN.c.staff_id == staff_id, SIGN_IN.c.ended_at.is_(None))
    return conn.execute(update(SIGN_IN).where(*mine).values(ended_at=now)).rowcount == 1


def end_all_sign_ins(conn: Connection, staff_id: str, now: datetime, except_id: str = "") -> int:
    """End every sign-in of a member of staff, but one if asked; return how many that were."""
    mine = (SIGN_IN.c.staff_id == staff_id, SIGN_IN.c.ended_at.is_(None), SIGN_IN.c.id != except_id)
    return conn.execute(update(SIGN_IN).where(*mine).values(ended_at=now)).rowcount


def list_sign_ins_by_account(session: Session, now: datetime) -> dict[str, list[SignInSummary]]:
    """Return every open sign-in, by the id of whose it is."""
    query = rows_of(SignInRow).where(
        col(SignInRow.ended_at).is_(None),
        SignInRow.seen_at > now - IDLE_TIMEOUT,
        SignInRow.began_at > now - MAX_SESSION_AGE,
    )
    found: dict[str, list[SignInSummary]] = {}
    for row in session.exec(query.order_by(col(SignInRow.seen_at).desc())):
        found.setdefault(row.staff_id, []).append(_summary_from_row(row))
    return found


def list_sign_ins(session: Session, staff_id: str, now: datetime) -> list[SignInSummary]:
    """Return the open sign-ins of a member of staff, the last used first."""
    query = (
        rows_of(SignInRow)
        .where(
            SignInRow.staff_id == staff_id,
            col(SignInRow.ended_at).is_(None),
            SignInRow.seen_at > now - IDLE_TIMEOUT,
            SignInRow.began_at > now - MAX_SESSION_AGE,
        )
        .order_by(col(SignInRow.seen_at).desc())
    )
    return [_summary_from_row(row) for row in session.exec(query)]


def _summary_from_row(row: SignInRow) -> SignInSummary:
    return SignInSummary(row.id, row.how, row.began_at, row.seen_at)


def _token_fingerprint(vault: Vault, token: str) -> str:
    return vault.fingerprint(dumps(["sign-in", token[:200]]))
