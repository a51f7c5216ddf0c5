"""A list as it is taken away: what its columns are, and the last line that says who took it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.desk.casework.record_view import Item, shown
from bot.desk.labels import said
from flows.questions.questionnaire import questions
from flows.record import Record
from flows.service import service
from flows.wording import FIRST_LANGUAGE, say
from storage.referrals.lifecycle import Entry
from storage.reports.exports import Request

_L = FIRST_LANGUAGE
PLAIN = ("reference", "queue", "stage", "door", "journey", "due", "sent", "owner", "flags")
DETAILS = ("safe", "ways")
"""Columns of every list, and those that come first of what people said. How to make contact
safely stands before any number, and no number at all where no contact may be made."""


def rows_of(entries: Sequence[Entry], records: Mapping[str, Record] | None) -> list[list[str]]:
    """Return a list as rows of text, the heads first; with `records`, what people said too."""
    heads = [say(_L, f"desk.sheet.{name}") for name in PLAIN]
    if records is None:
        return [heads, *(_plain(entry) for entry in entries)]
    asked = _asked(records)
    heads += [say(_L, f"desk.sheet.{name}") for name in DETAILS]
    heads += [say(_L, f"questions.{key}.title") for key in asked]
    rows = [[*_plain(one), *_details(one, records.get(one.reference), asked)] for one in entries]
    return [heads, *rows]


def last_line(request: Request, n: int, now: datetime) -> list[str]:
    """Return the line that says who took a list, when, and why."""
    why = f"{said('export_whys', request.why)} {request.words}".strip()
    who, when = request.asked_by, _time(now)
    return [say(_L, "desk.sheet.taken", who=who, when=when, why=why, n=n, id=request.id)]


def _plain(entry: Entry) -> list[str]:
    flags = [] if entry.may_contact else [say(_L, "desk.queue.no_contact")]
    return [
        entry.reference,
        said("queues", entry.queue),
        said("stages", entry.stage),
        said("doors", entry.door),
        said("from", entry.journey),
        _time(entry.due),
        _time(entry.sent_at),
        entry.owner or "",
        "; ".join([*flags, *(said("flags", flag) for flag in entry.flags)]),
    ]


def _details(entry: Entry, record: Record | None, asked: Sequence[str]) -> list[str]:
    if record is None:
        return [said("stages", "erased"), *[""] * (len(asked) + 1)]
    seen = shown(record, own=True, read=True, reveal=True, may_contact=entry.may_contact)
    answers = {
        line.question: item.text for line, item in zip(record.lines, seen.answers, strict=True)
    }
    safe = "\n".join([*seen.warnings, *map(_told, seen.safe)])
    ways = "\n".join(map(_told, seen.ways))
    return [safe, ways, *(answers.get(key, "") for key in asked)]


def _told(item: Item) -> str:
    return f"{item.title}: {item.text}"


def _asked(records: Mapping[str, Record]) -> list[str]:
    """Return the questions of these records, in the order they are asked."""
    found = {line.question for record in records.values() for line in record.lines}
    return [one.key for one in questions() if one.key in found]


def _time(moment: datetime) -> str:
    """Return a time where the service is, in a form that sorts."""
    return f"{moment.astimezone(ZoneInfo(service().zone)):%Y-%m-%d %H:%M}"
