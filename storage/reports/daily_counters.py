"""Daily counters: numbers only, no text of a person."""

from datetime import date

from sqlalchemy import bindparam, delete

from storage.tables import DAILY_COUNTER
from storage.unit import Unit
from storage.upsert import upsert

UNTRUSTED_PROXY = ("web", "untrusted_proxy")
"""Event and key: hours in which a proxy passed visitors on that TRUSTED_PROXIES does not name."""

_INCREMENT = (
    upsert(DAILY_COUNTER)
    .values(day=bindparam("day"), event=bindparam("event"), key=bindparam("key"), n=1)
    .on_conflict_do_update(
        index_elements=["day", "event", "key"], set_={"n": DAILY_COUNTER.c.n + 1}
    )
)


def increment_counter(unit: Unit, event: str, key: str) -> None:
    """Increment a counter of the day (UTC) of this transaction."""
    unit.add(_INCREMENT, {"day": unit.now.date(), "event": event, "key": key})


def delete_counters_before(unit: Unit, before: date) -> int:
    """Drop the counts of every day before this one; return how many rows that were."""
    return unit.changed(delete(DAILY_COUNTER).where(DAILY_COUNTER.c.day < before))
