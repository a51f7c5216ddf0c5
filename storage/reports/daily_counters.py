"""Daily counts for the service: numbers only, never a word of anybody."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, delete, insert, update
from sqlmodel import Session, col, select

from storage.tables import DAILY_COUNTER, DailyCounterRow


@dataclass(frozen=True, slots=True)
class DailyCounter:
    """How often something happened on one day."""

    day: date
    event: str
    key: str
    n: int


def increment_counter(conn: Connection, day: date, event: str, key: str) -> None:
    """Count one more."""
    mine = (DAILY_COUNTER.c.day == day, DAILY_COUNTER.c.what == event, DAILY_COUNTER.c.key == key)
    if (
        conn.execute(update(DAILY_COUNTER).where(*mine).values(n=DAILY_COUNTER.c.n + 1)).rowcount
        == 0
    ):
        conn.execute(insert(DAILY_COUNTER), {"day": day, "what": event, "key": key, "n": 1})


def list_counters(session: Session) -> list[DailyCounter]:
    """Return all counts, by day and then by name."""
    query = select(DailyCounterRow).order_by(
        col(DailyCounterRow.day), col(DailyCounterRow.what), col(DailyCounterRow.key)
    )
    return [DailyCounter(row.day, row.what, row.key, row.n) for row in session.exec(query)]


def delete_counters_before(conn: Connection, before: date) -> int:
    """Drop the counts of every day before this one; return how many rows that were."""
    return conn.execute(delete(DAILY_COUNTER).where(DAILY_COUNTER.c.day < before)).rowcount
