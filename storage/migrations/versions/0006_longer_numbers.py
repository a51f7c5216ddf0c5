"""Numbers that count up may pass two thousand million, which SQLite's always could."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_FORMER_NAMES = {
    "inbox": "inbox",
    "outbox": "outbox",
    "step": "step",
    "logbook": "logged",
    "screen_message": "shown",
}
"""What each numbered table was called when its sequence was named after it."""


def upgrade() -> None:
    """Widen the numbers, and name their sequences after the tables as they are called now."""
    _alter(sa.BigInteger(), {former: table for table, former in _FORMER_NAMES.items()})


def downgrade() -> None:
    """Bring the schema back to the revision before."""
    _alter(sa.Integer(), _FORMER_NAMES)


def _alter(number: sa.types.TypeEngine[int], renamed: dict[str, str]) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in _FORMER_NAMES:
        op.alter_column(table, "n", type_=number)
    for before, after in renamed.items():
        if before != after:
            op.execute(f"ALTER SEQUENCE {before}_n_seq RENAME TO {after}_n_seq")
