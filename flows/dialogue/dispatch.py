"""What one thing heard leads to: danger first, then words, presses, edits, numbers, the rest."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from flows import buttons, moves, stages, wording
from flows.buttons import ButtonPress
from flows.conversation import ClearMessage, Conversation, Input, InputKind, Pending, Reply, Turn
from flows.dialogue import commands, form_submission, handoff
from flows.questions import answer_types, journey
from flows.questions.answer_types import Parsed
from flows.questions.questionnaire import get_question, question_exists
from flows.scenes import (
    answering,
    asking,
    checking,
    danger,
    learning,
    notice,
    paused,
    sent,
    welcome,
)
from flows.scenes.registry import HANDLE_BY_STAGE, SHOW_BY_STAGE
from flows.service import service
from flows.understanding import crisis, faq, text_match
from flows.wording import say

INPUT_MAX = answer_types.INPUT_MAX_CHARS
_YES_NO = ("yes", "no")
_EXTRA_BUTTONS = ("profile:", "keep:", "use_words")
"""Buttons under a question that are no options of it."""

ButtonHandler = Callable[[Conversation, Input, ButtonPress, datetime], Turn]

BUTTON_HANDLERS: Mapping[str, ButtonHandler] = {
    **commands.BUTTON_HANDLERS,
    **danger.BUTTON_HANDLERS,
    **handoff.BUTTON_HANDLERS,
    **welcome.BUTTON_HANDLERS,
    **learning.BUTTON_HANDLERS,
    **notice.BUTTON_HANDLERS,
    **asking.BUTTON_HANDLERS,
    **answering.BUTTON_HANDLERS,
    **checking.BUTTON_HANDLERS,
    **sent.BUTTON_HANDLERS,
    **paused.BUTTON_HANDLERS,
}


def warm_up() -> None:
    """Read what listening needs, so that the first person does not wait for it."""
    crisis.detect_danger("warm up")
    crisis.detect_pressure("warm up")
    for code in service().languages:
        faq.suggest(code, "warm up")


def dispatch_input(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return what follows from one thing heard: danger first, then whatever it is."""
    if user_input.kind == InputKind.FORM:
        return form_submission.submit_page(
            conversation, user_input, _is_away(conversation, now), now
        )
    in_danger = danger.respond_to_danger(conversation, user_input, now)
    if in_danger:
        return in_danger
    match user_input.kind:
        case InputKind.BUTTON:
            return _handle_button(conversation, user_input, now)
        case InputKind.ATTACHMENT:
            return _handle_attachment(conversation, user_input)
        case InputKind.SHARED_NUMBER:
            return _handle_shared_number(conversation, user_input, now)
        case InputKind.EDIT:
            return _handle_edit(conversation, user_input, now)
        case InputKind.TEXT:
            return _handle_text(conversation, user_input, now)


def _handle_text(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    if len(user_input.text) > INPUT_MAX:
        return _reply_and_rerender(
            conversation, "errors.chat.too_long", n=len(user_input.text), max=INPUT_MAX
        )
    if not answer_types.sanitize(user_input.text):
        return _reply_and_rerender(conversation, "errors.chat.unread")
    if user_input.officer or user_input.introduction:
        busy = moves.has_draft(conversation)
        return Turn(
            conversation if busy else moves.start_draft(conversation, "welcome", ""), rerender=True
        )
    name = commands.find_command(conversation, user_input.text)
    if name == "leave":
        return commands.run_command(conversation, user_input, name, now)
    if _is_away(conversation, now) and name in (None, "start", "status", "carry_on", "back"):
        return _pause_after_absence(conversation, user_input, name)
    if conversation.stage == "expired":
        return Turn(conversation, rerender=True)
    waited = _resolve_pending(conversation, user_input, now)
    if waited:
        return waited
    if name and not _command_is_answer(conversation, name):
        return commands.run_command(conversation, user_input, name, now)
    button = _button_id_for_text(conversation, user_input)
    if button:
        return _handle_button(conversation, replace(user_input, text=button, message_id=None), now)
    return HANDLE_BY_STAGE[conversation.stage](conversation, user_input, now)


def _button_id_for_text(conversation: Conversation, user_input: Input) -> str | None:
    """Return the id of the scene's button whose label or number was typed, if one was.

    The questions read their own options and numbers, with many more words for each. What sends
    or deletes wants its words: a number typed once too often must do neither.
    """
    if conversation.stage == "asking" and journey.open_question(conversation) is None:
        return None
    shown = SHOW_BY_STAGE[conversation.stage](conversation, user_input).replies[-1:]
    buttons = [b for reply in shown for row in reply.buttons for b in row if b.kind == "press"]
    if conversation.stage == "asking":
        beside = [one for one in buttons if one.id.startswith(_EXTRA_BUTTONS)]
        return text_match.exact_match(user_input.text, {one.id: [one.label] for one in beside})
    labels = {
        one.id: [one.label] if one.style else [one.label, str(n)]
        for n, one in enumerate(buttons, start=1)
    }
    return text_match.exact_match(user_input.text, labels)


def _command_is_answer(conversation: Conversation, name: str) -> bool:
    """Some of the words are also answers: "carry on" agrees to the notice, "send" only sends."""
    return name == "carry_on" and conversation.stage == "notice"


def _resolve_pending(conversation: Conversation, user_input: Input, now: datetime) -> Turn | None:
    """A typed yes or no to what waits for one; the buttons beside it do the same."""
    waiting = conversation.pending
    words = {
        word: wording.words(conversation.language, f"anytime.words.{word}") for word in _YES_NO
    }
    word = text_match.exact_match(user_input.text, words) if waiting else None
    if waiting is None or word is None or not waiting.just_asked:
        return None
    if waiting.kind == "words" and conversation.stage != "asking":
        return None
    yes = word == "yes"
    press = ButtonPress("", (), conversation.prompt_id)
    if (
        waiting.kind == "guess"
        and question_exists(waiting.question)
        and conversation.stage == "asking"
    ):
        one = get_question(waiting.question)
        if not yes or journey.open_question(conversation) != one:
            return Turn(replace(conversation, pending=None), rerender=True)
        reading = answer_types.parsed_option(one, waiting.value, conversation.language)
        return answering.record_answer(conversation, one, reading, user_input, now)
    does = {
        "change": answering.confirm_change,
        "again": paused.press_restart_confirmed,
        "withdraw": sent.press_withdraw_confirmed,
        "words": danger.press_use_as_answer,
    }.get(waiting.kind)
    if does is None:
        return None
    if yes:
        return does(conversation, user_input, press, now)
    return answering.keep_previous_answer(conversation, user_input, press, now)


def _handle_button(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    pressed = buttons.parse_button_id(user_input.text)
    if (
        pressed is None
        or pressed.verb not in BUTTON_HANDLERS
        or pressed.prompt_id > conversation.prompt_id
    ):
        return _reply_and_rerender(conversation, "errors.chat.forged")
    if conversation.stage == "expired" and pressed.verb != "leave":
        return Turn(conversation, rerender=True)
    if pressed.verb == "show" and _is_away(conversation, now):
        return _pause_after_absence(conversation, user_input, pressed.verb)
    return BUTTON_HANDLERS[pressed.verb](conversation, user_input, pressed, now)


def _handle_attachment(conversation: Conversation, user_input: Input) -> Turn:
    own = user_input.detail if user_input.detail in ("contact", "location") else "any"
    taken_out = (ClearMessage(user_input.message_id),) if user_input.message_id else ()
    return replace(
        _reply_and_rerender(conversation, f"scenes.sent_things.{own}"), effects=taken_out
    )


def _handle_shared_number(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    one = journey.open_question(conversation) if conversation.stage == "asking" else None
    if one is None or one.kind != "phone":
        return _reply_and_rerender(conversation, "scenes.sent_things.contact")
    reading = answer_types.parse_answer(one, user_input.text, conversation.language)
    if not isinstance(reading, Parsed):
        return _reply_and_rerender(
            conversation, "errors.phone.first", example=answer_types.PHONE_EXAMPLE
        )
    return answering.record_answer(conversation, one, reading, user_input, now)


def _handle_edit(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """An edited message changes the answer that it gave, if it still reads as one."""
    given = [
        a
        for a in conversation.answers
        if user_input.message_id and a.message_id == user_input.message_id
    ]
    on_path = [one.key for one in journey.applicable_questions(conversation)]
    editable = conversation.stage in ("asking", "checking", "stopped")
    if not given or not editable or given[-1].question not in on_path:
        return _reply_and_rerender(conversation, "scenes.asking.edited_not_an_answer")
    one = get_question(given[-1].question)
    reading = answer_types.parse_answer(one, user_input.text, conversation.language)
    if not isinstance(reading, Parsed):
        return _reply_and_rerender(conversation, "scenes.asking.edited_not")
    now_open = journey.open_question(conversation)
    reopened = replace(moves.apply_move(conversation, "reopen"), editing=one.key)
    taken = answering.record_answer(reopened, one, reading, user_input, now)
    if taken.conversation.pending:
        return taken
    kept = now_open.key if now_open and conversation.editing else ""
    line = Reply(say(conversation.language, "scenes.asking.edited"))
    return replace(
        taken,
        conversation=replace(taken.conversation, editing=kept),
        replies=(line, *taken.replies),
    )


def _is_away(conversation: Conversation, now: datetime) -> bool:
    """Somebody who was away a while is asked before anything is shown or taken."""
    busy = "leave" in stages.allowed_moves(conversation.stage) and moves.has_draft(conversation)
    lock = timedelta(minutes=service().lock_minutes)
    return (
        busy and conversation.stage != "paused" and time_since_last_input(conversation, now) > lock
    )


def _pause_after_absence(
    conversation: Conversation, user_input: Input, command: str | None
) -> Turn:
    """Show nothing that was said; words that may be an answer are kept until they carry on."""
    one = journey.open_question(conversation) if conversation.stage == "asking" else None
    away = moves.apply_move(conversation, "leave")
    if command is None and one:
        words = Pending("words", one.key, user_input.text, message_id=user_input.message_id)
        away = replace(away, pending=words)
    return Turn(away, rerender=True)


def time_since_last_input(conversation: Conversation, now: datetime) -> timedelta:
    """Return how long nothing was heard from this person."""
    return now - conversation.last_input_at if conversation.last_input_at else timedelta()


def _reply_and_rerender(conversation: Conversation, key: str, **blanks: object) -> Turn:
    return Turn(conversation, (Reply(say(conversation.language, key, **blanks)),), rerender=True)
