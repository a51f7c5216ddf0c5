"""The printed form of one referral: safe contact first, contact details after it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.desk.casework.record_view import (
    RecordItem,
    RecordView,
    TimelineEntry,
    timeline,
    view_record,
)
from bot.desk.labels import flag_labels, label_for
from flows.record import Record
from flows.wording import FIRST_LANGUAGE, format_time, say
from storage.referrals.rows import QueueEntry, ReferralStep

_L = FIRST_LANGUAGE


@dataclass(frozen=True, slots=True)
class PrintRow:
    """One line: a title, which may be empty, and what stands beside it."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class PrintSection:
    """One part under a heading."""

    title: str
    rows: tuple[PrintRow, ...]


@dataclass(frozen=True, slots=True)
class Printout:
    """The whole of it; `foot` says on every page who took it and that it is to be kept safe."""

    title: str
    summary: tuple[str, ...]
    sections: tuple[PrintSection, ...]
    footer: str


def printout_of(
    entry: QueueEntry, record: Record, steps: Sequence[ReferralStep], actor: str, now: datetime
) -> Printout:
    """Return a referral as its owner prints it. Where contact is barred, it has no number."""
    seen = view_record(
        record, is_owner=True, may_read_answers=True, reveal=True, may_contact=entry.may_contact
    )
    parts = (
        PrintSection(say(_L, "desk.printout.safe"), tuple(_safety_rows(seen))),
        PrintSection(
            say(_L, "desk.printout.ways"), tuple(_item_row(one) for one in seen.contact_details)
        ),
        PrintSection(say(_L, "desk.printout.note"), tuple(_note_rows(entry, record))),
        PrintSection(say(_L, "desk.printout.answers"), tuple(_answer_rows(seen))),
        PrintSection(say(_L, "desk.printout.consent"), (PrintRow("", record.consent),)),
        PrintSection(say(_L, "desk.printout.steps"), tuple(map(_step_row, timeline(steps)))),
    )
    about = (
        f"{label_for('queues', entry.queue)}. {label_for('stages', entry.stage)}. {entry.provider}",
        say(_L, "desk.printout.due", due=format_time(_L, entry.due)),
        say(_L, "desk.printout.sent", sent=format_time(_L, entry.sent_at)),
    )
    when = format_time(_L, now)
    foot = say(_L, "desk.printout.foot", reference=entry.reference, who=actor, when=when)
    return Printout(entry.reference, about, tuple(part for part in parts if part.rows), foot)


def _safety_rows(record_view: RecordView) -> Iterator[PrintRow]:
    yield from (PrintRow("", text) for text in record_view.warnings)
    yield from map(_item_row, record_view.safe_contact)


def _note_rows(entry: QueueEntry, record: Record) -> Iterator[PrintRow]:
    yield from (PrintRow("", text) for text in flag_labels(entry))
    yield from (PrintRow("", label_for("reasons", reason)) for reason in record.reasons)


def _answer_rows(record_view: RecordView) -> Iterator[PrintRow]:
    """Give what was asked and answered; a number stands only among the ways to make contact."""
    for item in record_view.answers:
        above = item.hidden and record_view.contact_details
        text = say(_L, "desk.printout.above") if above else item.text
        yield PrintRow(item.title, f"{text} ({item.by})" if item.by and text else text)


def _item_row(item: RecordItem) -> PrintRow:
    return PrintRow(item.title, item.text)


def _step_row(step: TimelineEntry) -> PrintRow:
    when = f"{format_time(_L, step.at)}, {step.actor}"
    return PrintRow(when, f"{step.act}. {step.note}" if step.note else step.act)
