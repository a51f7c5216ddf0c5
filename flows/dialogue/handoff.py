"""While a member of staff holds the conversation: what ends that, and what is kept of the rest."""

from datetime import datetime, timedelta

from flows import buttons, moves, stages, wording
from flows.buttons import ButtonPress, button_for, in_rows
from flows.conversation import (
    ClearChat,
    Conversation,
    CountEvent,
    Effect,
    ForgetDraft,
    ForwardToStaff,
    Input,
    InputKind,
    Reply,
    StopContact,
    Turn,
)
from flows.dialogue import commands
from flows.outbound import reply_templates
from flows.outbound.discretion import is_revealing
from flows.scenes import danger
from flows.scenes.registry import SHOW_BY_STAGE
from flows.service import service
from flows.understanding import text_match
from flows.understanding.crisis import detect_danger
from flows.wording import say

HANDOFF_TIMEOUT = timedelta(minutes=30)
"""How long a member of staff holds the conversation after the last message of either."""
_ENDING_COMMANDS = ("leave", "delete", "withdraw")
_ENDING_BUTTONS = {
    "leave": "leave",
    "clear": "leave",
    "delete": "delete",
    "withdraw": "withdraw",
    "withdraw_yes": "withdraw",
    "computer": "computer",
}
_UNBLOCKABLE_EFFECTS: tuple[type[Effect], ...] = (StopContact, ClearChat, ForgetDraft)


def handoff_end_reason(conversation: Conversation, user_input: Input) -> str:
    """Return why this ends a hold at once: danger, leave, delete, withdraw, computer or page.

    "" when it does not: then it is for the member of staff to read, and the bot says nothing.
    """
    if (
        user_input.kind in danger.TEXT_INPUT_KINDS
        and user_input.text
        and detect_danger(user_input.text)
    ):
        return "danger"
    if (
        user_input.kind == InputKind.FORM
        or user_input.officer
        or user_input.introduction
        or user_input.typed_by
    ):
        return "page"
    if user_input.kind == InputKind.BUTTON:
        pressed = buttons.parse_button_id(user_input.text)
        return _ENDING_BUTTONS.get(pressed.verb, "") if pressed else ""
    return (
        _end_reason_in_text(conversation, user_input.text)
        if user_input.kind == InputKind.TEXT
        else ""
    )


def describe_input(conversation: Conversation, user_input: Input) -> str:
    """Return what a person did, as words for the member of staff; never empty."""
    if user_input.kind == InputKind.BUTTON:
        return _pressed_label(conversation, user_input) or user_input.text or "?"
    return ": ".join(filter(None, (user_input.detail, user_input.text))) or "?"


def resume_bot(conversation: Conversation, quietly: bool, now: datetime) -> Turn:
    """Return one line of the bot, and then where they were, to be shown.

    `quietly`: only the line, with a button that shows the rest, where the rest could tell
    somebody else what it is about. After a while away nothing is shown unasked.
    """
    line = Reply(say(conversation.language, "anytime.held.back"))
    lock = timedelta(minutes=service().lock_minutes)
    away = conversation.last_input_at is not None and now - conversation.last_input_at > lock
    if (
        away
        and moves.has_draft(conversation)
        and "leave" in stages.allowed_moves(conversation.stage)
    ):
        conversation = moves.apply_move(conversation, "leave")
    scene = SHOW_BY_STAGE[conversation.stage](conversation, Input(InputKind.TEXT)).replies
    if quietly and (not scene or any(is_revealing(reply.text) for reply in scene)):
        rows = in_rows([button_for(conversation, "anytime.held.show", "here")])
        return Turn(conversation, (Reply(line.text, rows),))
    return Turn(conversation, (line,), rerender=True)


def is_unblockable(turn: Turn) -> bool:
    """Return whether no member of staff may hold up what a turn says: danger, leaving, stopping."""
    return any(
        isinstance(effect, _UNBLOCKABLE_EFFECTS)
        or (isinstance(effect, CountEvent) and effect.event == "danger")
        for effect in turn.effects
    )


def press_reply_button(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return thanks for an answer to a message of staff; it is passed on to them."""
    text = _reply_button_label(conversation, pressed)
    if conversation.receipt is None or not text:
        return Turn(conversation, rerender=True)
    line = Reply(say(conversation.language, "anytime.held.passed_on"))
    return Turn(conversation, (line,), (ForwardToStaff(conversation.receipt.reference, text),))


def press_return_to_bot(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return where they were: the bot talks with them already."""
    return Turn(conversation, rerender=True)


def _end_reason_in_text(conversation: Conversation, text: str) -> str:
    name = commands.find_command(conversation, text) or ""
    if name in _ENDING_COMMANDS:
        return name
    language, waiting = conversation.language, conversation.pending
    if waiting and waiting.kind == "withdraw":
        yes = wording.words(language, "anytime.words.yes")
        if text_match.exact_match(text, {"yes": yes}):
            return "withdraw"
    asked = {"computer": wording.words(language, "anytime.words.computer")}
    return text_match.exact_match(text, asked) or ""


def _pressed_label(conversation: Conversation, user_input: Input) -> str:
    """Return what stands on the pressed button, where that can still be known."""
    pressed = buttons.parse_button_id(user_input.text)
    told = _reply_button_label(conversation, pressed) if pressed else ""
    if told:
        return told
    shown = SHOW_BY_STAGE[conversation.stage](conversation, user_input).replies
    every = (button for reply in shown for row in reply.buttons for button in row)
    return next((button.label for button in every if button.id == user_input.text), "")


def _reply_button_label(conversation: Conversation, pressed: ButtonPress) -> str:
    """Return the label of a button under an approved wording, "" for any other button."""
    if pressed.verb != reply_templates.REPLY_BUTTON_VERB or len(pressed.args) != 2:
        return ""
    one = reply_templates.find_template(pressed.args[0])
    known = one is not None and pressed.args[1] in one.buttons
    return (
        reply_templates.reply_button_label(pressed.args[1], conversation.language) if known else ""
    )


BUTTON_HANDLERS = {"told": press_reply_button, "computer": press_return_to_bot}
