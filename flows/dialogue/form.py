"""The same questions as one form: what a page shows of each, and of the outcome."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from flows.conversation import Answer, Conversation
from flows.dialogue.form_parsing import NON_ANSWER_PREFIX, as_page_conversation, may_be_blank
from flows.inputs import FormSubmission
from flows.interaction.moment import Moment
from flows.questions import journey
from flows.questions.questionnaire import AnswerType, Question, question_exists
from flows.referral import rules
from flows.scenes import sent
from flows.scenes.registry import SCENES
from flows.stages import Stage
from flows.vocabulary import AnswerStatus, StopReason
from flows.wording import say

_FIXED_CONDITIONS = ("officer_is_new", journey.DETAILS_IN_CHAT)
"""Conditions that hang on who is there, and not on another answer."""


@dataclass(frozen=True, slots=True)
class FormQuestion:
    """One question as a page asks it.

    `options` and `non_answers` are values with their labels. `optional` ones may be left empty.
    It applies only if each question in `only_if` has one of the answers there, and, where
    `condition` is not "", only when that condition of journey.py says so. `value` is what is
    answered now, as it would be filled in. `group` names the part of a whole form it stands in.
    """

    key: str
    kind: AnswerType
    title: str
    ask: str
    why: str
    options: tuple[tuple[str, str], ...]
    non_answers: tuple[tuple[str, str], ...]
    optional: bool
    only_if: tuple[tuple[str, tuple[str, ...]], ...]
    condition: str
    value: str
    group: str


def form_questions(
    conversation: Conversation, only: Collection[str] | None = None
) -> tuple[FormQuestion, ...]:
    """Return the questions that a page of this conversation may ask, in their order.

    Those that apply only after another answer are among them; what only steers is not.
    """
    found = journey.current_answers(as_page_conversation(conversation))
    return tuple(
        _form_question(one, conversation, found.get(one.key))
        for one in _page_questions(conversation)
        if only is None or one.key in only
    )


def private_page_questions(conversation: Conversation) -> tuple[str, ...]:
    """Return which questions a private page is for: words to type, on the path as it is now.

    For an officer that is also what may never stand in the chat.
    """
    own = as_page_conversation(conversation)
    found = journey.current_answers(own)
    return tuple(
        one.key
        for one in journey.applicable_questions(own)
        if one.condition == journey.DETAILS_IN_CHAT
        or (not one.options and not _is_answered(one, found))
    )


def is_stopped(conversation: Conversation) -> bool:
    """Return whether the answers so far say that it cannot go on here."""
    return bool(rules.stop_reason(rules.facts_of(conversation)))


def stop_text(conversation: Conversation, now: datetime) -> str:
    """Return why it cannot go on with these answers, in the chat's own words; "" when it can."""
    reason = rules.stop_reason(rules.facts_of(conversation))
    if reason == StopReason.NONE:
        return ""
    return outcome_text(replace(conversation, stage=Stage.STOPPED, stop_reason=reason), now)


def answer_pairs(conversation: Conversation) -> tuple[tuple[str, str], ...]:
    """Return each answer that counts, as a title and what was said."""
    found = journey.current_answers(as_page_conversation(conversation))
    return tuple(
        (one.text(conversation.language, "title").rstrip("*"), found[one.key].label)
        for one in journey.journey_questions(conversation.journey)
        if one.key in found and not one.internal and found[one.key].status != AnswerStatus.SKIPPED
    )


def outcome_text(conversation: Conversation, now: datetime) -> str:
    """Return what the chat says where a conversation stands, for a page that says it as well."""
    moment = Moment(conversation, FormSubmission(()), now)
    is_sent = conversation.stage == Stage.SENT
    show = sent.show_confirmation if is_sent else SCENES[conversation.stage].show
    return show(moment).replies[-1].text


def is_form_field(name: str) -> bool:
    """Return whether a form of ours may have a field of this name."""
    return question_exists(name)


def _page_questions(conversation: Conversation) -> tuple[Question, ...]:
    own = as_page_conversation(conversation)
    inputs = journey.path_inputs(own)
    settled = {name: journey.CONDITIONS[name](inputs, {}) for name in _FIXED_CONDITIONS}
    return tuple(
        one
        for one in journey.journey_questions(own.journey)
        if not one.internal and settled.get(one.condition, True)
    )


def _form_question(
    question: Question, conversation: Conversation, answer: Answer | None
) -> FormQuestion:
    language = conversation.language
    internal = [one.key for one in journey.journey_questions(conversation.journey) if one.internal]
    return FormQuestion(
        key=question.key,
        kind=question.kind,
        title=question.text(language, "title"),
        ask=question.text(language, "ask"),
        why=question.text(language, "why"),
        options=tuple((one, question.option_label(language, one)) for one in question.options),
        non_answers=tuple(
            (f"{NON_ANSWER_PREFIX}{given}", say(language, f"scenes.asking.{given}"))
            for given in question.non_answers
            if given != AnswerStatus.SKIPPED
        ),
        optional=may_be_blank(question),
        only_if=tuple((key, values) for key, values in question.only_if if key not in internal),
        condition="" if question.condition in _FIXED_CONDITIONS else question.condition,
        value=_field_value(answer),
        group=question.group,
    )


def _field_value(answer: Answer | None) -> str:
    if answer is None or answer.status == AnswerStatus.SKIPPED:
        return ""
    given = answer.status == AnswerStatus.ANSWERED
    return answer.value if given else f"{NON_ANSWER_PREFIX}{answer.status}"


def _is_answered(question: Question, found: Mapping[str, Answer]) -> bool:
    return question.key in found and found[question.key].status == AnswerStatus.ANSWERED
