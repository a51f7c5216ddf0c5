"""Partner officers: invited with a single-use code, stored for a chat, deleted in time."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, insert, select, update

from flows.officers import Officer
from storage.serialization import dumps, loads
from storage.tables import INVITATION, OFFICER, new_id
from storage.unit import Unit

INVITATION_HOURS = 24


@dataclass(frozen=True, slots=True)
class OfficerDetails:
    """What is sealed about an officer, with their chat or their invitation: who they are and more.

    `revoked_at` is when they were revoked: a chat that is known as revoked files nothing.
    """

    name: str
    agency: str
    contact: str
    verified: bool = False
    invited_by: str = ""
    invited_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def officer(self) -> Officer:
        """Return the officer's own details."""
        return Officer(self.name, self.agency, self.contact, self.verified)


def invite_officer(
    unit: Unit, officer: Officer, hours: int = INVITATION_HOURS, invited_by: str = ""
) -> str:
    """Return a code of 32 characters that makes one chat this officer's, within `hours`."""
    code, id = secrets.token_urlsafe(24), new_id()
    details = OfficerDetails(
        officer.name, officer.agency, officer.contact, True, invited_by, unit.now
    )
    row = {
        "id": id,
        "code_fingerprint": _code_fingerprint(unit, code),
        "body": unit.seal(invitation_context(id), dumps(details)),
        "expires_at": unit.now + timedelta(hours=hours),
    }
    unit.conn.execute(insert(INVITATION), row)
    return code


def is_officer_invitation_valid(unit: Unit, code: str) -> bool:
    """Return whether an invitation is valid; this does not redeem it."""
    return unit.exists(*_is_valid(unit, code))


def redeem_officer_invitation(unit: Unit, code: str) -> OfficerDetails | None:
    """Redeem an invitation and return its officer, verified.

    An unknown, used or expired code gives None, after the same work. Store the officer
    for the chat once the chat itself is stored.
    """
    mine = INVITATION.c.code_fingerprint == _code_fingerprint(unit, code)
    used = unit.changed(update(INVITATION).where(*_is_valid(unit, code)).values(used_at=unit.now))
    row = unit.first(select(INVITATION.c.id, INVITATION.c.body).where(mine))
    spent = (mine, INVITATION.c.used_at.is_not(None))
    unit.conn.execute(update(INVITATION).where(*spent).values(body=None))
    if used != 1 or row is None:
        return None
    return loads(OfficerDetails, unit.unseal(invitation_context(row.id), row.body))


def save_officer(unit: Unit, chat_id: str, officer: Officer | OfficerDetails) -> None:
    """Store the officer's own details for the chat, in place of any before."""
    body = unit.seal(officer_context(chat_id), dumps(officer))
    kept = update(OFFICER).where(OFFICER.c.chat_id == chat_id).values(body=body, seen_at=unit.now)
    if unit.changed(kept) == 0:
        row = {"id": new_id(), "chat_id": chat_id, "body": body, "seen_at": unit.now}
        unit.conn.execute(insert(OFFICER), row)


def _is_valid(unit: Unit, code: str) -> tuple[ColumnElement[bool], ...]:
    mine = INVITATION.c.code_fingerprint == _code_fingerprint(unit, code)
    return mine, INVITATION.c.used_at.is_(None), INVITATION.c.expires_at > unit.now


def _code_fingerprint(unit: Unit, code: str) -> str:
    return unit.fingerprint("invitation", code)


def officer_context(chat_id: str) -> str:
    """Return the context that the details of a chat's officer are sealed for."""
    return f"chat/{chat_id}/officer"


def invitation_context(id: str) -> str:
    """Return the context that an invitation's officer is sealed for."""
    return f"invitation/{id}/body"
