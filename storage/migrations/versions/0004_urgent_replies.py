"""A reply about danger, leaving or stopping is marked, so that it waits for no other message."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the column; what waits already is not marked."""
    with op.batch_alter_table("outbox") as outbox:
        outbox.add_column(
            sa.Column("urgent", sa.Boolean(), server_default="0", nullable=False),
        )


def downgrade() -> None:
    """Drop the column."""
    with op.batch_alter_table("outbox") as outbox:
        outbox.drop_column("urgent")
