"""The tables of the desk and the browser: accounts, sign-ins, who read what, links, screens."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from storage.tables import METADATA as METADATA
from storage.tables import Utc, new_id, rows


class Staff(SQLModel, table=True):
    """One member of staff. `name` is what they sign in with and what every step carries.

    `password` is an argon2id hash, `totp` a sealed secret and `totp_step` the last time step
    used; `code_print` finds the one-time code by which an invited account is taken up.
    """

    id: str = Field(default_factory=new_id, primary_key=True)
    name: str = Field(unique=True)
    role: str
    password: str | None = None
    totp: bytes | None = None
    totp_step: int = 0
    subject_print: str | None = Field(default=None, unique=True)
    code_print: str | None = Field(default=None, unique=True)
    code_until: datetime | None = Field(default=None, sa_type=Utc)
    invited_by: str
    invited_at: datetime = Field(sa_type=Utc)
    joined_at: datetime | None = Field(default=None, sa_type=Utc)
    disabled_at: datetime | None = Field(default=None, sa_type=Utc)
    shortcuts: bool = True


class Passkey(SQLModel, table=True):
    """One passkey of a member of staff; the body holds its id and public key."""

    id: str = Field(default_factory=new_id, primary_key=True)
    staff_id: str = Field(foreign_key="staff.id", ondelete="CASCADE", index=True)
    credential_print: str = Field(unique=True)
    body: bytes
    uses: int = 0
    added_at: datetime = Field(sa_type=Utc)


class SignIn(SQLModel, table=True):
    """One signed-in browser; only the fingerprint of its token is kept."""

    __tablename__ = "sign_in"

    id: str = Field(default_factory=new_id, primary_key=True)
    token_print: str = Field(unique=True)
    staff_id: str = Field(foreign_key="staff.id", ondelete="CASCADE", index=True)
    how: str
    began_at: datetime = Field(sa_type=Utc)
    seen_at: datetime = Field(sa_type=Utc)
    ended_at: datetime | None = Field(default=None, sa_type=Utc)


class Logged(SQLModel, table=True):
    """One dated line: who did what, about what, why, and whether it was refused.

    `mark` is a fingerprint of this line and the mark before it, so that a change shows.
    """

    n: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=Utc, index=True)
    who: str
    did: str
    about: str = Field(default="", index=True)
    why: str = ""
    refused: bool = False
    mark: str


class ApiKey(SQLModel, table=True):
    """A token for another system; only its fingerprint is kept."""

    __tablename__ = "api_key"

    id: str = Field(default_factory=new_id, primary_key=True)
    name: str
    token_print: str = Field(unique=True)
    scopes: str
    made_by: str
    made_at: datetime = Field(sa_type=Utc)
    used_at: datetime | None = Field(default=None, sa_type=Utc)
    ended_at: datetime | None = Field(default=None, sa_type=Utc)


class Export(SQLModel, table=True):
    """A list that somebody asked to take away: a second person agrees when it is long.

    `why` is a code; the words beside it are sealed.
    """

    id: str = Field(default_factory=new_id, primary_key=True)
    asked_by: str
    asked_at: datetime = Field(sa_type=Utc)
    why: str
    words: bytes | None = None
    chosen: str
    size: int
    form: str
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=Utc)
    agreed: bool = False
    taken_at: datetime | None = Field(default=None, sa_type=Utc)


class ContactChange(SQLModel, table=True):
    """A change of contact details that waits for a second person; the body is sealed."""

    __tablename__ = "contact_change"

    id: str = Field(default_factory=new_id, primary_key=True)
    referral_id: str = Field(foreign_key="referral.id", ondelete="CASCADE", index=True)
    asked_by: str
    asked_at: datetime = Field(sa_type=Utc)
    body: bytes | None
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=Utc)
    agreed: bool = False


class Likeness(SQLModel, table=True):
    """A keyed hash of a number, reference or name with birth year: equal ones are alike."""

    id: str = Field(default_factory=new_id, primary_key=True)
    referral_id: str = Field(foreign_key="referral.id", ondelete="CASCADE", index=True)
    kind: str
    print: str = Field(index=True)


class Visit(SQLModel, table=True):
    """One browser in a conversation; only the fingerprint of its token is kept."""

    id: str = Field(default_factory=new_id, primary_key=True)
    token_print: str = Field(unique=True)
    channel: str
    address: bytes
    address_print: str = Field(index=True)
    began_at: datetime = Field(sa_type=Utc)
    seen_at: datetime = Field(sa_type=Utc, index=True)


class Link(SQLModel, table=True):
    """A one-time link or code; only its fingerprint is kept. `kind`: quiet, two_key, resume."""

    id: str = Field(default_factory=new_id, primary_key=True)
    code_print: str = Field(unique=True)
    kind: str
    channel: str
    address_print: str = Field(index=True)
    body: bytes | None = None
    made_at: datetime = Field(sa_type=Utc)
    expires_at: datetime = Field(sa_type=Utc, index=True)
    used_at: datetime | None = Field(default=None, sa_type=Utc)


class Shown(SQLModel, table=True):
    """One message on the screen of a browser chat; the words are sealed.

    `n` is never used again, and grows when a message changes: the largest tells what is new.
    """

    __table_args__ = ({"sqlite_autoincrement": True},)

    n: int | None = Field(default=None, primary_key=True)
    id: str = Field(default_factory=new_id, unique=True)
    channel: str
    address_print: str = Field(index=True)
    from_person: bool
    body: bytes
    at: datetime = Field(sa_type=Utc, index=True)


STAFF = rows("staff")
PASSKEY = rows("passkey")
SIGN_IN = rows("sign_in")
LOGGED = rows("logged")
API_KEY = rows("api_key")
EXPORT = rows("export")
CONTACT_CHANGE = rows("contact_change")
LIKENESS = rows("likeness")
VISIT = rows("visit")
LINK = rows("link")
SHOWN = rows("shown")
