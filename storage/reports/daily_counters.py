"""Daily counts for the service: numbers only, never a word of anybody."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, delete, insert, update
from sqlmodel import Session, col, select

from storage.tables import TALLY, Tally


@dataclass(frozen=True, slots=True)
class Counted:
    """How often something happened on one day."""

    day: date
    what: str
    key: str
    n: int


def add(conn: Connection, day: date, what: str, key: str) -> None:
    """Count one more."""
    mine = (TALLY.c.day == day, TALLY.c.what == what, TALLY.c.key == key)
    if conn.execute(update(TALLY).where(*mine).values(n=TALLY.c.n + 1)).rowcount == 0:
        conn.execute(insert(TALLY), {"day": day, "what": what, "key": key, "n": 1})


def read(session: Session) -> list[Counted]:
    """Return all counts, by day and then by name."""
    query = select(Tally).order_by(col(Tally.day), col(Tally.what), col(Tally.key))
    return [Counted(row.day, row.what, row.key, row.n) for row in session.exec(query)]


def drop(conn: Connection, before: date) -> int:
    """Drop the counts of every day before this one; return how many rows that were."""
    return conn.execute(delete(TALLY).where(TALLY.c.day < before)).rowcount
