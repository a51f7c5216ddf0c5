"""Which questions apply, which is open, which answers count. Position follows from the answers."""

from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from flows.conversation import Answer, Conversation
from flows.questions.questionnaire import Question, all_questions, get_question, question_exists
from flows.vocabulary import (
    COUPLES,
    COUPLES_OF_OFFICERS,
    SPECIALIST_HARMS,
    AnswerStatus,
    Journey,
    Option,
)

CurrentAnswers = Mapping[str, Answer]


class PathInputs(NamedTuple):
    """All that the path of a person follows from."""

    journey: str
    answers: tuple[Answer, ...]
    knows_officer: bool
    details_in_chat: bool
    answered_on_page: bool


def current_answers(conversation: Conversation) -> CurrentAnswers:
    """Return the answers that count, by question, in the order asked.

    An answer counts while its question is on the path, its option still exists, and nothing
    that it rests on has changed since it was given.
    """
    return _path(path_inputs(conversation))[0]


def applicable_questions(conversation: Conversation) -> tuple[Question, ...]:
    """Return the questions that apply to this person now, in order."""
    return _path(path_inputs(conversation))[1]


def path_inputs(conversation: Conversation) -> PathInputs:
    """Return what the path of this person follows from."""
    return PathInputs(
        conversation.journey,
        conversation.answers,
        conversation.officer is not None,
        conversation.details_in_chat,
        conversation.answered_on_page,
    )


# A turn asks for this some twenty times, of the conversation before it and after it.
@lru_cache(maxsize=8)
def _path(inputs: PathInputs) -> tuple[CurrentAnswers, tuple[Question, ...]]:
    latest = {answer.question: (n, answer) for n, answer in enumerate(inputs.answers)}
    found: dict[str, Answer] = {}
    every = journey_questions(inputs.journey)
    for one in every:
        if one.key not in latest or not _applies(one, inputs, found):
            continue
        index, answer = latest[one.key]
        changed = _last_change_index(inputs.answers, one.depends_on)
        if index > changed and _is_still_valid(one, answer):
            found[one.key] = answer
    return found, tuple(one for one in every if _applies(one, inputs, found))


def open_question(conversation: Conversation) -> Question | None:
    """Return the question that waits for an answer, or None when nothing is left."""
    if conversation.editing and question_exists(conversation.editing):
        looked_at = get_question(conversation.editing)
        if looked_at in questions_in_chat(conversation):
            return looked_at
    return first_unanswered(conversation)


def first_unanswered(conversation: Conversation) -> Question | None:
    """Return the first question on the path without an answer that counts."""
    inputs = path_inputs(conversation)
    found, path = _path(inputs)
    for one in _asked_in_chat(path, inputs):
        if one.key not in found and (not one.optional or is_yes(found, "details")):
            return one
    return None


def questions_in_chat(conversation: Conversation) -> tuple[Question, ...]:
    """Return the questions on the path that may be asked and shown in the chat itself."""
    inputs = path_inputs(conversation)
    return _asked_in_chat(_path(inputs)[1], inputs)


def _asked_in_chat(path: tuple[Question, ...], inputs: PathInputs) -> tuple[Question, ...]:
    if inputs.details_in_chat:
        return path
    return tuple(one for one in path if one.condition != DETAILS_IN_CHAT)


def previous_question(conversation: Conversation) -> Question | None:
    """Return the question before the open one (or the last one, at the check), if there is one."""
    shown = [one for one in questions_in_chat(conversation) if _was_presented(one, conversation)]
    now_open = open_question(conversation)
    if now_open in shown:
        shown = shown[: shown.index(now_open)]
    return shown[-1] if shown else None


def reopened_by(conversation: Conversation, answer: Answer) -> tuple[Question, ...]:
    """Return the answered questions that this changed answer would ask again."""
    before = path_inputs(conversation)
    after = before._replace(answers=(*before.answers, answer))
    still, path = _path(after)
    lost = set(_path(before)[0]) - set(still)
    asked = _asked_in_chat(path, after)
    return tuple(one for one in asked if one.key in lost and not one.internal)


def previous_answer(conversation: Conversation, question: Question) -> Answer | None:
    """Return what was answered here before, if it would still fit."""
    _, answer = latest_answer(conversation, question.key)
    return answer if answer and _is_still_valid(question, answer) else None


def latest_answer(conversation: Conversation, key: str) -> tuple[int, Answer | None]:
    """Return the newest answer to a question and its place among the events."""
    for index in range(len(conversation.answers) - 1, -1, -1):
        if conversation.answers[index].question == key:
            return index, conversation.answers[index]
    return -1, None


@cache
def journey_questions(journey: str) -> tuple[Question, ...]:
    """Return every question that this journey might ask, in order."""
    return tuple(one for one in all_questions() if journey in one.journeys)


def is_yes(answers: CurrentAnswers, key: str) -> bool:
    """Return whether the answer to a yes-or-no question counts and is yes."""
    return key in answers and answers[key].value == Option.YES


def _applies(question: Question, inputs: PathInputs, answers: CurrentAnswers) -> bool:
    for key, values in question.only_if:
        if key not in answers or answers[key].value not in values:
            return False
    condition = CONDITIONS.get(question.condition)
    return condition is None or condition(inputs, answers)


def _was_presented(question: Question, conversation: Conversation) -> bool:
    return not question.optional or latest_answer(conversation, question.key)[1] is not None


def _is_still_valid(question: Question, answer: Answer) -> bool:
    if answer.status != AnswerStatus.ANSWERED or not question.options:
        return True
    return answer.value in question.options


def _last_change_index(answers: tuple[Answer, ...], keys: tuple[str, ...]) -> int:
    changed = -1
    if not keys:
        return changed
    seen: dict[str, tuple[str, AnswerStatus]] = {}
    for index, answer in enumerate(answers):
        if answer.question in keys:
            said = (answer.value, answer.status)
            if seen.get(answer.question, said) != said:
                changed = index
            seen[answer.question] = said
    return changed


# --- conditions that "only_if" cannot say; content/questions.toml calls them by name


def _harm_may_go_on(_: PathInputs, answers: CurrentAnswers) -> bool:
    harm, how = answers.get("harm"), answers.get("relationship")
    at_home = harm is not None and harm.value in SPECIALIST_HARMS
    return at_home or (how is not None and how.value in (*COUPLES, Option.FAMILY))


def _a_number_is_needed(inputs: PathInputs, answers: CurrentAnswers) -> bool:
    if inputs.journey == Journey.CALLBACK:
        return True
    return "way" in answers and answers["way"].value in (Option.CALL, Option.TEXT)


def _someone_may_answer(inputs: PathInputs, answers: CurrentAnswers) -> bool:
    if "number" not in answers or answers["number"].status != AnswerStatus.ANSWERED:
        return False
    return inputs.journey == Journey.CALLBACK or answers["way"].value == Option.CALL


def _not_a_dispute(_: PathInputs, answers: CurrentAnswers) -> bool:
    return "harm" not in answers or answers["harm"].value != Option.DISPUTE


def _only_victims_may_ask(_: PathInputs, answers: CurrentAnswers) -> bool:
    offence, how = answers.get("offence"), answers.get("in_relationship")
    by_kind = offence is not None and offence.value in SPECIALIST_HARMS
    return by_kind or (how is not None and how.value in COUPLES_OF_OFFICERS)


def _officer_is_new(inputs: PathInputs, _: CurrentAnswers) -> bool:
    return not inputs.knows_officer


def _details_may_be_given(inputs: PathInputs, _: CurrentAnswers) -> bool:
    """Details may stand in the chat, or were given on a private page and never show in it."""
    return inputs.details_in_chat or inputs.answered_on_page


DETAILS_IN_CHAT = "details_may_stand_in_chat"
CONDITIONS: dict[str, Callable[[PathInputs, CurrentAnswers], bool]] = {
    "harm_may_go_on": _harm_may_go_on,
    "a_number_is_needed": _a_number_is_needed,
    "someone_may_answer": _someone_may_answer,
    "not_a_dispute": _not_a_dispute,
    "only_victims_may_ask": _only_victims_may_ask,
    "officer_is_new": _officer_is_new,
    DETAILS_IN_CHAT: _details_may_be_given,
}
