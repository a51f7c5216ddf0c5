"""The accounts of staff: invited, taken up by a one-time code, changed, disabled, never reused."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from flows import casework
from storage.accounts import sign_ins
from storage.referrals.references import LETTERS
from storage.serialization import write
from storage.tables import REFERRAL, AnyRow, new_id
from storage.vault import Vault
from storage.web_tables import PASSKEY, STAFF, Staff

INVITED_FOR = timedelta(hours=72)
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,39}", re.ASCII)
_CODE = 20


@dataclass(frozen=True, slots=True)
class Member:
    """One account as the administrator sees it: nothing that could be signed in with."""

    id: str
    name: str
    role: str
    invited_by: str
    invited_at: datetime
    code_until: datetime | None
    joined_at: datetime | None
    disabled_at: datetime | None
    shortcuts: bool
    linked: bool


@dataclass(frozen=True, slots=True)
class Proofs:
    """What a sign-in is checked against: the hash of the password and the secret of the app."""

    staff_id: str
    name: str
    password: str
    secret: str
    last_step: int


class WrongName(ValueError):
    """A name of staff is 2 to 40 letters, digits, dots and hyphens."""


class NameTaken(RuntimeError):
    """This name belongs to an account, or did once: names are never given twice."""


class OwnsCases(RuntimeError):
    """Somebody still has open referrals; `references` says which."""

    def __init__(self, references: list[str]) -> None:
        super().__init__("This account still has open referrals.")
        self.references = references


class NoSuchAccount(LookupError):
    """There is no account of this name, or it is disabled."""


def clean_name(typed: str) -> str:
    """Return a name as it is kept, in lower case; raise WrongName when it cannot be one."""
    name = typed.strip().lower()
    if not _NAME.fullmatch(name):
        raise WrongName("A name is 2 to 40 letters, digits, dots and hyphens.")
    return name


def invite(conn: Connection, vault: Vault, name: str, role: str, by: str, now: datetime) -> str:
    """Make an account and return the one-time code that takes it up, good for 72 hours.

    Only the code's fingerprint is kept. Raises WrongName and NameTaken.
    """
    name = clean_name(name)
    if conn.execute(select(STAFF.c.id).where(STAFF.c.name == name)).first():
        raise NameTaken(name)
    code, id = _new_code(), new_id()
    row = {"id": id, "name": name, "role": role, "invited_by": by, "invited_at": now}
    until = {"code_print": _print(vault, code), "code_until": now + INVITED_FOR}
    conn.execute(insert(STAFF), {**row, **until, "totp_step": 0, "shortcuts": True})
    return code


def invite_again(conn: Connection, vault: Vault, name: str, by: str, now: datetime) -> str:
    """Take every way to sign in from an account and return a new one-time code for it.

    A disabled account can be taken up again this way. Raises NoSuchAccount.
    """
    row = conn.execute(select(STAFF.c.id).where(STAFF.c.name == name)).first()
    if row is None:
        raise NoSuchAccount(name)
    code = _new_code()
    nothing = {"password": None, "totp": None, "subject_print": None, "joined_at": None}
    again = {"invited_by": by, "invited_at": now, "disabled_at": None}
    fresh = {"code_print": _print(vault, code), "code_until": now + INVITED_FOR}
    conn.execute(update(STAFF).where(STAFF.c.id == row.id).values(**nothing, **again, **fresh))
    conn.execute(delete(PASSKEY).where(PASSKEY.c.staff_id == row.id))
    sign_ins.end_all(conn, row.id, now)
    return code


def invited(session: Session, vault: Vault, code: str, now: datetime) -> Member | None:
    """Return whose invitation this is, as long as it is good; the code stays unused."""
    query = rows_of(Staff).where(
        Staff.code_print == _print(vault, code),
        col(Staff.code_until) > now,
        col(Staff.disabled_at).is_(None),
    )
    row = session.exec(query).first()
    return member_of(row) if row else None


def redeem(conn: Connection, vault: Vault, code: str, now: datetime) -> str | None:
    """Use an invitation up and return the id of its account; None if it is no good.

    Of several who use one code at once, exactly one gets the account.
    """
    good = (
        STAFF.c.code_print == _print(vault, code),
        STAFF.c.code_until > now,
        STAFF.c.disabled_at.is_(None),
    )
    row = conn.execute(select(STAFF.c.id).where(*good)).first()
    used = {"code_print": None, "code_until": None, "joined_at": now}
    if row is None or conn.execute(update(STAFF).where(*good).values(**used)).rowcount != 1:
        return None
    return str(row.id)


def join(
    conn: Connection, vault: Vault, code: str, password: str, secret: str, now: datetime
) -> str | None:
    """Take an account up with the hash of a password and the secret of an app; return its id."""
    id = redeem(conn, vault, code, now)
    if id is not None:
        set_password(conn, id, password)
        set_secret(conn, vault, id, secret)
    return id


def set_password(conn: Connection, id: str, password: str) -> None:
    """Keep the hash of a password."""
    conn.execute(update(STAFF).where(STAFF.c.id == id).values(password=password))


def set_secret(conn: Connection, vault: Vault, id: str, secret: str) -> None:
    """Keep the secret that somebody's app makes codes from, sealed for their row."""
    sealed = vault.seal(secret, _secret_place(id))
    conn.execute(update(STAFF).where(STAFF.c.id == id).values(totp=sealed, totp_step=0))


def use_step(conn: Connection, id: str, step: int) -> bool:
    """Use up the time step of a code; False when it, or a later one, was used before."""
    unused = (STAFF.c.id == id, STAFF.c.totp_step < step, STAFF.c.disabled_at.is_(None))
    return conn.execute(update(STAFF).where(*unused).values(totp_step=step)).rowcount == 1


def set_shortcuts(conn: Connection, id: str, on: bool) -> None:
    """Turn the keyboard shortcuts of an account on or off."""
    conn.execute(update(STAFF).where(STAFF.c.id == id).values(shortcuts=on))


def find(session: Session, name: str) -> Member | None:
    """Return the account of a name, whatever became of it; None when there never was one."""
    row = session.exec(rows_of(Staff).where(Staff.name == name)).first()
    return member_of(row) if row else None


def listed(session: Session, roles: tuple[str, ...] = ()) -> list[Member]:
    """Return every account by name, or only those of some roles that can sign in."""
    query = rows_of(Staff).order_by(col(Staff.name))
    if roles:
        joined = (col(Staff.joined_at).is_not(None), col(Staff.disabled_at).is_(None))
        query = query.where(col(Staff.role).in_(roles), *joined)
    return [member_of(row) for row in session.exec(query)]


def proofs(session: Session, vault: Vault, name: str) -> Proofs | None:
    """Return what a sign-in by password is checked against; None where there can be none."""
    query = rows_of(Staff).where(
        Staff.name == name,
        col(Staff.joined_at).is_not(None),
        col(Staff.disabled_at).is_(None),
    )
    row = session.exec(query).first()
    if row is None or row.password is None or row.totp is None:
        return None
    secret = vault.unseal(row.totp, _secret_place(row.id))
    return Proofs(row.id, row.name, row.password, secret, row.totp_step)


def pending_secret(session: Session, vault: Vault, id: str) -> str | None:
    """Return the secret that somebody who is joining was shown; None before that."""
    row = session.get(Staff, id)
    return vault.unseal(row.totp, _secret_place(id)) if row and row.totp else None


def change_role(conn: Connection, name: str, role: str, now: datetime) -> None:
    """Give an account another role and end its sign-ins; raise NoSuchAccount and OwnsCases."""
    row = _without_cases(conn, name)
    conn.execute(update(STAFF).where(STAFF.c.id == row.id).values(role=role))
    sign_ins.end_all(conn, row.id, now)


def disable(conn: Connection, name: str, now: datetime) -> None:
    """Close an account and end all its sign-ins at once.

    Raises NoSuchAccount, and OwnsCases: nobody can be disabled while owning a case.
    """
    row = _without_cases(conn, name)
    closed = {"disabled_at": now, "code_print": None, "code_until": None}
    conn.execute(update(STAFF).where(STAFF.c.id == row.id).values(**closed))
    sign_ins.end_all(conn, row.id, now)


def end_sign_ins(conn: Connection, name: str, now: datetime) -> int:
    """End every sign-in of an account; return how many that were. Raises NoSuchAccount."""
    row = conn.execute(select(STAFF.c.id).where(STAFF.c.name == name)).first()
    if row is None:
        raise NoSuchAccount(name)
    return sign_ins.end_all(conn, row.id, now)


def owned(conn: Connection, name: str) -> list[str]:
    """Return the references of the open referrals that somebody has."""
    theirs = (REFERRAL.c.owner == name, REFERRAL.c.stage.in_(casework.OPEN))
    query = select(REFERRAL.c.reference).where(*theirs).order_by(REFERRAL.c.due)
    return list(conn.scalars(query))


def _without_cases(conn: Connection, name: str) -> AnyRow:
    known = (STAFF.c.name == name, STAFF.c.disabled_at.is_(None))
    row = conn.execute(select(STAFF.c.id).where(*known).with_for_update()).first()
    if row is None:
        raise NoSuchAccount(name)
    if references := owned(conn, name):
        raise OwnsCases(references)
    return row


def member_of(row: Staff) -> Member:
    """Return an account as the administrator sees it."""
    return Member(
        row.id,
        row.name,
        row.role,
        row.invited_by,
        row.invited_at,
        row.code_until,
        row.joined_at,
        row.disabled_at,
        row.shortcuts,
        row.subject_print is not None,
    )


def _new_code() -> str:
    """Return 20 letters and digits in groups of four: about 90 bits, easy to read out."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(_CODE))
    return "-".join(letters[start : start + 4] for start in range(0, _CODE, 4))


def _print(vault: Vault, code: str) -> str:
    plain = "".join(one for one in code[:60].upper() if one in LETTERS)
    return vault.fingerprint(write(["staff-code", plain]))


def _secret_place(id: str) -> str:
    return f"staff/{id}/totp"
