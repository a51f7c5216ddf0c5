"""Labels of stages, acts, flags and sources; and how soon something is due."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from flows.service import service
from flows.wording import FIRST_LANGUAGE, has, say
from storage.referrals.queue_views import STAGES_WITH_DEADLINE
from storage.referrals.rows import QueueEntry

_L = FIRST_LANGUAGE


def label_for(table: str, key: str) -> str:
    """Return what a table of the desk says for a key; the key itself when it says nothing."""
    found = f"desk.{table}.{key}"
    return say(_L, found) if key.replace("_", "").isalnum() and has(_L, found) else key


def flag_labels(entry: QueueEntry) -> list[str]:
    """Return what to take note of, in words, without what is only not known."""
    return [label_for("flags", flag) for flag in entry.flags if not flag.endswith("_not_known")]


def next_action_at(entry: QueueEntry) -> datetime:
    """Return when something is to be done: when it comes back, else as promised."""
    return entry.until or entry.due


def due_status(entry: QueueEntry, now: datetime) -> str:
    """Return late, today, tomorrow, again (it came back), or "" when none of these fits."""
    if entry.stage not in STAGES_WITH_DEADLINE and entry.until is None:
        return ""
    if entry.until and entry.until <= now:
        return "again"
    if next_action_at(entry) < now:
        return "late"
    days = (_local_day(next_action_at(entry)) - _local_day(now)).days
    return {0: "today", 1: "tomorrow"}.get(days, "")


def end_of_today(now: datetime) -> datetime:
    """Return when this day ends where the service is (aware)."""
    here = now.astimezone(ZoneInfo(service().zone))
    return datetime.combine(here.date() + timedelta(days=1), time(), here.tzinfo)


def _local_day(moment: datetime) -> datetime:
    return datetime.combine(moment.astimezone(ZoneInfo(service().zone)).date(), time())
