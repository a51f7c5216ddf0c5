"""Signed-in browsers of staff: kept here, so that any can be ended at once."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from storage.serialization import write
from storage.tables import new_id
from storage.vault import Vault
from storage.web_tables import SIGN_IN, STAFF, SignIn

IDLE = timedelta(minutes=15)
WHOLE = timedelta(hours=8)
_TOUCH = timedelta(seconds=30)
"""How often it is noted that somebody is still there: not at every page."""


@dataclass(frozen=True, slots=True)
class Signed:
    """Who is signed in, and by which sign-in."""

    id: str
    staff_id: str
    name: str
    role: str
    how: str
    began_at: datetime
    shortcuts: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """One sign-in as its owner sees it."""

    id: str
    how: str
    began_at: datetime
    seen_at: datetime


def begin(conn: Connection, vault: Vault, staff_id: str, how: str, now: datetime) -> str:
    """Sign somebody in; return the token their browser keeps. `how`: password, passkey, oidc."""
    token = secrets.token_urlsafe(32)
    row = {"id": new_id(), "token_print": _print(vault, token), "staff_id": staff_id, "how": how}
    conn.execute(insert(SIGN_IN), {**row, "began_at": now, "seen_at": now})
    return token


def who(conn: Connection, vault: Vault, token: str, now: datetime) -> Signed | None:
    """Return who is signed in by this token; None once it is idle, old, ended or disabled."""
    query = (
        select(SIGN_IN, STAFF.c.name, STAFF.c.role, STAFF.c.shortcuts)
        .join(STAFF, STAFF.c.id == SIGN_IN.c.staff_id)
        .where(
            SIGN_IN.c.token_print == _print(vault, token),
            SIGN_IN.c.ended_at.is_(None),
            SIGN_IN.c.seen_at > now - IDLE,
            SIGN_IN.c.began_at > now - WHOLE,
            STAFF.c.disabled_at.is_(None),
        )
    )
    row = conn.execute(query).first()
    if row is None:
        return None
    if now - row.seen_at > _TOUCH:
        conn.execute(update(SIGN_IN).where(SIGN_IN.c.id == row.id).values(seen_at=now))
    return Signed(row.id, row.staff_id, row.name, row.role, row.how, row.began_at, row.shortcuts)


def end(conn: Connection, staff_id: str, id: str, now: datetime) -> bool:
    """End one sign-in of a member of staff; return whether it was still open."""
    mine = (SIGN_IN.c.id == id, SIGN_IN.c.staff_id == staff_id, SIGN_IN.c.ended_at.is_(None))
    return conn.execute(update(SIGN_IN).where(*mine).values(ended_at=now)).rowcount == 1


def end_all(conn: Connection, staff_id: str, now: datetime, but: str = "") -> int:
    """End every sign-in of a member of staff, but one if asked; return how many that were."""
    mine = (SIGN_IN.c.staff_id == staff_id, SIGN_IN.c.ended_at.is_(None), SIGN_IN.c.id != but)
    return conn.execute(update(SIGN_IN).where(*mine).values(ended_at=now)).rowcount


def listed_by_member(session: Session, now: datetime) -> dict[str, list[Listed]]:
    """Return every open sign-in, by the id of whose it is."""
    query = rows_of(SignIn).where(
        col(SignIn.ended_at).is_(None),
        SignIn.seen_at > now - IDLE,
        SignIn.began_at > now - WHOLE,
    )
    found: dict[str, list[Listed]] = {}
    for row in session.exec(query.order_by(col(SignIn.seen_at).desc())):
        found.setdefault(row.staff_id, []).append(_listed(row))
    return found


def listed(session: Session, staff_id: str, now: datetime) -> list[Listed]:
    """Return the open sign-ins of a member of staff, the last used first."""
    query = (
        rows_of(SignIn)
        .where(
            SignIn.staff_id == staff_id,
            col(SignIn.ended_at).is_(None),
            SignIn.seen_at > now - IDLE,
            SignIn.began_at > now - WHOLE,
        )
        .order_by(col(SignIn.seen_at).desc())
    )
    return [_listed(row) for row in session.exec(query)]


def _listed(row: SignIn) -> Listed:
    return Listed(row.id, row.how, row.began_at, row.seen_at)


def _print(vault: Vault, token: str) -> str:
    return vault.fingerprint(write(["sign-in", token[:200]]))
