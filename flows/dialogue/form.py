"""The same questions as one form: drawn from questions.toml, read by kinds."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from flows.conversation import Answer, AnswerStatus, Conversation, FormFields, Input, InputKind
from flows.questions import answer_types, journey
from flows.questions.answer_types import Invalid, Parsed, Suggestion
from flows.questions.questionnaire import Question, get_question, question_exists
from flows.referral import rules
from flows.scenes import sent
from flows.scenes.answering import parsed_answer
from flows.scenes.registry import SHOW_BY_STAGE
from flows.wording import say

NON_ANSWER_PREFIX = "special:"
"""Stands before a way not to answer, such as "special:not_sure"."""
LEFT_BLANK = f"{NON_ANSWER_PREFIX}{AnswerStatus.SKIPPED}"
_FIXED_CONDITIONS = ("officer_is_new", journey.DETAILS_IN_CHAT)
"""Conditions that hang on who is there, and not on another answer."""


@dataclass(frozen=True, slots=True)
class FormQuestion:
    """One question as a page asks it.

    `options` and `also` are values with their labels; `also` are ways not to answer. `optional`
    ones may be left empty. It applies only if each question in `only_if` has one of the answers
    there, and, where `when` is not "", only when that condition of journey.py says so. `value`
    is what is answered now, as it would be filled in.
    """

    key: str
    kind: str
    title: str
    ask: str
    why: str
    options: tuple[tuple[str, str], ...]
    non_answers: tuple[tuple[str, str], ...]
    optional: bool
    only_if: tuple[tuple[str, tuple[str, ...]], ...]
    condition: str
    value: str


@dataclass(frozen=True, slots=True)
class AnswerProblem:
    """What is wrong with one answer: `why` is a key under errors, with its blanks."""

    question: str
    error_key: str
    blanks: tuple[tuple[str, object], ...] = ()


def form_questions(
    conversation: Conversation, only: Collection[str] | None = None
) -> tuple[FormQuestion, ...]:
    """Return the questions that a page of this conversation may ask, in their order.

    Those that apply only after another answer are among them; what only steers is not.
    """
    found = journey.current_answers(_as_page_conversation(conversation))
    return tuple(
        _form_question(one, conversation, found.get(one.key))
        for one in _page_questions(conversation)
        if only is None or one.key in only
    )


def private_page_questions(conversation: Conversation) -> tuple[str, ...]:
    """Return which questions a private page is for: words to type, on the path as it is now.

    For an officer that is also what may never stand in the chat.
    """
    own = _as_page_conversation(conversation)
    found = journey.current_answers(own)
    return tuple(
        one.key
        for one in journey.applicable_questions(own)
        if one.condition == journey.DETAILS_IN_CHAT
        or (not one.options and not _is_answered(one, found))
    )


def parse_form(
    conversation: Conversation, form_fields: FormFields, now: datetime
) -> tuple[Conversation, tuple[AnswerProblem, ...]]:
    """Return the conversation with every answer that could be read, and what could not be.

    They are taken in the order of the questions. What is off the path is left out; an answer
    that is there already is not given again.
    """
    given = dict(form_fields)
    own, problems = _as_page_conversation(conversation), list[AnswerProblem]()
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
    own = _as_page_conversation(conversation)
    found = journey.current_answers(own)
    return tuple(
        one
        for one in journey.applicable_questions(own)
        if one.key not in found and not one.optional and not _may_be_blank(one)
    )


def is_stopped(conversation: Conversation) -> bool:
    """Return whether the answers so far say that it cannot go on here."""
    return bool(rules.stop_reason(rules.facts_of(conversation)))


def stop_text(conversation: Conversation) -> str:
    """Return why it cannot go on with these answers, in the chat's own words; "" when it can."""
    reason = rules.stop_reason(rules.facts_of(conversation))
    return (
        outcome_text(replace(conversation, stage="stopped", stop_reason=reason)) if reason else ""
    )


def answer_pairs(conversation: Conversation) -> tuple[tuple[str, str], ...]:
    """Return each answer that counts, as a title and what was said."""
    found = journey.current_answers(_as_page_conversation(conversation))
    return tuple(
        (one.text(conversation.language, "title").rstrip("*"), found[one.key].label)
        for one in journey.journey_questions(conversation.journey)
        if one.key in found and not one.internal and found[one.key].status != AnswerStatus.SKIPPED
    )


def missing_problems(conversation: Conversation) -> tuple[AnswerProblem, ...]:
    """Return a problem for each question of a whole form that still needs an answer."""
    return tuple(
        AnswerProblem(
            one.key, _page_error_key(one.kind), (("example", answer_types.PHONE_EXAMPLE),)
        )
        for one in missing_questions(conversation)
    )


def outcome_text(conversation: Conversation) -> str:
    """Return what the chat says where a conversation stands, for a page that says it as well."""
    heard = Input(InputKind.FORM)
    show = (
        sent.show_confirmation
        if conversation.stage == "sent"
        else SHOW_BY_STAGE[conversation.stage]
    )
    return show(conversation, heard).replies[-1].text


def is_form_field(name: str) -> bool:
    """Return whether a form of ours may have a field of this name."""
    return question_exists(name)


def free_text_answers(form_fields: FormFields) -> tuple[str, ...]:
    """Return whatever in a form may be somebody's own words: all that we do not offer."""
    return tuple(
        typed
        for key, typed in form_fields
        if typed and not (question_exists(key) and _is_known_value(get_question(key), typed))
    )


def _is_known_value(question: Question, typed: str) -> bool:
    return typed in question.options or typed in [
        f"{NON_ANSWER_PREFIX}{given}" for given in AnswerStatus
    ]


def _as_page_conversation(conversation: Conversation) -> Conversation:
    return replace(conversation, answered_on_page=True)


def _page_questions(conversation: Conversation) -> tuple[Question, ...]:
    own = _as_page_conversation(conversation)
    settled = {name: journey.CONDITIONS[name](own, {}) for name in _FIXED_CONDITIONS}
    return tuple(
        one
        for one in journey.journey_questions(own.journey)
        if not one.internal and settled.get(one.condition, True)
    )


def _form_question(
    question: Question, conversation: Conversation, answer: Answer | None
) -> FormQuestion:
    language = conversation.language
    silent = [
        other.key for other in journey.journey_questions(conversation.journey) if other.internal
    ]
    return FormQuestion(
        key=question.key,
        kind=question.kind,
        title=question.text(language, "title"),
        ask=question.text(language, "ask"),
        why=question.text(language, "why"),
        options=tuple(
            (option, question.option_label(language, option)) for option in question.options
        ),
        non_answers=tuple(
            (f"{NON_ANSWER_PREFIX}{given}", say(language, f"scenes.asking.{given}"))
            for given in question.non_answers
            if given != AnswerStatus.SKIPPED
        ),
        optional=_may_be_blank(question),
        only_if=tuple((key, values) for key, values in question.only_if if key not in silent),
        condition="" if question.condition in _FIXED_CONDITIONS else question.condition,
        value=_field_value(answer),
    )


def _field_value(answer: Answer | None) -> str:
    if answer is None or answer.status == AnswerStatus.SKIPPED:
        return ""
    return (
        answer.value
        if answer.status == AnswerStatus.ANSWERED
        else f"{NON_ANSWER_PREFIX}{answer.status}"
    )


def _may_be_blank(question: Question) -> bool:
    return (
        question.optional
        or AnswerStatus.SKIPPED in question.non_answers
        or question.condition == journey.DETAILS_IN_CHAT
    )


def _depends_on(question: Question, gate: Question) -> bool:
    return any(key == gate.key for key, _ in question.only_if)


def _is_answered(question: Question, found: Mapping[str, Answer]) -> bool:
    return question.key in found and found[question.key].status == AnswerStatus.ANSWERED


def _is_unchanged(conversation: Conversation, question: Question, reading: Parsed) -> bool:
    found = journey.current_answers(conversation).get(question.key)
    return found is not None and (found.value, found.status) == (reading.value, reading.status)


def _parse_field(question: Question, typed: str, language: str) -> Parsed | AnswerProblem:
    if typed.startswith(NON_ANSWER_PREFIX):
        return _parse_non_answer(question, typed.removeprefix(NON_ANSWER_PREFIX), language)
    if typed in question.options:
        return answer_types.parsed_option(question, typed, language)
    if len(typed) > answer_types.INPUT_MAX_CHARS:
        return AnswerProblem(
            question.key,
            "chat.page_too_long",
            (("n", len(typed)), ("max", answer_types.INPUT_MAX_CHARS)),
        )
    reading = answer_types.parse_answer(question, typed, language)
    match reading:
        case Parsed():
            return reading
        case Suggestion(option):
            return AnswerProblem(
                question.key, "choice.meant", (("option", question.option_label(language, option)),)
            )
        case Invalid(why, blanks):
            return AnswerProblem(question.key, _page_error_key(why), blanks)


def _parse_non_answer(
    question: Question, status_name: str, language: str
) -> Parsed | AnswerProblem:
    not_said = [given.value for given in AnswerStatus if given != AnswerStatus.ANSWERED]
    if status_name not in not_said:
        return AnswerProblem(question.key, "choice.pick")
    return answer_types.non_answer(AnswerStatus(status_name), language)


_PAGE_ERROR_KEYS = {
    "choice": "choice.pick",
    "contact": "contact.page",
    "line": "line.page",
    "words": "words.empty",
    "note.empty": "note.page_empty",
    "note.too_long": "note.page_too_long",
}
"""What is said in other words on a page: it has no buttons to press, and no message above."""


def _page_error_key(error_key: str) -> str:
    whole = error_key if "." in error_key else f"{error_key}.first"
    return _PAGE_ERROR_KEYS.get(error_key, whole)
