"""Run by Alembic: compares and upgrades on the connection it is given."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel import AutoString

from storage import web_tables
from storage.tables import UtcDateTime

_RENDERED_TYPES = {UtcDateTime: "sa.DateTime(timezone=True)", AutoString: "sa.String()"}


def _render_type(kind: str, schema_item: Any, _: AutogenContext) -> str | Literal[False]:
    """Return how a revision writes a type of ours: by what it is to the database."""
    return _RENDERED_TYPES.get(type(schema_item), False) if kind == "type" else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=web_tables.METADATA,
    render_as_batch=True,
    render_item=_render_type,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
