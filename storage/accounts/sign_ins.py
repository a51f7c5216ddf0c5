"""The sign-ins of staff, stored so that each can be ended at once."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, insert, select, update

from storage.row_mapping import from_row
from storage.tables import new_id
from storage.unit import Unit
from storage.web_tables import SIGN_IN, STAFF

IDLE_TIMEOUT = timedelta(minutes=15)
MAX_SESSION_AGE = timedelta(hours=8)
_LAST_SEEN_INTERVAL = timedelta(seconds=30)
"""Minimum interval between last-seen updates, so that not every page is a write."""
_CLOCK_TOLERANCE = timedelta(minutes=1)
"""How far the clocks of two machines may differ. A sign-in from later than that was begun, or used,
while a clock was ahead: once it is put back, the idle time of such a one would never end."""


class SignInMethod(StrEnum):
    """By what somebody proved who they are."""

    PASSWORD = "password"  # noqa: S105
    PASSKEY = "passkey"
    OIDC = "oidc"


@dataclass(frozen=True, slots=True)
class SignedInStaff:
    """Who is signed in, and by which sign-in."""

    id: str
    staff_id: str
    name: str
    role: str
    method: str
    started_at: datetime
    seen_at: datetime
    shortcuts: bool


@dataclass(frozen=True, slots=True)
class SignInSummary:
    """One sign-in as its owner sees it."""

    id: str
    method: str
    started_at: datetime
    seen_at: datetime


def begin_sign_in(unit: Unit, staff_id: str, method: SignInMethod) -> str:
    """Begin a session and return its token."""
    token = secrets.token_urlsafe(32)
    row = {
        "id": new_id(),
        "token_fingerprint": _token_fingerprint(unit, token),
        "staff_id": staff_id,
        "method": method,
    }
    unit.conn.execute(insert(SIGN_IN), {**row, "started_at": unit.now, "seen_at": unit.now})
    return token


def signed_in_staff(unit: Unit, token: str) -> SignedInStaff | None:
    """Return who is signed in by this token; None once it is idle, old, ended or disabled."""
    query = (
        select(SIGN_IN, STAFF.c.name, STAFF.c.role, STAFF.c.shortcuts)
        .join(STAFF, STAFF.c.id == SIGN_IN.c.staff_id)
        .where(
            SIGN_IN.c.token_fingerprint == _token_fingerprint(unit, token),
            *_is_open(unit),
            STAFF.c.disabled_at.is_(None),
        )
    )
    row = unit.first(query)
    return from_row(SignedInStaff, row) if row else None


def needs_refresh(session: SignedInStaff, now: datetime) -> bool:
    """Return whether it is time to note that somebody signed in is still there."""
    return now - session.seen_at > _LAST_SEEN_INTERVAL


def refresh(unit: Unit, id: str) -> None:
    """Note that whoever signed in is still there."""
    unit.conn.execute(update(SIGN_IN).where(SIGN_IN.c.id == id).values(seen_at=unit.now))


def end_sign_in(unit: Unit, staff_id: str, id: str) -> bool:
    """End one sign-in of a member of staff; return whether it was still open."""
    mine = (SIGN_IN.c.id == id, SIGN_IN.c.staff_id == staff_id, SIGN_IN.c.ended_at.is_(None))
    return unit.changed(update(SIGN_IN).where(*mine).values(ended_at=unit.now)) == 1


def end_all_sign_ins(unit: Unit, staff_id: str, except_id: str = "") -> int:
    """End every sign-in of a member of staff, but one if asked; return how many that were."""
    mine = (SIGN_IN.c.staff_id == staff_id, SIGN_IN.c.ended_at.is_(None), SIGN_IN.c.id != except_id)
    return unit.changed(update(SIGN_IN).where(*mine).values(ended_at=unit.now))


def list_sign_ins_by_account(unit: Unit) -> dict[str, list[SignInSummary]]:
    """Return every open sign-in, by the id of whose it is."""
    query = select(SIGN_IN).where(*_is_open(unit))
    found: dict[str, list[SignInSummary]] = {}
    for row in unit.conn.execute(query.order_by(SIGN_IN.c.seen_at.desc())):
        found.setdefault(row.staff_id, []).append(from_row(SignInSummary, row))
    return found


def list_sign_ins(unit: Unit, staff_id: str) -> list[SignInSummary]:
    """Return the open sign-ins of a member of staff, the last used first."""
    return list_sign_ins_by_account(unit).get(staff_id, [])


def _is_open(unit: Unit) -> tuple[ColumnElement[bool], ...]:
    return (
        SIGN_IN.c.ended_at.is_(None),
        SIGN_IN.c.seen_at > unit.now - IDLE_TIMEOUT,
        SIGN_IN.c.started_at > unit.now - MAX_SESSION_AGE,
        SIGN_IN.c.seen_at <= unit.now + _CLOCK_TOLERANCE,
    )


def _token_fingerprint(unit: Unit, token: str) -> str:
    return unit.fingerprint("sign-in", token[:200])
