"""Danger first: before anything else, in every state, on every text. It signposts, never blocks."""

from dataclasses import replace
from datetime import datetime, timedelta

from flows.buttons import Press, in_rows, said
from flows.conversation import (
    Conversation,
    Count,
    Effect,
    Heard,
    Hearing,
    RaiseFlag,
    Reply,
    Told,
    Turn,
    Waiting,
)
from flows.questions import answer_types, journey
from flows.questions.answer_types import Read
from flows.questions.questionnaire import is_asked, question
from flows.scenes.answering import take
from flows.service import service
from flows.understanding.crisis import hear_danger, hear_pressure
from flows.wording import has, say

WORDS = (Hearing.SAID, Hearing.EDITED, Hearing.SENT)
"""The ways of being heard that can hold words of danger."""


def first(conversation: Conversation, heard: Heard, now: datetime) -> Turn | None:
    """Return the calm message with the right numbers, or None where no danger is heard.

    The same kind is answered in full at most once in `danger_quiet_minutes`; in between, words
    that may be an answer are offered as one. The place is kept and nothing is taken as an answer.
    """
    if heard.how not in WORDS or not heard.text:
        return None
    kind = hear_danger(heard.text)
    if kind is None:
        return _pressure(conversation, heard.text)
    if _told_lately(conversation, kind, now):
        return _maybe_an_answer(conversation, heard)
    return _told(conversation, kind, now)


def on_a_page(conversation: Conversation, typed: tuple[str, ...], now: datetime) -> Turn:
    """Return what follows from danger and pressure in the words on a page: numbers and flags.

    The words are still the answers that they stood for: a page was filled in on purpose.
    """
    turn = Turn(conversation)
    for words in typed:
        kind = hear_danger(words)
        here = turn.conversation
        if kind and not _told_lately(here, kind, now):
            turn = _joined(turn, _told(here, kind, now))
        elif kind is None:
            turn = _joined(turn, _pressure(here, words) or Turn(here))
    return turn


def _joined(turn: Turn, more: Turn) -> Turn:
    return replace(
        more, replies=(*turn.replies, *more.replies), effects=(*turn.effects, *more.effects)
    )


def _told(conversation: Conversation, kind: str, now: datetime) -> Turn:
    flag = f"danger_{kind}"
    told = replace(
        conversation,
        told=(*(one for one in conversation.told if one.kind != kind), Told(kind, now)),
        waiting=None,
        flags=tuple(dict.fromkeys((*conversation.flags, flag))),
    )
    return Turn(told, _numbers(told, kind), _effects(told, flag))


def press_use_words(
    conversation: Conversation, heard: Heard, pressed: Press, now: datetime
) -> Turn:
    """Return the turn after "that was my answer": the words that waited are read as one."""
    waiting = conversation.waiting
    one = journey.open_question(conversation) if conversation.stage == "asking" else None
    if not waiting or waiting.about != "words" or one is None or not is_asked(waiting.question):
        return Turn(conversation, shows=True)
    if waiting.question != one.key:
        return Turn(conversation, shows=True)
    reading = answer_types.read(question(waiting.question), waiting.value, conversation.language)
    if not isinstance(reading, Read):
        return Turn(replace(conversation, waiting=None), shows=True)
    return take(conversation, one, reading, replace(heard, message=waiting.message), now)


def _told_lately(conversation: Conversation, kind: str, now: datetime) -> bool:
    quiet = timedelta(minutes=service().danger_quiet_minutes)
    return any(one.kind == kind and now - one.at < quiet for one in conversation.told)


def _numbers(conversation: Conversation, kind: str) -> tuple[Reply, ...]:
    language = conversation.language
    texts = [say(language, f"crisis.{kind}.text")]
    if has(language, f"crisis.{kind}.more"):
        texts.append(say(language, f"crisis.{kind}.more"))
    rows = in_rows(
        [
            said(conversation, "crisis.buttons.leave", "leave", style="danger"),
            said(conversation, "crisis.buttons.carry_on", "here"),
        ]
    )
    return (*(Reply(text) for text in texts[:-1]), Reply(texts[-1], rows))


def _effects(conversation: Conversation, flag: str) -> tuple[Effect, ...]:
    counted = Count("danger", flag)
    if conversation.receipt and conversation.stage in ("sent", "withdrawn"):
        return (counted, RaiseFlag(conversation.receipt.reference, flag))
    return (counted,)


def _maybe_an_answer(conversation: Conversation, heard: Heard) -> Turn | None:
    one = journey.open_question(conversation) if conversation.stage == "asking" else None
    if one is None or heard.how != Hearing.SAID:
        still = Reply(say(conversation.language, "scenes.asking.numbers_above"))
        return Turn(conversation, (still,), shows=True)
    kept = Waiting("words", one.key, heard.text, message=heard.message)
    asked = replace(conversation, waiting=kept)
    rows = [
        said(asked, "scenes.asking.use_words", "use_words"),
        said(asked, "scenes.learning.to_question", "here"),
        said(asked, "scenes.asking.last_row_leave", "leave"),
    ]
    text = say(conversation.language, "scenes.asking.still_there")
    return Turn(asked, (Reply(text, in_rows(rows)),))


def _pressure(conversation: Conversation, text: str) -> Turn | None:
    if "pressure" in conversation.flags or not hear_pressure(text):
        return None
    flagged = replace(conversation, flags=(*conversation.flags, "pressure"))
    receipt = conversation.receipt
    effects: tuple[Effect, ...] = ()
    if receipt and conversation.stage in ("sent", "withdrawn"):
        effects = (RaiseFlag(receipt.reference, "pressure"),)
    return Turn(
        flagged, (Reply(say(conversation.language, "crisis.pressure.text")),), effects, shows=True
    )


PRESSES = {"use_words": press_use_words}
