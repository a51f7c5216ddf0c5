"""The accounts of staff: invited, activated by a one-time code, disabled, never reused."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, insert, select, update

from flows import casework
from storage.accounts import sign_ins
from storage.referrals.references import CODE_ALPHABET
from storage.row_mapping import from_row
from storage.tables import REFERRAL, AnyRow, new_id
from storage.unit import Unit
from storage.web_tables import PASSKEY, STAFF

INVITATION_LIFETIME = timedelta(hours=72)
_NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9.-]{1,39}", re.ASCII)
_CODE_LENGTH = 20
IS_ACTIVE = (STAFF.c.joined_at.is_not(None), STAFF.c.disabled_at.is_(None))
"""The conditions under which an account can sign in."""


@dataclass(frozen=True, slots=True)
class StaffAccount:
    """One account as the administrator sees it: nothing that could be signed in with."""

    id: str
    name: str
    role: str
    invited_by: str
    invited_at: datetime
    code_expires_at: datetime | None
    joined_at: datetime | None
    disabled_at: datetime | None
    shortcuts: bool


@dataclass(frozen=True, slots=True)
class StoredCredentials:
    """What a sign-in is checked against: the hash of the password and the secret of the app."""

    staff_id: str
    name: str
    password_hash: str
    totp_secret: str
    last_time_step: int


class InvalidAccountName(ValueError):
    """A name of staff is 2 to 40 letters, digits, dots and hyphens."""


class AccountNameTaken(RuntimeError):
    """This name belongs to an account, or did once: names are never reused."""


class OwnsOpenReferrals(RuntimeError):
    """This account still owns open referrals: `references`."""

    def __init__(self, references: list[str]) -> None:
        super().__init__("This account still has open referrals.")
        self.references = references


class NoSuchAccount(LookupError):
    """There is no account of this name, or it is disabled."""


def normalize_account_name(typed: str) -> str:
    """Return a name as it is stored, in lower case; raise InvalidAccountName if it is none."""
    name = typed.strip().lower()
    if not _NAME_PATTERN.fullmatch(name):
        raise InvalidAccountName("A name is 2 to 40 letters, digits, dots and hyphens.")
    return name


def invite_staff(unit: Unit, name: str, role: str, invited_by: str) -> str:
    """Create an account and return the one-time code that activates it, valid for 72 hours.

    Only the code's fingerprint is stored. Raises InvalidAccountName and AccountNameTaken.
    """
    name = normalize_account_name(name)
    if unit.first(select(STAFF.c.id).where(STAFF.c.name == name)):
        raise AccountNameTaken(name)
    code, invitation = _new_invitation(unit, invited_by)
    row = {"id": new_id(), "name": name, "role": role, "last_time_step": 0, "shortcuts": True}
    unit.conn.execute(insert(STAFF), {**row, **invitation})
    return code


def reinvite_staff(unit: Unit, name: str, invited_by: str) -> str:
    """Delete an account's credentials and return a new one-time code for it.

    A disabled account can be activated again this way. Raises NoSuchAccount.
    """
    row = unit.first(select(STAFF.c.id).where(STAFF.c.name == name))
    if row is None:
        raise NoSuchAccount(name)
    code, invitation = _new_invitation(unit, invited_by)
    proofs = {"password_hash": None, "totp_secret": None, "subject_fingerprint": None}
    fresh = {**invitation, **proofs, "joined_at": None, "disabled_at": None}
    unit.conn.execute(update(STAFF).where(STAFF.c.id == row.id).values(fresh))
    unit.conn.execute(delete(PASSKEY).where(PASSKEY.c.staff_id == row.id))
    sign_ins.end_all_sign_ins(unit, row.id)
    return code


def find_invited_account(unit: Unit, code: str) -> StaffAccount | None:
    """Return the account of a valid invitation; the code stays unused."""
    row = unit.first(select(STAFF).where(*_is_valid(unit, code)))
    return from_row(StaffAccount, row) if row else None


def redeem_staff_invitation(unit: Unit, code: str) -> str | None:
    """Redeem an invitation and return the id of its account; None if it is not valid.

    Of several who use one code at once, exactly one gets the account.
    """
    good = _is_valid(unit, code)
    row = unit.first(select(STAFF.c.id).where(*good))
    used = {"code_fingerprint": None, "code_expires_at": None, "joined_at": unit.now}
    if row is None or unit.changed(update(STAFF).where(*good).values(**used)) != 1:
        return None
    return str(row.id)


def activate_account(unit: Unit, code: str, password_hash: str, totp_secret: str) -> str | None:
    """Activate an account with a password hash and a TOTP secret; return its id."""
    id = redeem_staff_invitation(unit, code)
    if id is not None:
        set_password_hash(unit, id, password_hash)
        set_totp_secret(unit, id, totp_secret)
    return id


def set_password_hash(unit: Unit, id: str, password_hash: str) -> None:
    """Store the hash of a password."""
    unit.conn.execute(update(STAFF).where(STAFF.c.id == id).values(password_hash=password_hash))


def set_totp_secret(unit: Unit, id: str, totp_secret: str) -> None:
    """Store a TOTP secret, sealed for the row of the account."""
    sealed = unit.seal(_totp_context(id), totp_secret)
    values = {"totp_secret": sealed, "last_time_step": 0}
    unit.conn.execute(update(STAFF).where(STAFF.c.id == id).values(values))


def consume_time_step(unit: Unit, id: str, time_step: int) -> bool:
    """Consume the time step of a code; False when it, or a later one, was used before."""
    unused = (STAFF.c.id == id, STAFF.c.last_time_step < time_step, STAFF.c.disabled_at.is_(None))
    return unit.changed(update(STAFF).where(*unused).values(last_time_step=time_step)) == 1


def set_shortcuts(unit: Unit, id: str, enabled: bool) -> None:
    """Turn the keyboard shortcuts of an account on or off."""
    unit.conn.execute(update(STAFF).where(STAFF.c.id == id).values(shortcuts=enabled))


def find_account(unit: Unit, name: str) -> StaffAccount | None:
    """Return the account of a name, whatever became of it; None when there never was one."""
    row = unit.first(select(STAFF).where(STAFF.c.name == name))
    return from_row(StaffAccount, row) if row else None


def list_accounts(unit: Unit, roles: tuple[str, ...] = ()) -> list[StaffAccount]:
    """Return every account by name, or only those of some roles that can sign in."""
    query = select(STAFF).order_by(STAFF.c.name)
    if roles:
        query = query.where(STAFF.c.role.in_(roles), *IS_ACTIVE)
    return [from_row(StaffAccount, row) for row in unit.conn.execute(query)]


def stored_credentials(unit: Unit, name: str) -> StoredCredentials | None:
    """Return what a sign-in by password is checked against; None where there can be none."""
    row = unit.first(select(STAFF).where(STAFF.c.name == name, *IS_ACTIVE))
    if row is None or row.password_hash is None or row.totp_secret is None:
        return None
    secret = unit.unseal(_totp_context(row.id), row.totp_secret)
    return StoredCredentials(row.id, row.name, row.password_hash, secret, row.last_time_step)


def pending_totp_secret(unit: Unit, id: str) -> str | None:
    """Return the TOTP secret of an account that is not active yet; None before it is drawn."""
    sealed = unit.conn.scalars(select(STAFF.c.totp_secret).where(STAFF.c.id == id)).first()
    return unit.unseal(_totp_context(id), sealed) if sealed else None


def change_role(unit: Unit, name: str, role: str) -> None:
    """Give an account another role and end its sign-ins.

    Raises NoSuchAccount and OwnsOpenReferrals.
    """
    row = _require_no_open_referrals(unit, name)
    unit.conn.execute(update(STAFF).where(STAFF.c.id == row.id).values(role=role))
    sign_ins.end_all_sign_ins(unit, row.id)


def disable_account(unit: Unit, name: str) -> None:
    """Disable an account and end all its sign-ins at once.

    Raises NoSuchAccount, and OwnsOpenReferrals: nobody who owns a case can be disabled.
    """
    row = _require_no_open_referrals(unit, name)
    closed = {"disabled_at": unit.now, "code_fingerprint": None, "code_expires_at": None}
    unit.conn.execute(update(STAFF).where(STAFF.c.id == row.id).values(**closed))
    sign_ins.end_all_sign_ins(unit, row.id)


def end_account_sign_ins(unit: Unit, name: str) -> int:
    """End every sign-in of an account; return how many that were. Raises NoSuchAccount."""
    row = unit.first(select(STAFF.c.id).where(STAFF.c.name == name))
    if row is None:
        raise NoSuchAccount(name)
    return sign_ins.end_all_sign_ins(unit, row.id)


def open_references_of(unit: Unit, name: str) -> list[str]:
    """Return the references of the open referrals that a member of staff owns."""
    theirs = (REFERRAL.c.owner == name, REFERRAL.c.stage.in_(casework.OPEN_STAGES))
    query = select(REFERRAL.c.reference).where(*theirs).order_by(REFERRAL.c.due)
    return list(unit.conn.scalars(query))


def _require_no_open_referrals(unit: Unit, name: str) -> AnyRow:
    known = (STAFF.c.name == name, STAFF.c.disabled_at.is_(None))
    row = unit.first(select(STAFF.c.id).where(*known).with_for_update())
    if row is None:
        raise NoSuchAccount(name)
    if references := open_references_of(unit, name):
        raise OwnsOpenReferrals(references)
    return row


def _new_invitation(unit: Unit, invited_by: str) -> tuple[str, dict[str, object]]:
    """Return a one-time code, and what is kept of it.

    It is 20 letters and digits in groups of four: about 90 bits, easy to read out.
    """
    letters = "".join(secrets.choice(CODE_ALPHABET) for _ in range(_CODE_LENGTH))
    code = "-".join(letters[start : start + 4] for start in range(0, _CODE_LENGTH, 4))
    by = {"invited_by": invited_by, "invited_at": unit.now}
    until = unit.now + INVITATION_LIFETIME
    return code, {**by, "code_fingerprint": _code_fingerprint(unit, code), "code_expires_at": until}


def _is_valid(unit: Unit, code: str) -> tuple[ColumnElement[bool], ...]:
    own = STAFF.c.code_fingerprint == _code_fingerprint(unit, code)
    return own, STAFF.c.code_expires_at > unit.now, STAFF.c.disabled_at.is_(None)


def _code_fingerprint(unit: Unit, code: str) -> str:
    plain = "".join(one for one in code[:60].upper() if one in CODE_ALPHABET)
    return unit.fingerprint("staff-code", plain)


def _totp_context(id: str) -> str:
    return f"staff/{id}/totp"
