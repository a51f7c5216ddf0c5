"""The rows of an export: its columns, and a last line that names who collected it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.desk.casework.record_view import RecordItem, view_record
from bot.desk.labels import label_for
from flows.questions.questionnaire import all_questions
from flows.record import Record
from flows.service import service
from flows.wording import FIRST_LANGUAGE, say
from storage.referrals.rows import QueueEntry
from storage.reports.exports import ExportRequest

_L = FIRST_LANGUAGE
COLUMNS = ("reference", "queue", "stage", "door", "journey", "due", "sent", "owner", "flags")
DETAIL_COLUMNS = ("safe", "ways")
"""Columns of every list, and those that come first of what people said. How to make contact
safely stands before any number, and no number at all where no contact may be made."""


def export_rows(entries: list[QueueEntry], records: Mapping[str, Record] | None) -> list[list[str]]:
    """Return a list as rows of text, the heads first; with `records`, what people said too."""
    heads = [say(_L, f"desk.sheet.{name}") for name in COLUMNS]
    if records is None:
        return [heads, *(_column_cells(entry) for entry in entries)]
    asked = _question_keys(records)
    heads += [say(_L, f"desk.sheet.{name}") for name in DETAIL_COLUMNS]
    heads += [say(_L, f"questions.{key}.title") for key in asked]
    rows = [
        [*_column_cells(one), *_detail_cells(one, records.get(one.reference), asked)]
        for one in entries
    ]
    return [heads, *rows]


def footer_row(request: ExportRequest, n: int, now: datetime) -> list[str]:
    """Return the line that says who collected an export of `n` rows, when, and why."""
    why = f"{label_for('export_whys', request.reason_code)} {request.explanation}".strip()
    who, when = request.requested_by, _local_time(now)
    return [say(_L, "desk.sheet.taken", who=who, when=when, why=why, n=n, id=request.id)]


def _column_cells(entry: QueueEntry) -> list[str]:
    flags = [] if entry.may_contact else [say(_L, "desk.queue.no_contact")]
    return [
        entry.reference,
        label_for("queues", entry.queue),
        label_for("stages", entry.stage),
        label_for("doors", entry.source),
        label_for("from", entry.journey),
        _local_time(entry.due),
        _local_time(entry.sent_at),
        entry.owner or "",
        "; ".join([*flags, *(label_for("flags", flag) for flag in entry.flags)]),
    ]


def _detail_cells(entry: QueueEntry, record: Record | None, asked: Sequence[str]) -> list[str]:
    if record is None:
        return [label_for("stages", "erased"), *[""] * (len(asked) + 1)]
    seen = view_record(
        record, is_owner=True, may_read_answers=True, reveal=True, may_contact=entry.may_contact
    )
    pairs = zip(record.lines, seen.answers, strict=True)
    answers = {line.question: item.text for line, item in pairs}
    safe = "\n".join([*seen.warnings, *map(_item_text, seen.safe_contact)])
    ways = "\n".join(map(_item_text, seen.contact_details))
    return [safe, ways, *(answers.get(key, "") for key in asked)]


def _item_text(item: RecordItem) -> str:
    return f"{item.title}: {item.text}"


def _question_keys(records: Mapping[str, Record]) -> list[str]:
    """Return the questions of these records, in the order they are asked."""
    found = {line.question for record in records.values() for line in record.lines}
    return [one.key for one in all_questions() if one.key in found]


def _local_time(moment: datetime) -> str:
    """Return a time where the service is, in a form that sorts."""
    return f"{moment.astimezone(ZoneInfo(service().zone)):%Y-%m-%d %H:%M}"
