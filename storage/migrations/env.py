"""Run by Alembic: compares and upgrades on the connection it is given."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel import AutoString

from storage import web_tables
from storage.tables import Utc

_AS = {Utc: "sa.DateTime(timezone=True)", AutoString: "sa.String()"}


def _drawn(kind: str, thing: Any, _: AutogenContext) -> str | Literal[False]:
    """Return how a revision writes a type of ours: by what it is to the database."""
    return _AS.get(type(thing), False) if kind == "type" else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=web_tables.METADATA,
    render_as_batch=True,
    render_item=_drawn,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
