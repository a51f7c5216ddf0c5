"""The desk and the sweep read only what they show or end: an index of the search, kept figures."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TIME = sa.DateTime(timezone=True)
_COLUMNS: dict[str, tuple[tuple[str, sa.DateTime | sa.String], ...]] = {
    "chat": (("released_at", _TIME),),
    "referral": (("indexed_at", _TIME), ("recount_since", _TIME), ("result", sa.String())),
}
_INDEXES = (
    ("ix_chat_handed_off_to", "chat", ["handed_off_to"], "handed_off_to IS NOT NULL"),
    ("ix_chat_released_at", "chat", ["released_at"], "released_at IS NOT NULL"),
    ("ix_contact_change_decided_at", "contact_change", ["decided_at"], "body IS NOT NULL"),
    ("ix_conversation_kept", "conversation", ["last_input_at"], "blanked_at IS NULL"),
    ("ix_inbox_stage_ended_at", "inbox", ["stage", "ended_at"], ""),
    ("ix_outbox_stage_ended_at", "outbox", ["stage", "ended_at"], ""),
    ("ix_referral_lease_until", "referral", ["lease_until"], "lease_until IS NOT NULL"),
    ("ix_referral_stage_owner_alert_count", "referral", ["stage", "owner", "alert_count"], ""),
    ("ix_referral_stage_closed_at", "referral", ["stage", "closed_at"], ""),
    ("ix_referral_sent_at_due", "referral", ["sent_at", "due"], ""),
    ("ix_referral_journey_source_sent_at", "referral", ["journey", "source", "sent_at"], ""),
    (
        "ix_referral_queue_stage_result_sent_at",
        "referral",
        ["queue", "stage", "result", "sent_at"],
        "",
    ),
    (
        "ix_referral_to_index",
        "referral",
        ["sent_at"],
        "indexed_at IS NULL AND body IS NOT NULL",
    ),
    ("ix_referral_recount_since", "referral", ["recount_since"], "recount_since IS NOT NULL"),
)
"""Name, table, columns, and the rows that it is about; all where that is empty."""
_REPORTED = (
    ["sent_at", "due", "claimed_at", "tried_at", "spoke_at"],
    ["claim_took", "sent_at"],
    ["try_took", "sent_at"],
    ["first_try", "try_took", "sent_at"],
    ["talk_took", "sent_at"],
    ["attempts", "sent_at"],
)
"""The indexes of the response times, each named after its columns."""

_NEEDING_A_CHAT = ("conversation", "officer", "referral")


def upgrade() -> None:
    """Add the tables, columns and indexes; the sweep then fills in what was there before."""
    _create_tables()
    for table, columns in _COLUMNS.items():
        for name, type_ in columns:
            op.add_column(table, sa.Column(name, type_, nullable=True))
    op.drop_index("ix_referral_stage_lease_until", "referral")
    for name, table, of, condition in _INDEXES:
        where = sa.text(condition) if condition else None
        op.create_index(name, table, of, sqlite_where=where, postgresql_where=where)
    _mark_what_is_due()


def downgrade() -> None:
    """Bring the schema back to the revision before."""
    for name, table, _, _ in reversed(_INDEXES):
        op.drop_index(name, table)
    op.create_index("ix_referral_stage_lease_until", "referral", ["stage", "lease_until"])
    for table, columns in _COLUMNS.items():
        with op.batch_alter_table(table) as changed:
            for name, _ in columns:
                changed.drop_column(name)
    op.drop_table("response_time")
    op.drop_table("search_shard")


def _create_tables() -> None:
    op.create_table(
        "search_shard",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_shard")),
    )
    op.create_table(
        "response_time",
        sa.Column("referral_id", sa.String(), nullable=False),
        sa.Column("sent_at", _TIME, nullable=False),
        sa.Column("due", _TIME, nullable=False),
        sa.Column("claimed_at", _TIME, nullable=True),
        sa.Column("claim_took", sa.BigInteger(), nullable=True),
        sa.Column("tried_at", _TIME, nullable=True),
        sa.Column("try_took", sa.BigInteger(), nullable=True),
        sa.Column("first_try", sa.String(), nullable=True),
        sa.Column("spoke_at", _TIME, nullable=True),
        sa.Column("talk_took", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["referral_id"],
            ["referral.id"],
            name=op.f("fk_response_time_referral_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("referral_id", name=op.f("pk_response_time")),
    )
    for columns in _REPORTED:
        op.create_index(op.f(f"ix_response_time_{'_'.join(columns)}"), "response_time", columns)


def _mark_what_is_due() -> None:
    """Have every referral counted, and every chat looked at that nothing needs any more."""
    chat = sa.table("chat", *map(sa.column, ("id", "created_at", "released_at")))
    others = [sa.table(name, sa.column("chat_id")) for name in _NEEDING_A_CHAT]
    needed = [sa.exists().where(other.c.chat_id == chat.c.id) for other in others]
    unneeded = sa.update(chat).where(~sa.or_(*needed))
    op.execute(unneeded.values(released_at=chat.c.created_at))
    referral = sa.table("referral", sa.column("sent_at"), sa.column("recount_since"))
    op.execute(sa.update(referral).values(recount_since=referral.c.sent_at))
