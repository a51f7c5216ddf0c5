"""Partner officers as the administrator sees them: who is known, who is invited, who is revoked."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from sqlalchemy import delete, select, update

from flows.officers import Officer
from storage.chats.officers import OfficerDetails, invitation_context, officer_context
from storage.serialization import dumps, loads
from storage.tables import CHAT, INVITATION, OFFICER, AnyRow
from storage.unit import Unit
from storage.web_tables import LINK

KEY_LENGTH = 10


@dataclass(frozen=True, slots=True)
class RegisteredOfficer:
    """One officer: every chat in which somebody gave, or was invited with, the same details.

    `key` is what the logbook calls them. `chats` counts the chats that may still file, and
    `verified` says whether one of them came by invitation. `revoked_at` is None while any may.
    """

    key: str
    officer: Officer
    chats: int
    verified: bool
    seen_at: datetime
    invited_by: str
    invited_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """An invitation that nobody has used yet; `key` is its officer's."""

    id: str
    key: str
    officer: Officer
    invited_by: str
    invited_at: datetime | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Revocation:
    """What a revocation ended: the chats that could file, and how many open invitations."""

    chat_ids: tuple[str, ...]
    invitations: int

    @property
    def anything(self) -> bool:
        """Return whether there was anything to end."""
        return bool(self.chat_ids or self.invitations)


@dataclass(frozen=True, slots=True)
class _OfficerRow:
    key: str
    chat_id: str
    details: OfficerDetails
    seen_at: datetime


def officer_key(unit: Unit, officer: Officer | OfficerDetails) -> str:
    """Return the same short name for the same details, whatever their case and spaces.

    It is an HMAC-SHA-256 fingerprint: without the key file it reveals nothing.
    """
    details = (officer.name, officer.agency, officer.contact)
    own = [" ".join(text.casefold().split()) for text in details]
    return f"officer-{unit.fingerprint('officer', own)[:KEY_LENGTH]}"


def list_officers(unit: Unit) -> list[RegisteredOfficer]:
    """Return every officer remembered, the last seen first."""
    rows = sorted(_officer_rows(unit), key=lambda row: row.key)
    grouped = [_registered(list(own)) for _, own in groupby(rows, key=lambda row: row.key)]
    return sorted(grouped, key=lambda one: one.seen_at, reverse=True)


def find_officer(unit: Unit, key: str) -> RegisteredOfficer | None:
    """Return the officer of that key; None when nobody has it."""
    return next((one for one in list_officers(unit) if one.key == key), None)


def list_open_invitations(unit: Unit) -> list[OpenInvitation]:
    """Return the invitations that still work, the one that ends first at the top."""
    is_open = (INVITATION.c.used_at.is_(None), INVITATION.c.expires_at > unit.now)
    query = select(INVITATION).where(*is_open).order_by(INVITATION.c.expires_at, INVITATION.c.id)
    return [_open_invitation(unit, row) for row in unit.conn.execute(query)]


def end_invitation(unit: Unit, id: str) -> OpenInvitation | None:
    """End an invitation that nobody has used; return it, None when there is none such."""
    found = next((one for one in list_open_invitations(unit) if one.id == id), None)
    if found is not None:
        unit.conn.execute(delete(INVITATION).where(INVITATION.c.id == id))
    return found


def revoke_officer(unit: Unit, key: str) -> Revocation:
    """Revoke an officer: no chat of theirs files any more; return what that ended.

    Their open invitations and every one-time link of those chats end as well: private pages,
    and codes shown to somebody who is with them. The rows stay, sealed, so that the chat is
    still known as revoked.
    """
    invited = [one.id for one in list_open_invitations(unit) if one.key == key]
    unit.conn.execute(delete(INVITATION).where(INVITATION.c.id.in_(invited)))
    rows = [row for row in _officer_rows(unit) if row.key == key]
    open_rows = [row for row in rows if row.details.revoked_at is None]
    for row in open_rows:
        _mark_revoked(unit, row)
    return Revocation(tuple(row.chat_id for row in open_rows), len(invited))


def revoked_chats(unit: Unit) -> list[str]:
    """Return the ids of the chats whose officer is revoked."""
    return [row.chat_id for row in _officer_rows(unit) if row.details.revoked_at is not None]


def revoke_again(unit: Unit, chat_ids: Collection[str]) -> int:
    """Revoke the officers of these chats that came back from a backup; return how many had."""
    back = [one for one in _officer_rows(unit) if one.chat_id in chat_ids]
    active = [row for row in back if row.details.revoked_at is None]
    for row in active:
        _mark_revoked(unit, row)
    return len(active)


def _mark_revoked(unit: Unit, row: _OfficerRow) -> None:
    revoked = dumps(replace(row.details, revoked_at=unit.now))
    sealed = unit.seal(officer_context(row.chat_id), revoked)
    mine = OFFICER.c.chat_id == row.chat_id
    unit.conn.execute(update(OFFICER).where(mine).values(body=sealed, seen_at=unit.now))
    address = select(CHAT.c.address_fingerprint).where(CHAT.c.id == row.chat_id)
    unit.conn.execute(delete(LINK).where(LINK.c.address_fingerprint == address.scalar_subquery()))


def _officer_rows(unit: Unit) -> Iterable[_OfficerRow]:
    query = select(OFFICER.c.chat_id, OFFICER.c.body, OFFICER.c.seen_at)
    for row in unit.conn.execute(query).all():
        details = loads(OfficerDetails, unit.unseal(officer_context(row.chat_id), row.body))
        yield _OfficerRow(officer_key(unit, details), row.chat_id, details, row.seen_at)


def _registered(rows: list[_OfficerRow]) -> RegisteredOfficer:
    """Return what the chats of one officer say together; what was invited last is said."""
    open_rows = [row for row in rows if row.details.revoked_at is None]
    said = open_rows or rows
    last = max(said, key=lambda row: (row.details.invited_at or row.seen_at, row.chat_id))
    revoked = [row.details.revoked_at for row in rows if row.details.revoked_at]
    return RegisteredOfficer(
        last.key,
        last.details.officer,
        len(open_rows),
        any(row.details.verified for row in said),
        max(row.seen_at for row in said),
        last.details.invited_by,
        last.details.invited_at,
        None if open_rows else max(revoked),
    )


def _open_invitation(unit: Unit, row: AnyRow) -> OpenInvitation:
    details = loads(OfficerDetails, unit.unseal(invitation_context(row.id), row.body))
    key, by, at = officer_key(unit, details), details.invited_by, details.invited_at
    return OpenInvitation(row.id, key, details.officer, by, at, row.expires_at)
