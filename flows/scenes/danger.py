"""Danger first: before anything else, in every state, on every text. It signposts, never blocks."""

from dataclasses import replace
from datetime import datetime, timedelta

from flows.buttons import ButtonPress, button_for, in_rows
from flows.conversation import (
    Conversation,
    CountEvent,
    DangerSignpost,
    Effect,
    Input,
    InputKind,
    Pending,
    RaiseFlag,
    Reply,
    Turn,
)
from flows.questions import answer_types, journey
from flows.questions.answer_types import Parsed
from flows.questions.questionnaire import get_question, question_exists
from flows.scenes.answering import record_answer
from flows.service import service
from flows.understanding.crisis import detect_danger, detect_pressure
from flows.wording import has, say

TEXT_INPUT_KINDS = (InputKind.TEXT, InputKind.EDIT, InputKind.ATTACHMENT)
"""The ways of being heard that can hold words of danger."""


def respond_to_danger(conversation: Conversation, user_input: Input, now: datetime) -> Turn | None:
    """Return the calm message with the right numbers, or None where no danger is heard.

    The same kind is answered in full at most once in `danger_quiet_minutes`; in between, words
    that may be an answer are offered as one. The place is kept and nothing is taken as an answer.
    """
    if user_input.kind not in TEXT_INPUT_KINDS or not user_input.text:
        return None
    kind = detect_danger(user_input.text)
    if kind is None:
        return _respond_to_pressure(conversation, user_input.text)
    if _was_given_recently(conversation, kind, now):
        return _offer_as_answer(conversation, user_input)
    return _give_helplines(conversation, kind, now)


def respond_to_danger_on_page(
    conversation: Conversation, typed: tuple[str, ...], now: datetime
) -> Turn:
    """Return what follows from danger and pressure in the words on a page: numbers and flags.

    The words are still the answers that they stood for: a page was filled in on purpose.
    """
    turn = Turn(conversation)
    for words in typed:
        kind = detect_danger(words)
        here = turn.conversation
        if kind and not _was_given_recently(here, kind, now):
            turn = _merge_turns(turn, _give_helplines(here, kind, now))
        elif kind is None:
            turn = _merge_turns(turn, _respond_to_pressure(here, words) or Turn(here))
    return turn


def _merge_turns(turn: Turn, more: Turn) -> Turn:
    return replace(
        more, replies=(*turn.replies, *more.replies), effects=(*turn.effects, *more.effects)
    )


def _give_helplines(conversation: Conversation, kind: str, now: datetime) -> Turn:
    flag = f"danger_{kind}"
    told = replace(
        conversation,
        danger_signposts=(
            *(one for one in conversation.danger_signposts if one.kind != kind),
            DangerSignpost(kind, now),
        ),
        pending=None,
        flags=tuple(dict.fromkeys((*conversation.flags, flag))),
    )
    return Turn(told, _helpline_replies(told, kind), _danger_effects(told, flag))


def press_use_as_answer(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return the turn after "that was my answer": the words that waited are read as one."""
    waiting = conversation.pending
    one = journey.open_question(conversation) if conversation.stage == "asking" else None
    if (
        not waiting
        or waiting.kind != "words"
        or one is None
        or not question_exists(waiting.question)
    ):
        return Turn(conversation, rerender=True)
    if waiting.question != one.key:
        return Turn(conversation, rerender=True)
    reading = answer_types.parse_answer(
        get_question(waiting.question), waiting.value, conversation.language
    )
    if not isinstance(reading, Parsed):
        return Turn(replace(conversation, pending=None), rerender=True)
    return record_answer(
        conversation, one, reading, replace(user_input, message_id=waiting.message_id), now
    )


def _was_given_recently(conversation: Conversation, kind: str, now: datetime) -> bool:
    quiet = timedelta(minutes=service().danger_quiet_minutes)
    return any(
        one.kind == kind and now - one.given_at < quiet for one in conversation.danger_signposts
    )


def _helpline_replies(conversation: Conversation, kind: str) -> tuple[Reply, ...]:
    language = conversation.language
    texts = [say(language, f"crisis.{kind}.text")]
    if has(language, f"crisis.{kind}.more"):
        texts.append(say(language, f"crisis.{kind}.more"))
    rows = in_rows(
        [
            button_for(conversation, "crisis.buttons.leave", "leave", style="danger"),
            button_for(conversation, "crisis.buttons.carry_on", "here"),
        ]
    )
    return (*(Reply(text) for text in texts[:-1]), Reply(texts[-1], rows))


def _danger_effects(conversation: Conversation, flag: str) -> tuple[Effect, ...]:
    counted = CountEvent("danger", flag)
    if conversation.receipt and conversation.stage in ("sent", "withdrawn"):
        return (counted, RaiseFlag(conversation.receipt.reference, flag))
    return (counted,)


def _offer_as_answer(conversation: Conversation, user_input: Input) -> Turn | None:
    one = journey.open_question(conversation) if conversation.stage == "asking" else None
    if one is None or user_input.kind != InputKind.TEXT:
        still = Reply(say(conversation.language, "scenes.asking.numbers_above"))
        return Turn(conversation, (still,), rerender=True)
    kept = Pending("words", one.key, user_input.text, message_id=user_input.message_id)
    asked = replace(conversation, pending=kept)
    rows = [
        button_for(asked, "scenes.asking.use_words", "use_words"),
        button_for(asked, "scenes.learning.to_question", "here"),
        button_for(asked, "scenes.asking.last_row_leave", "leave"),
    ]
    text = say(conversation.language, "scenes.asking.still_there")
    return Turn(asked, (Reply(text, in_rows(rows)),))


def _respond_to_pressure(conversation: Conversation, text: str) -> Turn | None:
    if "pressure" in conversation.flags or not detect_pressure(text):
        return None
    flagged = replace(conversation, flags=(*conversation.flags, "pressure"))
    receipt = conversation.receipt
    effects: tuple[Effect, ...] = ()
    if receipt and conversation.stage in ("sent", "withdrawn"):
        effects = (RaiseFlag(receipt.reference, "pressure"),)
    return Turn(
        flagged,
        (Reply(say(conversation.language, "crisis.pressure.text")),),
        effects,
        rerender=True,
    )


BUTTON_HANDLERS = {"use_words": press_use_as_answer}
