"""What tables and statements are made of on every backend: types, ids, conditions, an upsert."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import BigInteger, ColumnElement, DateTime, Dialect, Integer, func, text

# Both dialects compile PostgreSQL's form of ON CONFLICT; that of SQLite is SQLite's alone.
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.types import TypeDecorator

__all__ = ["RowNumber", "UtcDateTime", "new_id", "rows_where", "upsert", "without_index"]


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time: stored and returned in UTC, refused when it is naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time in UTC; raise ValueError when it is naive."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError("A time without a zone cannot be kept.")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Return the time, aware, in UTC."""
        if value is None:
            return None
        kept: datetime = value
        return kept.replace(tzinfo=UTC) if kept.tzinfo is None else kept.astimezone(UTC)


# SQLite numbers rows by itself only in a column declared INTEGER, which there has 64 bits.
RowNumber: Any = BigInteger().with_variant(Integer(), "sqlite")


def rows_where(condition: str) -> dict[str, Any]:
    """Return the options of an index that holds only the rows which fit a condition."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def without_index(moment: ColumnElement[datetime]) -> ColumnElement[datetime]:
    """Return a time as an expression, so that no index is searched for it.

    SQLite keeps no count of what its indexes hold, and takes one for another: where the time fits
    most rows, another condition or the order has to choose the index.
    """
    return func.coalesce(moment, moment, type_=UtcDateTime)


def new_id() -> str:
    """Return a random id: 32 hexadecimal characters."""
    return uuid4().hex
