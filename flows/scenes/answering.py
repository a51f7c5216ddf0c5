"""Takes an answer: adds it as an event, asks first where it would re-open others, moves on."""

from dataclasses import replace
from datetime import datetime

from flows import content_files, moves
from flows.buttons import Press, in_rows, said
from flows.conversation import (
    Answer,
    Conversation,
    Given,
    Heard,
    Reply,
    Turn,
    Waiting,
)
from flows.questions import answer_types, journey
from flows.questions.answer_types import Read
from flows.questions.questionnaire import Question, is_asked, question
from flows.wording import say


def take(
    conversation: Conversation, one: Question, reading: Read, heard: Heard, now: datetime
) -> Turn:
    """Return the turn after an answer; a change that re-opens other answers asks first."""
    answer = _event(conversation, one, reading, now, heard.message)
    again = journey.reopened_by(conversation, answer)
    if again:
        waiting = Waiting("change", one.key, reading.value, reading.given, heard.message)
        return _ask_first(replace(conversation, waiting=waiting), again)
    return _taken(conversation, answer)


def _taken(conversation: Conversation, answer: Answer) -> Turn:
    taken = answered(conversation, answer)
    return Turn(taken, _said_after(taken, answer), shows=True)


def answered(conversation: Conversation, answer: Answer) -> Conversation:
    """Return the conversation with one more answer; nothing before it is lost."""
    stepped = moves.stepped(conversation)
    return replace(stepped, answers=(*stepped.answers, answer), looking_at="")


def chosen_answer(conversation: Conversation, one: Question, option: str, now: datetime) -> Answer:
    """Return the event of choosing an option; raise KeyError for one that is not offered."""
    return _event(
        conversation, one, answer_types.chosen(one, option, conversation.language), now, None
    )


def read_answer(conversation: Conversation, one: Question, reading: Read, now: datetime) -> Answer:
    """Return the event of an answer that was read from other words."""
    return _event(conversation, one, reading, now, None)


def confirm_change(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return the turn after "change it": the answer that waited is taken."""
    waiting = conversation.waiting
    if not waiting or waiting.about != "change" or not is_asked(waiting.question):
        return Turn(conversation, shows=True)
    one = question(waiting.question)
    reading = _reading(one, waiting, conversation.language)
    return _taken(conversation, _event(conversation, one, reading, now, waiting.message))


def leave_as_it_was(
    conversation: Conversation, heard: Heard, pressed: Press, now: datetime
) -> Turn:
    """Return the turn after "leave it as it was": nothing changes, and on we go."""
    return Turn(replace(moves.stepped(conversation), looking_at=""), shows=True)


def _reading(one: Question, waiting: Waiting, language: str) -> Read:
    if waiting.given != Given.SAID:
        return answer_types.special(waiting.given, language)
    if one.options:
        return answer_types.chosen(one, waiting.value, language)
    return Read(waiting.value, waiting.value)


def _ask_first(conversation: Conversation, again: tuple[Question, ...]) -> Turn:
    language = conversation.language
    titles = ", ".join(one.says(language, "title").rstrip("*?") for one in again)
    rows = [
        said(conversation, "scenes.asking.change_it", "change_it"),
        said(conversation, "scenes.asking.keep_it", "leave_it"),
    ]
    text = say(language, "scenes.asking.changes_others", titles=titles)
    return Turn(conversation, (Reply(text, in_rows(rows)),))


def _event(
    conversation: Conversation, one: Question, reading: Read, now: datetime, message: str | None
) -> Answer:
    language = conversation.language
    return Answer(
        question=one.key,
        value=reading.value,
        given=reading.given,
        label=reading.label,
        asked=one.asked(language),
        wording=content_files.version(language),
        language=language,
        at=now,
        by=conversation.typed_by or _by(conversation),
        message=message,
    )


def _by(conversation: Conversation) -> str:
    return "officer" if conversation.journey == "officer" else "person"


_AFTER = {
    ("harm", "sexual"): "scenes.asking.support_sexual",
    ("harm", "domestic"): "scenes.asking.support_home",
    ("still_happening", "yes"): "scenes.asking.help_now",
}


def _said_after(conversation: Conversation, answer: Answer) -> tuple[Reply, ...]:
    key = _AFTER.get((answer.question, answer.value))
    return (Reply(say(conversation.language, key)),) if key else ()


PRESSES = {"change_it": confirm_change, "leave_it": leave_as_it_was}
