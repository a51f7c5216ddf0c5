"""Daily counters: numbers only, no text of a person."""

from datetime import date

from sqlalchemy import bindparam, delete, func, select

from storage.sql import upsert
from storage.tables import DAILY_COUNTER
from storage.unit import Unit

UNTRUSTED_PROXY = ("web", "untrusted_proxy")
"""Event and key: hours in which a proxy passed visitors on that TRUSTED_PROXIES does not name."""

_INCREMENT = (
    upsert(DAILY_COUNTER)
    .values(day=bindparam("day"), event=bindparam("event"), key=bindparam("key"), n=bindparam("n"))
    .on_conflict_do_update(
        index_elements=["day", "event", "key"], set_={"n": DAILY_COUNTER.c.n + bindparam("n")}
    )
)


def increment_counter(unit: Unit, event: str, key: str) -> None:
    """Increment a counter of the day (UTC) of this transaction."""
    unit.increments[unit.now.date(), event, key] += 1


def write_increments(unit: Unit) -> None:
    """Write what a unit of work has counted; the last that it does before it is committed.

    In order, and so late: others who count the same wait for the commit, and never in a circle.
    """
    rows = [
        {"day": day, "event": event, "key": key, "n": n}
        for (day, event, key), n in sorted(unit.increments.items())
    ]
    if rows:
        unit.conn.execute(_INCREMENT, rows)
    unit.increments.clear()


def count_today(unit: Unit, event: str, key: str | None = None) -> int:
    """Return how often an event was counted on the day (UTC) of this transaction.

    With each of its keys, or with the one that is given.
    """
    of_today = [DAILY_COUNTER.c.day == unit.now.date(), DAILY_COUNTER.c.event == event]
    if key is not None:
        of_today.append(DAILY_COUNTER.c.key == key)
    return int(unit.conn.scalar(select(func.sum(DAILY_COUNTER.c.n)).where(*of_today)) or 0)


def delete_counters_before(unit: Unit, before: date) -> int:
    """Drop the counts of every day before this one; return how many rows that were."""
    return unit.changed(delete(DAILY_COUNTER).where(DAILY_COUNTER.c.day < before))
