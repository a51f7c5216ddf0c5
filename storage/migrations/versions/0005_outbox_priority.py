"""What waits in the outbox has a priority in place of a mark, and prompts can be replaced."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

URGENT, NORMAL = 0, 1


def _rows() -> sa.TableClause:
    return sa.table("outbox", sa.column("urgent", sa.Boolean()), sa.column("priority"))


def upgrade() -> None:
    """Give what was marked as urgent the priority that says so; nothing that waits is replaced."""
    with op.batch_alter_table("outbox") as outbox:
        outbox.add_column(
            sa.Column("priority", sa.Integer(), server_default=str(NORMAL), nullable=False)
        )
        outbox.add_column(sa.Column("prompts", sa.Integer(), server_default="0", nullable=False))
    rows = _rows()
    op.execute(rows.update().where(rows.c.urgent).values(priority=URGENT))
    with op.batch_alter_table("outbox") as outbox:
        outbox.drop_index(outbox.f("ix_outbox_stage_n"))
        outbox.drop_column("urgent")
        outbox.create_index(
            outbox.f("ix_outbox_stage_priority_n"), ["stage", "priority", "n"], unique=False
        )


def downgrade() -> None:
    """Mark what is urgent again."""
    with op.batch_alter_table("outbox") as outbox:
        outbox.add_column(
            sa.Column("urgent", sa.Boolean(), server_default="0", nullable=False),
        )
    rows = _rows()
    op.execute(rows.update().where(rows.c.priority == URGENT).values(urgent=True))
    with op.batch_alter_table("outbox") as outbox:
        outbox.drop_index(outbox.f("ix_outbox_stage_priority_n"))
        outbox.drop_column("prompts")
        outbox.drop_column("priority")
        outbox.create_index(outbox.f("ix_outbox_stage_n"), ["stage", "n"], unique=False)
