"""Daily counters: numbers only, no text of a person."""

from datetime import date

from sqlalchemy import delete, insert, update

from storage.tables import DAILY_COUNTER
from storage.unit import Unit


def increment_counter(unit: Unit, event: str, key: str) -> None:
    """Increment a counter of the day (UTC) of this transaction."""
    day = unit.now.date()
    mine = (DAILY_COUNTER.c.day == day, DAILY_COUNTER.c.event == event, DAILY_COUNTER.c.key == key)
    if unit.changed(update(DAILY_COUNTER).where(*mine).values(n=DAILY_COUNTER.c.n + 1)) == 0:
        unit.conn.execute(insert(DAILY_COUNTER), {"day": day, "event": event, "key": key, "n": 1})


def delete_counters_before(unit: Unit, before: date) -> int:
    """Drop the counts of every day before this one; return how many rows that were."""
    return unit.changed(delete(DAILY_COUNTER).where(DAILY_COUNTER.c.day < before))
