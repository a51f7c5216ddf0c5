"""Tables and columns get the names that the code uses; what is stored in them stays as it is."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLES = {
    "likeness": "match_key",
    "link": "one_time_link",
    "logged": "logbook",
    "mark": "system_state",
    "missed": "missed_question",
    "shown": "screen_message",
    "tally": "daily_counter",
    "visit": "browser_session",
}
_FORMER_TABLES = {new: old for old, new in _TABLES.items()}
_COLUMNS = {
    "api_key": {
        "token_print": "token_fingerprint",
        "made_by": "created_by",
        "made_at": "created_at",
        "used_at": "last_used_at",
        "ended_at": "revoked_at",
    },
    "browser_session": {
        "token_print": "token_fingerprint",
        "address_print": "address_fingerprint",
        "began_at": "started_at",
    },
    "chat": {
        "address_print": "address_fingerprint",
        "held_by": "handed_off_to",
        "held_until": "handoff_until",
        "held_for": "handoff_reference",
    },
    "contact_change": {
        "asked_by": "requested_by",
        "asked_at": "requested_at",
        "agreed": "approved",
    },
    "conversation": {"heard_at": "last_input_at"},
    "daily_counter": {"what": "event"},
    "export": {
        "asked_by": "requested_by",
        "asked_at": "requested_at",
        "why": "reason_code",
        "words": "explanation",
        "chosen": "selection",
        "form": "file_format",
        "agreed": "approved",
        "taken_at": "collected_at",
    },
    "inbox": {"print": "fingerprint", "chat_print": "chat_fingerprint"},
    "invitation": {"code_print": "code_fingerprint"},
    "logbook": {
        "who": "actor",
        "did": "action",
        "about": "target",
        "why": "reason",
        "mark": "chain_hash",
    },
    "match_key": {"print": "fingerprint"},
    "message": {"print": "fingerprint"},
    "missed_question": {},
    "one_time_link": {
        "code_print": "code_fingerprint",
        "address_print": "address_fingerprint",
        "made_at": "created_at",
    },
    "outbox": {"tries": "attempts", "why": "reason", "put_at": "enqueued_at"},
    "passkey": {"credential_print": "credential_fingerprint", "uses": "sign_count"},
    "referral": {"door": "source", "alerted": "alert_count"},
    "screen_message": {"address_print": "address_fingerprint"},
    "sign_in": {
        "token_print": "token_fingerprint",
        "how": "method",
        "began_at": "started_at",
    },
    "staff": {
        "password": "password_hash",
        "totp": "totp_secret",
        "totp_step": "last_time_step",
        "subject_print": "subject_fingerprint",
        "code_print": "code_fingerprint",
        "code_until": "code_expires_at",
    },
    "step": {"who": "actor"},
    "system_state": {},
}


def upgrade() -> None:
    """Bring the schema to this revision."""
    _rename(_TABLES, _COLUMNS)


def downgrade() -> None:
    """Bring the schema back to the revision before."""
    _rename(
        _FORMER_TABLES,
        {
            _FORMER_TABLES.get(table, table): {new: old for old, new in columns.items()}
            for table, columns in _COLUMNS.items()
        },
    )


def _rename(tables: Mapping[str, str], columns: Mapping[str, Mapping[str, str]]) -> None:
    connection = op.get_bind()
    on_sqlite = connection.dialect.name == "sqlite"
    if on_sqlite and connection.exec_driver_sql("PRAGMA foreign_keys").scalar():
        raise RuntimeError("Foreign keys must be off: tables are dropped and written anew.")
    for before, after in tables.items():
        op.rename_table(before, after)
    for table, renamed in columns.items():
        for before, after in renamed.items():
            op.alter_column(table, before, new_column_name=after)
    for name in columns:
        _rename_constraints(connection, name, on_sqlite)


def _rename_constraints(connection: sa.Connection, name: str, on_sqlite: bool) -> None:
    """Name the keys, constraints and indexes of a table after its columns, as elsewhere."""
    table = sa.Table(name, sa.MetaData(), autoload_with=connection)
    items: list[Any] = [*table.constraints, *table.indexes]
    for item in items:
        former, columns = str(item.name), item.columns.keys()
        kept = {"pk": [], "fk": columns[:1]}.get(former[:2], columns)
        wanted = "_".join((former[:2], name, *kept))
        if item.name is None or former in (wanted, "ix_referral_listed"):
            continue
        item.name = wanted
        if not on_sqlite and isinstance(item, sa.Index):
            op.execute(f"ALTER INDEX {former} RENAME TO {wanted}")
        elif not on_sqlite:
            op.execute(f"ALTER TABLE {name} RENAME CONSTRAINT {former} TO {wanted}")
    if on_sqlite:
        _recreate(connection, table)


def _recreate(connection: sa.Connection, table: sa.Table) -> None:
    """Write a SQLite table anew: its own text is all that holds the names of constraints."""
    counts_up = table.name in ("shown", "screen_message")
    own = {"name": table.name}
    last = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name")
    number = connection.scalar(last, own) if counts_up else None
    with op.batch_alter_table(
        table.name,
        recreate="always",
        copy_from=table,
        table_kwargs={"sqlite_autoincrement": counts_up},
    ):
        pass
    if number is not None:
        # Messages newer than all that are left have gone: no number is given a second time.
        connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :name"), own)
        again = sa.text("INSERT INTO sqlite_sequence VALUES (:name, :number)")
        connection.execute(again, {**own, "number": number})
