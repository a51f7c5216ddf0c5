"""Reads what stood on a form: each field by the rules of its question, and what is missing."""

from dataclasses import dataclass, replace
from datetime import datetime

from flows.conversation import Conversation
from flows.inputs import FormFields
from flows.questions import answer_types, journey
from flows.questions.answer_types import Invalid, Parsed, Suggestion
from flows.questions.questionnaire import AnswerType, Question, get_question, question_exists
from flows.scenes.answering import parsed_answer
from flows.vocabulary import NON_ANSWERS, AnswerStatus, Option
from flows.wording import say

NON_ANSWER_PREFIX = "special:"
"""Stands before a way not to answer, such as "special:not_sure"."""
LEFT_BLANK = f"{NON_ANSWER_PREFIX}{AnswerStatus.SKIPPED}"


@dataclass(frozen=True, slots=True)
class AnswerProblem:
    """What is wrong with one answer: `error_key` is a key under errors, with its blanks."""

    question: str
    error_key: str
    blanks: tuple[tuple[str, object], ...] = ()


def parse_form(
    conversation: Conversation, form_fields: FormFields, now: datetime
) -> tuple[Conversation, tuple[AnswerProblem, ...]]:
    """Return the conversation with every answer that could be read, and what could not be.

    They are taken in the order of the questions. What is off the path is left out; an answer
    that is there already is not given again.
    """
    given = dict(form_fields)
    own, problems = as_page_conversation(conversation), list[AnswerProblem]()
    for one in journey.journey_questions(own.journey):
        typed = given.get(one.key)
        if typed is None or one not in journey.applicable_questions(own):
            continue
        reading = _parse_field(one, typed, own.language)
        if isinstance(reading, AnswerProblem):
            problems.append(reading)
        elif not _is_unchanged(own, one, reading):
            answers = (*own.answers, parsed_answer(own, one, reading, now))
            own = replace(own, answers=answers, editing="")
    return own, tuple(problems)


def with_blanks_filled(conversation: Conversation, form_fields: FormFields) -> FormFields:
    """Return a whole form with what was left empty said outright, where it may be left empty.

    The question whether somebody wants the extra questions is answered by their answers.
    """
    given = {key: typed for key, typed in form_fields if typed.strip()}
    asked = [one for one in journey.journey_questions(conversation.journey) if not one.optional]
    for one in asked:
        if one.internal:
            wants = any(other.key in given and _depends_on(other, one) for other in asked)
            given[one.key] = one.options[0] if wants else LEFT_BLANK
        elif AnswerStatus.SKIPPED in one.non_answers:
            given.setdefault(one.key, LEFT_BLANK)
    return tuple(given.items())


def missing_questions(conversation: Conversation) -> tuple[Question, ...]:
    """Return the questions on the path that a whole form has left without an answer."""
    own = as_page_conversation(conversation)
    found = journey.current_answers(own)
    return tuple(
        one
        for one in journey.applicable_questions(own)
        if one.key not in found and not one.optional and not may_be_blank(one)
    )


def with_missing(
    conversation: Conversation, problems: tuple[AnswerProblem, ...]
) -> tuple[AnswerProblem, ...]:
    """Return the problems, and one for each other question of a whole form without an answer."""
    wrong = {one.question for one in problems}
    example = (("example", answer_types.PHONE_EXAMPLE),)
    missing = [one for one in missing_questions(conversation) if one.key not in wrong]
    return (
        *problems,
        *(AnswerProblem(one.key, _page_error_key(one.kind), example) for one in missing),
    )


def with_contradictions(
    conversation: Conversation, posted: FormFields, problems: tuple[AnswerProblem, ...]
) -> tuple[AnswerProblem, ...]:
    """Return the problems, and one for each posted answer that another answer leaves no place for.

    "No", or a way not to answer, says nothing there that would be lost.
    """
    own = as_page_conversation(conversation)
    path, given = journey.applicable_questions(own), dict(posted)
    contradictions = [
        found
        for one in journey.journey_questions(own.journey)
        if one not in path and not one.internal and given.get(one.key, "").strip()
        if (found := _contradiction(own, one, given[one.key]))
    ]
    return (*problems, *contradictions)


def free_text_answers(form_fields: FormFields) -> tuple[str, ...]:
    """Return whatever in a form may be somebody's own words: all that we do not offer."""
    return tuple(
        typed
        for key, typed in form_fields
        if typed and not (question_exists(key) and _is_offered(get_question(key), typed))
    )


def as_page_conversation(conversation: Conversation) -> Conversation:
    """Return the conversation as a page sees it: details that never stand in the chat may here."""
    return replace(conversation, answered_on_page=True)


def may_be_blank(question: Question) -> bool:
    """Return whether a whole form may leave this question empty."""
    return (
        question.optional
        or AnswerStatus.SKIPPED in question.non_answers
        or question.condition == journey.DETAILS_IN_CHAT
    )


def _is_offered(question: Question, typed: str) -> bool:
    non_answers = [f"{NON_ANSWER_PREFIX}{given}" for given in AnswerStatus]
    return typed in (*question.options, *non_answers)


def _depends_on(question: Question, gate: Question) -> bool:
    return any(key == gate.key for key, _ in question.only_if)


def _contradiction(
    conversation: Conversation, question: Question, typed: str
) -> AnswerProblem | None:
    """Return what to say of an answer whose question is off the path; None when nothing is lost.

    Where the answer that it hangs on is missing itself, that is said there.
    """
    language, found = conversation.language, journey.current_answers(conversation)
    reading = _parse_field(question, typed, language)
    if isinstance(reading, AnswerProblem):
        return reading
    if reading.status != AnswerStatus.ANSWERED or reading.value == Option.NO:
        return None
    for key, values in question.only_if:
        if key not in found:
            return None
        if found[key].value not in values:
            title = get_question(key).text(language, "title").rstrip("*")
            blanks = (("answer", found[key].label), ("title", title))
            return AnswerProblem(question.key, "choice.contradicts", blanks)
    path = [one.key for one in journey.applicable_questions(conversation)]
    if any(key in path and key not in found for key in question.depends_on):
        return None
    when = say(language, f"form.when.{question.condition}")
    return AnswerProblem(question.key, "choice.off_path", (("when", when),))


def _is_unchanged(conversation: Conversation, question: Question, reading: Parsed) -> bool:
    found = journey.current_answers(conversation).get(question.key)
    return found is not None and (found.value, found.status) == (reading.value, reading.status)


def _parse_field(question: Question, typed: str, language: str) -> Parsed | AnswerProblem:
    if typed.startswith(NON_ANSWER_PREFIX):
        return _parse_non_answer(question, typed.removeprefix(NON_ANSWER_PREFIX), language)
    if typed in question.options:
        return answer_types.parsed_option(question, typed, language)
    if len(typed) > answer_types.INPUT_MAX_CHARS:
        size = (("n", len(typed)), ("max", answer_types.INPUT_MAX_CHARS))
        return AnswerProblem(question.key, "chat.page_too_long", size)
    reading = answer_types.parse_answer(question, typed, language)
    match reading:
        case Parsed():
            return reading
        case Suggestion(option):
            meant = (("option", question.option_label(language, option)),)
            return AnswerProblem(question.key, "choice.meant", meant)
        case Invalid(why, blanks):
            return AnswerProblem(question.key, _page_error_key(why), blanks)


def _parse_non_answer(question: Question, status: str, language: str) -> Parsed | AnswerProblem:
    if status not in NON_ANSWERS:
        return AnswerProblem(question.key, "choice.pick")
    return answer_types.non_answer(AnswerStatus(status), language)


_PAGE_ERROR_KEYS: dict[str, str] = {
    AnswerType.CHOICE: "choice.pick",
    AnswerType.CONTACT: "contact.page",
    AnswerType.CASE_REFERENCE: "line.page",
    AnswerType.SHORT_TEXT: "words.empty",
    "note.empty": "note.page_empty",
    "note.too_long": "note.page_too_long",
}
"""What is said in other words on a page: it has no buttons to press, and no message above."""


def _page_error_key(error_key: str) -> str:
    whole = error_key if "." in error_key else f"{error_key}.first"
    return _PAGE_ERROR_KEYS.get(error_key, whole)
