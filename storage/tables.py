"""The tables. In the clear: random ids, times, stages, counts. Every `bytes` column is sealed."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, Row, Table, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.sql import RowNumber, rows_where
from storage.sql import UtcDateTime as UtcDateTime
from storage.sql import new_id as new_id

AnyRow = Row[*tuple[Any, ...]]
METADATA = SQLModel.metadata
METADATA.naming_convention = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class InboxRow(SQLModel, table=True):
    """One arrival; `n` is its place in the queue. The body is blanked once it is answered."""

    __tablename__ = "inbox"
    __table_args__ = (
        Index(None, "stage", "n"),
        Index(None, "stage", "ended_at"),
        Index(None, "chat_fingerprint", "stage", "not_before"),
    )

    n: int | None = Field(default=None, primary_key=True, sa_type=RowNumber)
    id: str = Field(default_factory=new_id, unique=True)
    channel: str
    fingerprint: str = Field(unique=True)
    chat_fingerprint: str
    body: bytes | None = None
    stage: str
    attempts: int = 0
    not_before: datetime | None = Field(default=None, sa_type=UtcDateTime)
    received_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ChatRow(SQLModel, table=True):
    """One place to write to somebody; looked up by the fingerprint of its address.

    While `handed_off_to` names a member of staff and `handoff_until` is ahead, the bot is silent.
    `handoff_reference` is the referral that they have it for. `released_at`: when something that
    needed the chat went, so that the sweep looks whether anything else does.
    """

    __tablename__ = "chat"
    __table_args__ = (
        Index(None, "handed_off_to", **rows_where("handed_off_to IS NOT NULL")),
        Index(None, "released_at", **rows_where("released_at IS NOT NULL")),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    channel: str
    address: bytes
    address_fingerprint: str = Field(unique=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    handed_off_to: str | None = None
    handoff_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    handoff_reference: str | None = None
    released_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ConversationRow(SQLModel, table=True):
    """Where one person stands. `version` is the optimistic lock; retention sets `blanked_at`."""

    __tablename__ = "conversation"
    __table_args__ = (
        Index(None, "last_input_at"),
        Index("ix_conversation_kept", "last_input_at", **rows_where("blanked_at IS NULL")),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    chat_id: str = Field(foreign_key="chat.id", ondelete="CASCADE", unique=True)
    version: int = 1
    stage: str
    reference: str | None = Field(default=None, unique=True)
    body: bytes
    last_input_at: datetime = Field(sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    blanked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class AnswerRow(SQLModel, table=True):
    """One answer of a draft: an event, never changed."""

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("conversation_id", "n"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id", ondelete="CASCADE")
    n: int
    body: bytes


class MessageRow(SQLModel, table=True):
    """The channel's id of one message in a chat, so that it can be cleared; no text."""

    __tablename__ = "message"
    __table_args__ = (UniqueConstraint("chat_id", "fingerprint"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    chat_id: str = Field(foreign_key="chat.id", ondelete="CASCADE")
    fingerprint: str
    body: bytes
    from_person: bool
    at: datetime = Field(sa_type=UtcDateTime, index=True)


class OutboxRow(SQLModel, table=True):
    """One thing to send; `n` is its place in the queue. The body is blanked once it is sent.

    What has the lowest `priority` goes first. `prompts`: for how many prompts of the bot
    it stands; a later prompt may go in its place, but never in that of a row with none.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(None, "stage", "priority", "n"),
        Index(None, "stage", "ended_at"),
        Index(None, "chat_id", "stage", "n"),
    )

    n: int | None = Field(default=None, primary_key=True, sa_type=RowNumber)
    id: str = Field(default_factory=new_id, unique=True)
    chat_id: str | None = Field(default=None, foreign_key="chat.id", ondelete="CASCADE")
    channel: str
    kind: str
    body: bytes | None = None
    priority: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    prompts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    stage: str
    attempts: int = 0
    reason: str = ""
    not_before: datetime | None = Field(default=None, sa_type=UtcDateTime)
    enqueued_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ReferralRow(SQLModel, table=True):
    """A referral in the staff queue. `unseen`: the person did something staff have not seen.

    `source` is where it came in: a channel, or phone or paper. `alert_count` is how many alerts
    went out that it is unclaimed: first the team, then the manager. `ix_referral_listed` holds
    all that a list of referrals is chosen and sorted by, so that no record is read for that; those
    with `sent_at` hold what the report counts. `indexed_at` is when the index of the search took
    its answers in, None when it has to. `recount_since`: an act that the report counts is not in
    `result`, the newest act that tells what came of it, and not in its response times yet.
    """

    __tablename__ = "referral"
    __table_args__ = (
        Index(None, "lease_until", **rows_where("lease_until IS NOT NULL")),
        Index(None, "stage", "owner", "alert_count"),
        Index(None, "stage", "closed_at"),
        Index(None, "sent_at", "due"),
        Index(None, "journey", "source", "sent_at"),
        Index(None, "queue", "stage", "result", "sent_at"),
        Index(
            "ix_referral_to_index",
            "sent_at",
            **rows_where("indexed_at IS NULL AND body IS NOT NULL"),
        ),
        Index(None, "recount_since", **rows_where("recount_since IS NOT NULL")),
        Index(
            "ix_referral_listed",
            *("queue", "stage", "owner", "journey", "unseen", "urgent", "hold", "may_contact"),
            *("until", "due", "closed_at", "sent_at", "reference"),
        ),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    reference: str = Field(unique=True)
    chat_id: str | None = Field(
        default=None, foreign_key="chat.id", ondelete="SET NULL", index=True
    )
    queue: str
    provider: str
    source: str = Field(default="", sa_column_kwargs={"server_default": ""})
    journey: str = Field(default="", sa_column_kwargs={"server_default": ""})
    stage: str
    owner: str | None = None
    hold: bool
    urgent: bool
    may_contact: bool
    unseen: bool = False
    alert_count: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    body: bytes | None = None
    flags: bytes | None = None
    sent_at: datetime = Field(sa_type=UtcDateTime)
    due: datetime = Field(sa_type=UtcDateTime)
    zone: str
    until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    opened_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    erased_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    indexed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    recount_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    result: str | None = None


class StepRow(SQLModel, table=True):
    """One act on a referral: what, who, when; the note is sealed."""

    __tablename__ = "step"
    __table_args__ = (Index(None, "referral_id", "n"),)

    n: int | None = Field(default=None, primary_key=True, sa_type=RowNumber)
    id: str = Field(default_factory=new_id, unique=True)
    referral_id: str = Field(foreign_key="referral.id", ondelete="CASCADE")
    act: str
    actor: str
    stage: str
    note: bytes | None = None
    until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    at: datetime = Field(sa_type=UtcDateTime)


class OfficerRow(SQLModel, table=True):
    """A partner officer's own details, stored for one chat."""

    __tablename__ = "officer"

    id: str = Field(default_factory=new_id, primary_key=True)
    chat_id: str = Field(foreign_key="chat.id", ondelete="CASCADE", unique=True)
    body: bytes
    seen_at: datetime = Field(sa_type=UtcDateTime, index=True)


class InvitationRow(SQLModel, table=True):
    """A single-use code for a partner officer; only its fingerprint is stored."""

    __tablename__ = "invitation"

    id: str = Field(default_factory=new_id, primary_key=True)
    code_fingerprint: str = Field(unique=True)
    body: bytes | None = None
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class MissedQuestionRow(SQLModel, table=True):
    """A question without a reviewed answer, stored because the person agreed."""

    __tablename__ = "missed_question"

    id: str = Field(default_factory=new_id, primary_key=True)
    body: bytes
    at: datetime = Field(sa_type=UtcDateTime, index=True)


class DailyCounterRow(SQLModel, table=True):
    """A daily count: numbers only."""

    __tablename__ = "daily_counter"

    day: date = Field(primary_key=True)
    event: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    n: int = 0


class SystemStateRow(SQLModel, table=True):
    """One sealed value: the check of the vault, or the heartbeat of the sweep."""

    __tablename__ = "system_state"

    id: str = Field(primary_key=True)
    body: bytes


def table_of(cls: type[SQLModel]) -> Table:
    """Return the table that a class declares: every query is a Core statement on one of these."""
    return METADATA.tables[str(cls.__tablename__)]


INBOX = table_of(InboxRow)
CHAT = table_of(ChatRow)
CONVERSATION = table_of(ConversationRow)
ANSWER = table_of(AnswerRow)
MESSAGE = table_of(MessageRow)
OUTBOX = table_of(OutboxRow)
REFERRAL = table_of(ReferralRow)
STEP = table_of(StepRow)
OFFICER = table_of(OfficerRow)
INVITATION = table_of(InvitationRow)
MISSED_QUESTION = table_of(MissedQuestionRow)
DAILY_COUNTER = table_of(DailyCounterRow)
SYSTEM_STATE = table_of(SystemStateRow)
