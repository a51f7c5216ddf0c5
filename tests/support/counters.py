"""The daily counters, as tests read them; the product reads only sums of some of them."""

from datetime import date

from sqlalchemy import select

from storage.reports import daily_counters
from storage.tables import DAILY_COUNTER
from storage.unit import Unit


def list_counters(unit: Unit) -> list[tuple[date, str, str, int]]:
    """Return (day, event, key, count) of every counter, by day and then by name."""
    daily_counters.write_increments(unit)
    rows = unit.conn.execute(select(DAILY_COUNTER)).all()
    return sorted((row.day, row.event, row.key, row.n) for row in rows)
