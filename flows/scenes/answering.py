"""Takes an answer: adds it as an event, asks first where it would re-open others, moves on."""

from dataclasses import replace
from datetime import datetime

from flows import content_files, moves
from flows.buttons import ButtonPress, button_for, in_rows
from flows.conversation import (
    Answer,
    AnswerStatus,
    Conversation,
    Input,
    Pending,
    Reply,
    Turn,
)
from flows.questions import answer_types, journey
from flows.questions.answer_types import Parsed
from flows.questions.questionnaire import Question, get_question, question_exists
from flows.wording import say


def record_answer(
    conversation: Conversation, question: Question, parsed: Parsed, user_input: Input, now: datetime
) -> Turn:
    """Return the turn after an answer; a change that re-opens other answers asks first."""
    answer = _build_answer(conversation, question, parsed, now, user_input.message_id)
    again = journey.reopened_by(conversation, answer)
    if again:
        waiting = Pending(
            "change", question.key, parsed.value, parsed.status, user_input.message_id
        )
        return _confirm_reopening(replace(conversation, pending=waiting), again)
    return _apply_answer(conversation, answer)


def _apply_answer(conversation: Conversation, answer: Answer) -> Turn:
    taken = with_answer(conversation, answer)
    return Turn(taken, _follow_up(taken, answer), rerender=True)


def with_answer(conversation: Conversation, answer: Answer) -> Conversation:
    """Return the conversation with one more answer; nothing before it is lost."""
    stepped = moves.advance(conversation)
    return replace(stepped, answers=(*stepped.answers, answer), editing="")


def option_answer(
    conversation: Conversation, question: Question, option: str, now: datetime
) -> Answer:
    """Return the event of choosing an option; raise KeyError for one that is not offered."""
    return _build_answer(
        conversation,
        question,
        answer_types.parsed_option(question, option, conversation.language),
        now,
        None,
    )


def parsed_answer(
    conversation: Conversation, question: Question, parsed: Parsed, now: datetime
) -> Answer:
    """Return the event of an answer that was read from other words."""
    return _build_answer(conversation, question, parsed, now, None)


def confirm_change(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return the turn after "change it": the answer that waited is taken."""
    waiting = conversation.pending
    if not waiting or waiting.kind != "change" or not question_exists(waiting.question):
        return Turn(conversation, rerender=True)
    one = get_question(waiting.question)
    reading = _parsed_from_pending(one, waiting, conversation.language)
    return _apply_answer(
        conversation, _build_answer(conversation, one, reading, now, waiting.message_id)
    )


def keep_previous_answer(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return the turn after "leave it as it was": nothing changes, and on we go."""
    return Turn(replace(moves.advance(conversation), editing=""), rerender=True)


def _parsed_from_pending(question: Question, pending: Pending, language: str) -> Parsed:
    if pending.status != AnswerStatus.ANSWERED:
        return answer_types.non_answer(pending.status, language)
    if question.options:
        return answer_types.parsed_option(question, pending.value, language)
    return Parsed(pending.value, pending.value)


def _confirm_reopening(conversation: Conversation, reopened: tuple[Question, ...]) -> Turn:
    language = conversation.language
    titles = ", ".join(one.text(language, "title").rstrip("*?") for one in reopened)
    rows = [
        button_for(conversation, "scenes.asking.change_it", "change_it"),
        button_for(conversation, "scenes.asking.keep_it", "leave_it"),
    ]
    text = say(language, "scenes.asking.changes_others", titles=titles)
    return Turn(conversation, (Reply(text, in_rows(rows)),))


def _build_answer(
    conversation: Conversation,
    question: Question,
    parsed: Parsed,
    now: datetime,
    message_id: str | None,
) -> Answer:
    language = conversation.language
    return Answer(
        question=question.key,
        value=parsed.value,
        status=parsed.status,
        label=parsed.label,
        prompt=question.prompt(language),
        wording_version=content_files.wording_version(language),
        language=language,
        answered_at=now,
        answered_by=conversation.typed_by or _answered_by(conversation),
        message_id=message_id,
    )


def _answered_by(conversation: Conversation) -> str:
    return "officer" if conversation.journey == "officer" else "person"


_FOLLOW_UP_KEYS = {
    ("harm", "sexual"): "scenes.asking.support_sexual",
    ("harm", "domestic"): "scenes.asking.support_home",
    ("still_happening", "yes"): "scenes.asking.help_now",
}


def _follow_up(conversation: Conversation, answer: Answer) -> tuple[Reply, ...]:
    key = _FOLLOW_UP_KEYS.get((answer.question, answer.value))
    return (Reply(say(conversation.language, key)),) if key else ()


BUTTON_HANDLERS = {"change_it": confirm_change, "leave_it": keep_previous_answer}
