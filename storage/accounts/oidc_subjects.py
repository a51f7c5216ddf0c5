"""Which account belongs to whom at the organisation's own sign-in: only a fingerprint is kept."""

from sqlalchemy import Connection, select, update
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from storage.accounts.staff import Member, member_of
from storage.serialization import write
from storage.vault import Vault
from storage.web_tables import STAFF, Staff


def link(conn: Connection, vault: Vault, id: str, issuer: str, subject: str) -> bool:
    """Tie an account to a person at the organisation's sign-in; False if that one is taken."""
    own = subject_print(vault, issuer, subject)
    if conn.execute(select(STAFF.c.id).where(STAFF.c.subject_print == own)).first():
        return False
    conn.execute(update(STAFF).where(STAFF.c.id == id).values(subject_print=own))
    return True


def subject_print(vault: Vault, issuer: str, subject: str) -> str:
    """Return what a person at the organisation's sign-in is known by; never their e-mail."""
    return vault.fingerprint(write(["subject", issuer, subject]))


def by_subject(session: Session, vault: Vault, issuer: str, subject: str) -> Member | None:
    """Return the account that is tied to a person at the organisation's sign-in."""
    query = rows_of(Staff).where(
        Staff.subject_print == subject_print(vault, issuer, subject),
        col(Staff.joined_at).is_not(None),
        col(Staff.disabled_at).is_(None),
    )
    row = session.exec(query).first()
    return member_of(row) if row else None
