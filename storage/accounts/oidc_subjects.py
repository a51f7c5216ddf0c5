"""Which account belongs to which OpenID Connect subject: only a fingerprint is stored."""

from sqlalchemy import select, update

from storage.accounts.staff import IS_ACTIVE, StaffAccount
from storage.row_mapping import from_row
from storage.unit import Unit
from storage.web_tables import STAFF


def link_subject(unit: Unit, id: str, issuer: str, subject: str) -> bool:
    """Link an account to a subject of an issuer; return False if another account has it."""
    own = subject_fingerprint(unit, issuer, subject)
    if unit.first(select(STAFF.c.id).where(STAFF.c.subject_fingerprint == own)):
        return False
    unit.conn.execute(update(STAFF).where(STAFF.c.id == id).values(subject_fingerprint=own))
    return True


def subject_fingerprint(unit: Unit, issuer: str, subject: str) -> str:
    """Return the fingerprint of a subject of an issuer; never of an e-mail address."""
    return unit.fingerprint("subject", issuer, subject)


def find_account_by_subject(unit: Unit, issuer: str, subject: str) -> StaffAccount | None:
    """Return the active account that is linked to a subject; None when there is none."""
    own = STAFF.c.subject_fingerprint == subject_fingerprint(unit, issuer, subject)
    row = unit.first(select(STAFF).where(own, *IS_ACTIVE))
    return from_row(StaffAccount, row) if row else None
