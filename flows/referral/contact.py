"""How a person can be reached: what of it can be changed, and what a change does to the record."""

from dataclasses import replace
from datetime import datetime

from flows import content_files
from flows.questions import answer_types
from flows.questions.answer_types import Read, Unread
from flows.questions.questionnaire import Question, question
from flows.record import Line, Record
from flows.wording import FIRST_LANGUAGE

CHANGEABLE = ("number", "email", "way", "if_answered", "if_seen", "best_time")
"""The answers about contact that staff may ask to have changed."""
_NEEDS = {"call": "number", "text": "number", "email": "email", "here": "way"}


def read_change(key: str, typed: str) -> Read | Unread:
    """Return how a new answer reads, by the same rules and messages as in the conversation.

    A choice is given by its option. Raises KeyError for an answer that is not changed here.
    """
    if key not in CHANGEABLE:
        raise KeyError(key)
    one = question(key)
    if one.options:
        return _chosen(one, typed)
    reading = answer_types.READERS[one.kind](one, typed, FIRST_LANGUAGE)
    return reading if isinstance(reading, Read | Unread) else Unread(one.kind)


def current(record: Record, key: str) -> Line | None:
    """Return the line of the record that answers this now; None when it was never asked."""
    for line in (*record.safe_contact, *record.lines):
        if line.question == key:
            return line
    return None


def changed(record: Record, key: str, value: str, label: str, by: str, now: datetime) -> Record:
    """Return the record with one answer about contact as staff heard it from the person."""
    line = Line(
        question=key,
        asked=question(key).asked(FIRST_LANGUAGE),
        given="said",
        value=value,
        label=label,
        by=by,
        at=now,
        wording=content_files.version(FIRST_LANGUAGE),
        language=FIRST_LANGUAGE,
    )
    after = replace(
        record,
        safe_contact=_with(record.safe_contact, line),
        lines=_with(record.lines, line),
    )
    return replace(after, may_contact=_may_contact(after))


def _chosen(one: Question, typed: str) -> Read | Unread:
    option = typed.strip()
    return (
        answer_types.chosen(one, option, FIRST_LANGUAGE)
        if option in one.options
        else Unread("choice")
    )


def _with(lines: tuple[Line, ...], line: Line) -> tuple[Line, ...]:
    """Return the lines with this one in the place of the old one, or at the end."""
    if all(one.question != line.question for one in lines):
        return (*lines, line)
    return tuple(line if one.question == line.question else one for one in lines)


def _may_contact(record: Record) -> bool:
    """Return whether there is a way to reach the person; an officer's referral rings the officer.

    A call-back never asked for a way: it is a call.
    """
    if record.journey == "officer":
        return record.may_contact
    said = {line.question: line.value for line in record.safe_contact if line.given == "said"}
    way = said.get("way", "call" if record.journey == "callback" else "")
    return _NEEDS.get(way, "") in said
