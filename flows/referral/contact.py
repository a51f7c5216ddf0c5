"""How a person can be reached: what of it can be changed, and what a change does to the record."""

from dataclasses import replace
from datetime import datetime

from flows import content_files
from flows.questions import answer_types
from flows.questions.answer_types import Invalid, Parsed
from flows.questions.questionnaire import AnswerType, Question, get_question
from flows.record import Record, RecordLine
from flows.vocabulary import AnswerStatus, Journey, Option
from flows.wording import FIRST_LANGUAGE

CHANGEABLE_QUESTIONS = ("number", "email", "way", "if_answered", "if_seen", "best_time")
"""The answers about contact that staff may ask to have changed."""
REQUIRED_ANSWER_BY_WAY: dict[str, str] = {
    **{Option.CALL: "number", Option.TEXT: "number"},
    **{Option.EMAIL: "email", Option.HERE: "way"},
}
"""The question without whose answer a way to be contacted is of no use.

For this chat that is the choice itself. Who rings us themselves ("i_will_call") is not contacted.
"""


def parse_contact_change(key: str, typed: str) -> Parsed | Invalid:
    """Return how a new answer reads, by the same rules and messages as in the conversation.

    A choice is given by its option. Raises KeyError for an answer that is not changed here.
    """
    if key not in CHANGEABLE_QUESTIONS:
        raise KeyError(key)
    one = get_question(key)
    if one.options:
        return _parse_option(one, typed)
    reading = answer_types.PARSERS[one.kind](one, typed, FIRST_LANGUAGE)
    return reading if isinstance(reading, Parsed | Invalid) else Invalid(one.kind)


def current_line(record: Record, key: str) -> RecordLine | None:
    """Return the line of the record that answers this now; None when it was never asked."""
    for line in (*record.safe_contact, *record.lines):
        if line.question == key:
            return line
    return None


def with_changed_answer(
    record: Record, key: str, value: str, label: str, actor: str, now: datetime
) -> Record:
    """Return the record with one answer about contact as staff heard it from the person."""
    line = RecordLine(
        question=key,
        prompt=get_question(key).prompt(FIRST_LANGUAGE),
        status=AnswerStatus.ANSWERED,
        value=value,
        label=label,
        answered_by=actor,
        answered_at=now,
        wording_version=content_files.wording_version(FIRST_LANGUAGE),
        language=FIRST_LANGUAGE,
    )
    after = replace(
        record,
        safe_contact=_replace_line(record.safe_contact, line),
        lines=_replace_line(record.lines, line),
    )
    return replace(after, may_contact=_may_contact(after))


def _parse_option(question: Question, typed: str) -> Parsed | Invalid:
    option = typed.strip()
    if option not in question.options:
        return Invalid(AnswerType.CHOICE)
    return answer_types.parsed_option(question, option, FIRST_LANGUAGE)


def _replace_line(lines: tuple[RecordLine, ...], line: RecordLine) -> tuple[RecordLine, ...]:
    """Return the lines with this one in the place of the old one, or at the end."""
    if all(one.question != line.question for one in lines):
        return (*lines, line)
    return tuple(line if one.question == line.question else one for one in lines)


def _may_contact(record: Record) -> bool:
    """Return whether there is a way to reach the person; an officer's referral rings the officer.

    A call-back never asked for a way: it is a call.
    """
    if record.journey == Journey.OFFICER:
        return record.may_contact
    said = {
        line.question: line.value
        for line in record.safe_contact
        if line.status == AnswerStatus.ANSWERED
    }
    way = said.get("way", Option.CALL if record.journey == Journey.CALLBACK else "")
    return REQUIRED_ANSWER_BY_WAY.get(way, "") in said
