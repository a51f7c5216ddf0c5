"""One referral as it stands on paper: how to make contact safely first, numbers after that."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.desk.casework.record_view import Happened, Item, Shown, shown, timeline
from bot.desk.labels import flags_of, said
from flows.record import Record
from flows.wording import FIRST_LANGUAGE, say, spoken_time
from storage.referrals.lifecycle import Entry, Taken

_L = FIRST_LANGUAGE


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a title, which may be empty, and what stands beside it."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """One part under a heading."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """The whole of it; `foot` says on every page who took it and that it is to be kept safe."""

    title: str
    about: tuple[str, ...]
    parts: tuple[Part, ...]
    foot: str


def paper_of(
    entry: Entry, record: Record, steps: Sequence[Taken], who: str, now: datetime
) -> Paper:
    """Return a referral as its owner takes it away. Where contact is barred, it has no number."""
    seen = shown(record, own=True, read=True, reveal=True, may_contact=entry.may_contact)
    parts = (
        Part(say(_L, "desk.paper.safe"), tuple(_safe(seen))),
        Part(say(_L, "desk.paper.ways"), tuple(_row(one) for one in seen.ways)),
        Part(say(_L, "desk.paper.note"), tuple(_notes(entry, record))),
        Part(say(_L, "desk.paper.answers"), tuple(_answers(seen))),
        Part(say(_L, "desk.paper.consent"), (Row("", record.consent),)),
        Part(say(_L, "desk.paper.steps"), tuple(map(_step, timeline(steps)))),
    )
    about = (
        f"{said('queues', entry.queue)}. {said('stages', entry.stage)}. {entry.provider}",
        say(_L, "desk.paper.due", due=spoken_time(_L, entry.due)),
        say(_L, "desk.paper.sent", sent=spoken_time(_L, entry.sent_at)),
    )
    foot = say(_L, "desk.paper.foot", reference=entry.reference, who=who, when=spoken_time(_L, now))
    return Paper(entry.reference, about, tuple(part for part in parts if part.rows), foot)


def _safe(seen: Shown) -> Iterator[Row]:
    yield from (Row("", text) for text in seen.warnings)
    yield from map(_row, seen.safe)


def _notes(entry: Entry, record: Record) -> Iterator[Row]:
    yield from (Row("", text) for text in flags_of(entry))
    yield from (Row("", said("reasons", reason)) for reason in record.reasons)


def _answers(seen: Shown) -> Iterator[Row]:
    """Give what was asked and answered; a number stands only among the ways to make contact."""
    for item in seen.answers:
        text = say(_L, "desk.paper.above") if item.hidden and seen.ways else item.text
        yield Row(item.title, f"{text} ({item.by})" if item.by and text else text)


def _row(item: Item) -> Row:
    return Row(item.title, item.text)


def _step(step: Happened) -> Row:
    when = f"{spoken_time(_L, step.at)}, {step.who}"
    return Row(when, f"{step.act}. {step.note}" if step.note else step.act)
