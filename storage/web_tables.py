"""The tables of the desk and the browser: accounts, sign-ins, logbook, links, screens."""

from datetime import datetime

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from storage.sql import RowNumber, UtcDateTime, new_id, rows_where
from storage.tables import METADATA as METADATA
from storage.tables import table_of


class StaffRow(SQLModel, table=True):
    """One member of staff. `name` is what they sign in with and what every step carries.

    `password_hash` is argon2id, `totp_secret` is sealed, `last_time_step` is the last one used;
    `code_fingerprint` finds the one-time code by which an invited account is activated.
    """

    __tablename__ = "staff"

    id: str = Field(default_factory=new_id, primary_key=True)
    name: str = Field(unique=True)
    role: str
    password_hash: str | None = None
    totp_secret: bytes | None = None
    last_time_step: int = 0
    subject_fingerprint: str | None = Field(default=None, unique=True)
    code_fingerprint: str | None = Field(default=None, unique=True)
    code_expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    invited_by: str
    invited_at: datetime = Field(sa_type=UtcDateTime)
    joined_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    shortcuts: bool = True


class PasskeyRow(SQLModel, table=True):
    """One passkey of a member of staff; the body holds its id and public key."""

    __tablename__ = "passkey"

    id: str = Field(default_factory=new_id, primary_key=True)
    staff_id: str = Field(foreign_key="staff.id", ondelete="CASCADE", index=True)
    credential_fingerprint: str = Field(unique=True)
    body: bytes
    sign_count: int = 0
    added_at: datetime = Field(sa_type=UtcDateTime)


class SignInRow(SQLModel, table=True):
    """One sign-in of a browser; only the fingerprint of its token is stored."""

    __tablename__ = "sign_in"

    id: str = Field(default_factory=new_id, primary_key=True)
    token_fingerprint: str = Field(unique=True)
    staff_id: str = Field(foreign_key="staff.id", ondelete="CASCADE", index=True)
    method: str
    started_at: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class LogbookRow(SQLModel, table=True):
    """One dated line: who did what, to what, why, and whether it was refused.

    `chain_hash` is a fingerprint of this line and the hash before it, so that a change shows.
    """

    __tablename__ = "logbook"

    n: int | None = Field(default=None, primary_key=True, sa_type=RowNumber)
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    actor: str
    action: str
    target: str = Field(default="", index=True)
    reason: str = ""
    refused: bool = False
    chain_hash: str


class ApiKeyRow(SQLModel, table=True):
    """A token of another system; only its fingerprint is stored."""

    __tablename__ = "api_key"

    id: str = Field(default_factory=new_id, primary_key=True)
    name: str
    token_fingerprint: str = Field(unique=True)
    scopes: str
    created_by: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ExportRow(SQLModel, table=True):
    """A list that was requested for download; a second person approves a long one.

    `explanation` is what they typed beside the code, sealed.
    """

    __tablename__ = "export"

    id: str = Field(default_factory=new_id, primary_key=True)
    requested_by: str
    requested_at: datetime = Field(sa_type=UtcDateTime)
    reason_code: str
    explanation: bytes | None = None
    selection: str
    size: int
    file_format: str
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    approved: bool = False
    collected_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ContactChangeRow(SQLModel, table=True):
    """A change of contact details that waits for a second person; the body is sealed."""

    __tablename__ = "contact_change"
    __table_args__ = (Index(None, "decided_at", **rows_where("body IS NOT NULL")),)

    id: str = Field(default_factory=new_id, primary_key=True)
    referral_id: str = Field(foreign_key="referral.id", ondelete="CASCADE", index=True)
    requested_by: str
    requested_at: datetime = Field(sa_type=UtcDateTime)
    body: bytes | None
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    approved: bool = False


class MatchKeyRow(SQLModel, table=True):
    """An HMAC-SHA-256 of a number, reference or name with birth year: equal ones match."""

    __tablename__ = "match_key"

    id: str = Field(default_factory=new_id, primary_key=True)
    referral_id: str = Field(foreign_key="referral.id", ondelete="CASCADE", index=True)
    kind: str
    fingerprint: str = Field(index=True)


class SearchShardRow(SQLModel, table=True):
    """A part of the index of the search: the lines of all referrals whose ids begin with its id."""

    __tablename__ = "search_shard"

    id: str = Field(primary_key=True)
    body: bytes


class ResponseTimeRow(SQLModel, table=True):
    """When a referral was first claimed, tried and reached, and how much working time that took.

    The times are in microseconds of the service's hours; `attempts` until somebody was spoken to,
    None while nobody was. The report is counted from the indexes alone.
    """

    __tablename__ = "response_time"
    __table_args__ = (
        Index(None, "sent_at", "due", "claimed_at", "tried_at", "spoke_at"),
        Index(None, "claim_took", "sent_at"),
        Index(None, "try_took", "sent_at"),
        Index(None, "first_try", "try_took", "sent_at"),
        Index(None, "talk_took", "sent_at"),
        Index(None, "attempts", "sent_at"),
    )

    referral_id: str = Field(foreign_key="referral.id", ondelete="CASCADE", primary_key=True)
    sent_at: datetime = Field(sa_type=UtcDateTime)
    due: datetime = Field(sa_type=UtcDateTime)
    claimed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    claim_took: int | None = Field(default=None, sa_type=BigInteger)
    tried_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    try_took: int | None = Field(default=None, sa_type=BigInteger)
    first_try: str | None = None
    spoke_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    talk_took: int | None = Field(default=None, sa_type=BigInteger)
    attempts: int | None = None


class BrowserSessionRow(SQLModel, table=True):
    """One browser in a conversation; only the fingerprint of its token is stored."""

    __tablename__ = "browser_session"

    id: str = Field(default_factory=new_id, primary_key=True)
    token_fingerprint: str = Field(unique=True)
    channel: str
    address: bytes
    address_fingerprint: str = Field(index=True)
    started_at: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime = Field(sa_type=UtcDateTime, index=True)


class OneTimeLinkRow(SQLModel, table=True):
    """A one-time link or code; only its fingerprint is stored."""

    __tablename__ = "one_time_link"

    id: str = Field(default_factory=new_id, primary_key=True)
    code_fingerprint: str = Field(unique=True)
    kind: str
    channel: str
    address_fingerprint: str = Field(index=True)
    body: bytes | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ScreenMessageRow(SQLModel, table=True):
    """One message on the screen of a browser chat; the words are sealed.

    `n` is never used again, and grows when a message changes: the largest tells what is new.
    """

    __tablename__ = "screen_message"
    __table_args__ = ({"sqlite_autoincrement": True},)

    n: int | None = Field(default=None, primary_key=True, sa_type=RowNumber)
    id: str = Field(default_factory=new_id, unique=True)
    channel: str
    address_fingerprint: str = Field(index=True)
    from_person: bool
    body: bytes
    at: datetime = Field(sa_type=UtcDateTime, index=True)


STAFF = table_of(StaffRow)
PASSKEY = table_of(PasskeyRow)
SIGN_IN = table_of(SignInRow)
LOGBOOK = table_of(LogbookRow)
API_KEY = table_of(ApiKeyRow)
EXPORT = table_of(ExportRow)
CONTACT_CHANGE = table_of(ContactChangeRow)
MATCH_KEY = table_of(MatchKeyRow)
SEARCH_SHARD = table_of(SearchShardRow)
RESPONSE_TIME = table_of(ResponseTimeRow)
BROWSER_SESSION = table_of(BrowserSessionRow)
LINK = table_of(OneTimeLinkRow)
SCREEN_MESSAGE = table_of(ScreenMessageRow)
