"""The view of one referral: safe contact first, and which fields each role may see."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.desk.labels import label_for
from flows.outbound.guard import Variant
from flows.questions.questionnaire import AnswerType, get_question, question_exists
from flows.record import Record, RecordLine
from flows.vocabulary import AnswerStatus, Journey, Option
from flows.wording import FIRST_LANGUAGE, has, say
from storage.referrals.rows import ReferralStep
from storage.referrals.steps import CLOCK, PERSON

CONTACT_KINDS = (AnswerType.PHONE, AnswerType.EMAIL, AnswerType.CONTACT)
"""Kinds of answer by which the person, or the officer, can be reached."""
_MAY_SAY = ("if_answered", "victim_message")
_WRITTEN_WAYS = (Option.TEXT, Option.EMAIL, Option.HERE)


@dataclass(frozen=True, slots=True)
class RecordItem:
    """One line that is shown: its title, what was said, and whether that was an answer."""

    title: str
    text: str
    given: str = AnswerStatus.ANSWERED
    by: str = ""
    at: datetime | None = None
    hidden: str = ""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of the timeline; `count` when the same person did the same several times."""

    act: str
    actor: str
    at: datetime
    note: str
    until: datetime | None
    count: int = 1


@dataclass(frozen=True, slots=True)
class RecordView:
    """What a page shows of a record. `ways` is empty until somebody asked to be shown them."""

    warnings: list[str]
    safe_contact: list[RecordItem]
    contact_details: list[RecordItem]
    has_contact_details: bool
    script: str
    answers: list[RecordItem]
    minutes_taken: int
    reachable_in_chat: bool


def view_record(
    record: Record, is_owner: bool, may_read_answers: bool, reveal: bool, may_contact: bool
) -> RecordView:
    """Return what to show.

    `is_owner`: claimed by the reader; `may_read_answers`: may see what was typed. Ways to make
    contact are only there after `reveal`, and never when contact is barred.
    """
    may_contact = may_contact and record.may_contact
    ways = _contact_items(record) if may_contact else []
    return RecordView(
        warnings=_warnings(record, may_contact),
        safe_contact=[_safety_item(line, may_read_answers) for line in _safety_lines(record)],
        contact_details=ways if reveal and is_owner else [],
        has_contact_details=bool(ways),
        script=call_script(record) if may_contact else "",
        answers=[_answer_item(line, may_read_answers) for line in record.lines],
        minutes_taken=_minutes_taken(record),
        reachable_in_chat=may_contact and _chosen_value(record, ("way",), "") == Option.HERE,
    )


def call_script(record: Record) -> str:
    """Return which script to call by: for whom, and what may be said if somebody else answers."""
    whom = record.journey or Journey.SELF
    return f"{whom}_{_chosen_value(record, _MAY_SAY, 'no_message')}"


def timeline(steps: Iterable[ReferralStep]) -> list[TimelineEntry]:
    """Return what happened, the newest first; the same look by the same person stands once."""
    found: list[TimelineEntry] = []
    for step in steps:
        who = label_for("who", step.actor) if step.actor in (PERSON, CLOCK) else step.actor
        one = TimelineEntry(label_for("acts", step.act), who, step.at, step.note, step.until)
        last = found[-1] if found else None
        if last and not step.note and (last.act, last.actor, last.note) == (one.act, who, ""):
            found[-1] = TimelineEntry(one.act, who, step.at, "", one.until, last.count + 1)
        else:
            found.append(one)
    return found[::-1]


def best_time(record: Record) -> str:
    """Return the part of the day that the person named; "" when they named none."""
    return _chosen_value(record, ("best_time",), "")


def _chosen_value(record: Record, keys: tuple[str, ...], otherwise: str) -> str:
    """Return what was chosen for one of these; what was not answered is not safe."""
    for line in record.safe_contact:
        if line.question in keys and line.status == AnswerStatus.ANSWERED:
            return line.value
    return otherwise


def _warnings(record: Record, may_contact: bool) -> list[str]:
    if not may_contact:
        return [label_for("safe", "no_contact")]
    found = [label_for("safe", "officer_first")] if record.journey == Journey.OFFICER else []
    way = _chosen_value(record, ("way",), Option.CALL)
    if way in _WRITTEN_WAYS:
        if_seen = _chosen_value(record, ("if_seen",), Variant.NO_SERVICE)
        found.append(label_for("may_write", if_seen))
    if way in (Option.CALL, Option.TEXT) or record.journey != Journey.SELF:
        found.append(label_for("may_say", _chosen_value(record, _MAY_SAY, "no_message")))
    from_whom = _chosen_value(record, ("must_not_know",), "")
    if from_whom not in ("", Option.NO):
        found.append(label_for("secret_from", from_whom))
    return found


def _safety_lines(record: Record) -> list[RecordLine]:
    """Return the safe-contact block without what it takes to make contact, and what helps."""
    kept = [one for one in record.safe_contact if _kind(one) not in CONTACT_KINDS]
    return [*kept, *(one for one in record.lines if one.question in ("needs", "victim_needs"))]


def _safety_item(line: RecordLine, may_read_answers: bool) -> RecordItem:
    """Return a line of the safe-contact box; what was not answered says how to take that."""
    if line.status == AnswerStatus.ANSWERED:
        hidden = "" if may_read_answers or _is_choice(line) else "after_claim"
        return RecordItem(_title(line), "" if hidden else line.label, hidden=hidden)
    key = f"desk.safe.open.{line.question}"
    also = say(FIRST_LANGUAGE, key) if has(FIRST_LANGUAGE, key) else label_for("safe", "open_")
    return RecordItem(_title(line), f"{label_for('given', line.status)}. {also}", line.status)


def _answer_item(line: RecordLine, may_read_answers: bool) -> RecordItem:
    asked = line.prompt.split("\n", maxsplit=1)[0]
    by = label_for("by", line.answered_by) if line.answered_by else ""
    if line.status != AnswerStatus.ANSWERED:
        return RecordItem(asked, label_for("given", line.status), line.status, by, line.answered_at)
    hidden = _hidden_reason(line, may_read_answers)
    text = "" if hidden else line.label
    return RecordItem(asked, text, by=by, at=line.answered_at, hidden=hidden)


def _hidden_reason(line: RecordLine, may_read_answers: bool) -> str:
    """Return why an answer is not shown: typed words before the claim, ways in always."""
    if _kind(line) in CONTACT_KINDS:
        return "way_in"
    return "" if may_read_answers or _is_choice(line) else "after_claim"


def _contact_items(record: Record) -> list[RecordItem]:
    found = []
    if record.officer_contact:
        named = f"{record.officer_name}, {record.officer_agency}"
        found.append(RecordItem(named, record.officer_contact))
    lines = {line.question: line for line in (*record.lines, *record.safe_contact)}
    for line in lines.values():
        if _is_contact_line(line) and line.status == AnswerStatus.ANSWERED:
            found.append(RecordItem(_title(line), line.label))
    return found


def without_contact_details(record: Record) -> Record:
    """Return a record in which nothing says how to reach the person: contact is barred."""

    def barred(lines: tuple[RecordLine, ...]) -> tuple[RecordLine, ...]:
        return tuple(
            replace(one, value="", label="") if _is_contact_line(one) else one for one in lines
        )

    return replace(record, lines=barred(record.lines), safe_contact=barred(record.safe_contact))


def _is_contact_line(line: RecordLine) -> bool:
    return _kind(line) in CONTACT_KINDS and not line.question.startswith("officer")


def _kind(line: RecordLine) -> AnswerType:
    return get_question(line.question).kind if question_exists(line.question) else AnswerType.NOTE


def _is_choice(line: RecordLine) -> bool:
    return _kind(line) == AnswerType.CHOICE


def _title(line: RecordLine) -> str:
    key = f"questions.{line.question}.title"
    return say(FIRST_LANGUAGE, key) if has(FIRST_LANGUAGE, key) else line.prompt


def _minutes_taken(record: Record) -> int:
    """Return how many minutes it took from the first answer to the sending, at least 1."""
    answered = [line.answered_at for line in record.lines if line.answered_at]
    first = min(answered, default=record.sent_at)
    return max(1, (record.sent_at - first) // timedelta(minutes=1))
