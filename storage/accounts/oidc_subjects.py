"""Which account belongs to whom at the organisation's own sign-in: only a fingerprint is kept."""

from sqlalchemy import Connection, select, update
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from storage.accounts.staff import StaffAccount, account_from_row
from storage.serialization import dumps
from storage.vault import Vault
from storage.web_tables import STAFF, StaffRow


def link_subject(conn: Connection, vault: Vault, id: str, issuer: str, subject: str) -> bool:
    """Tie an account to a person at the organisation's sign-in; False if that one is taken."""
    own = subject_fingerprint(vault, issuer, subject)
    if conn.execute(select(STAFF.c.id).where(STAFF.c.subject_print == own)).first():
        return False
    conn.execute(update(STAFF).where(STAFF.c.id == id).values(subject_print=own))
    return True


def subject_fingerprint(vault: Vault, issuer: str, subject: str) -> str:
    """Return what a person at the organisation's sign-in is known by; never their e-mail."""
    return vault.fingerprint(dumps(["subject", issuer, subject]))


def find_account_by_subject(
    session: Session, vault: Vault, issuer: str, subject: str
) -> StaffAccount | None:
    """Return the account that is tied to a person at the organisation's sign-in."""
    query = rows_of(StaffRow).where(
        StaffRow.subject_print == subject_fingerprint(vault, issuer, subject),
        col(StaffRow.joined_at).is_not(None),
        col(StaffRow.disabled_at).is_(None),
    )
    row = session.exec(query).first()
    return account_from_row(row) if row else None
