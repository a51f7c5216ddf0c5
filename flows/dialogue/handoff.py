"""Handoff: which inputs end it, and which are stored for staff."""

from datetime import datetime, timedelta
from enum import StrEnum

from flows import inputs, wording
from flows.conversation import (
    ClearChat,
    Conversation,
    CountEvent,
    Effect,
    ForgetDraft,
    ForwardToStaff,
    Reply,
    StopContact,
    Turn,
)
from flows.dialogue import commands
from flows.dialogue.absence import lock_time, time_since_last_input
from flows.dialogue.commands import Command
from flows.interaction import moves
from flows.interaction.buttons import ButtonId, ButtonVerb, button_for, in_rows, parse_button_id
from flows.interaction.moment import Moment, show_again
from flows.outbound import reply_templates
from flows.outbound.discretion import is_revealing
from flows.pending import ConfirmWithdrawal
from flows.scenes.registry import SCENES
from flows.stages import Move
from flows.understanding import text_match
from flows.understanding.crisis import detect_danger
from flows.vocabulary import CounterEvent
from flows.wording import say

HANDOFF_TIMEOUT = timedelta(minutes=30)
"""How long a member of staff holds the conversation after the last message of either."""


class HandoffEnd(StrEnum):
    """Why an input ends a handoff at once."""

    DANGER = "danger"
    LEAVE = "leave"
    DELETE = "delete"
    WITHDRAW = "withdraw"
    COMPUTER = "computer"
    PAGE = "page"


_ENDING_COMMANDS = {
    Command.LEAVE: HandoffEnd.LEAVE,
    Command.DELETE: HandoffEnd.DELETE,
    Command.WITHDRAW: HandoffEnd.WITHDRAW,
}
_ENDING_BUTTONS = {
    ButtonVerb.LEAVE: HandoffEnd.LEAVE,
    ButtonVerb.CLEAR: HandoffEnd.LEAVE,
    ButtonVerb.DELETE: HandoffEnd.DELETE,
    ButtonVerb.WITHDRAW: HandoffEnd.WITHDRAW,
    ButtonVerb.CONFIRM_WITHDRAWAL: HandoffEnd.WITHDRAW,
    ButtonVerb.RETURN_TO_BOT: HandoffEnd.COMPUTER,
}
_UNBLOCKABLE_EFFECTS: tuple[type[Effect], ...] = (StopContact, ClearChat, ForgetDraft)


def handoff_end_reason(conversation: Conversation, user_input: inputs.Input) -> HandoffEnd | None:
    """Return why this input ends a handoff at once.

    None when it does not: then it is for the member of staff to read, and the bot says nothing.
    """
    words, sender = inputs.free_text(user_input), user_input.sender
    if words and detect_danger(words):
        return HandoffEnd.DANGER
    # A code from a link, and what staff type for somebody, come from a page too.
    from_page = sender.officer or sender.introduction or sender.typed_by
    if isinstance(user_input, inputs.FormSubmission) or from_page:
        return HandoffEnd.PAGE
    match user_input:
        case inputs.ButtonPress(button_id):
            pressed = parse_button_id(button_id)
            return _ENDING_BUTTONS.get(pressed.verb) if pressed else None
        case inputs.TypedText(text):
            return _end_reason_in_text(conversation, text)
        case inputs.MessageEdit() | inputs.SharedNumber() | inputs.Attachment():
            return None


def describe_input(moment: Moment) -> str:
    """Return what a person did, as words for the member of staff; never empty."""
    match moment.input:
        case inputs.ButtonPress(button_id):
            words = _pressed_label(moment, button_id) or button_id
        case inputs.TypedText(text) | inputs.MessageEdit(text):
            words = text
        case inputs.SharedNumber(number):
            words = number
        case inputs.Attachment(medium, caption):
            words = ": ".join(filter(None, (medium, caption)))
        case inputs.FormSubmission():
            words = ""
    return words or "?"


def resume_bot(conversation: Conversation, quietly: bool, now: datetime) -> Turn:
    """Return one line of the bot, and then where they were, to be shown.

    `quietly`: only the line, with a button that shows the rest, where the rest could tell
    somebody else what it is about. After a while away nothing is shown unasked.
    """
    line = Reply(say(conversation.language, "commands.handoff.back"))
    is_away = time_since_last_input(conversation, now) > lock_time()
    if is_away and moves.has_draft(conversation) and moves.can(conversation, Move.LEAVE):
        conversation = moves.apply_move(conversation, Move.LEAVE)
    here = Moment(conversation, inputs.TypedText(""), now)
    scene = SCENES[conversation.stage].show(here).replies
    # No reply here means that the scene leads on to another: that one may tell anything.
    if quietly and (not scene or any(is_revealing(reply.text) for reply in scene)):
        rows = in_rows([button_for(conversation, "commands.handoff.show", ButtonVerb.RERENDER)])
        return Turn(conversation, (Reply(line.text, rows),))
    return Turn(conversation, (line,), rerender=True)


def is_unblockable(turn: Turn) -> bool:
    """Return whether no member of staff may hold up what a turn says: danger, leaving, stopping."""
    return any(
        isinstance(effect, _UNBLOCKABLE_EFFECTS)
        or (isinstance(effect, CountEvent) and effect.event == CounterEvent.DANGER)
        for effect in turn.effects
    )


def press_reply_button(moment: Moment) -> Turn:
    """Return thanks for an answer to a message of staff; it is passed on to them."""
    conversation = moment.conversation
    text = _reply_button_label(conversation, moment.pressed)
    if conversation.receipt is None or not text:
        return show_again(moment)
    line = Reply(say(conversation.language, "commands.handoff.passed_on"))
    return Turn(conversation, (line,), (ForwardToStaff(conversation.receipt.reference, text),))


def _end_reason_in_text(conversation: Conversation, text: str) -> HandoffEnd | None:
    command = commands.find_command(conversation, text)
    if command in _ENDING_COMMANDS:
        return _ENDING_COMMANDS[command]
    if isinstance(conversation.pending, ConfirmWithdrawal) and _says(conversation, text, "yes"):
        return HandoffEnd.WITHDRAW
    return HandoffEnd.COMPUTER if _says(conversation, text, "computer") else None


def _says(conversation: Conversation, text: str, key: str) -> bool:
    words = wording.words(conversation.language, f"commands.words.{key}")
    return text_match.exact_match(text, {key: words}) is not None


def _pressed_label(moment: Moment, button_id: str) -> str:
    """Return what stands on the pressed button, where that can still be known."""
    conversation = moment.conversation
    label = _reply_button_label(conversation, moment.pressed)
    if label:
        return label
    shown = SCENES[conversation.stage].show(moment).replies
    every = (button for reply in shown for row in reply.buttons for button in row)
    return next((button.label for button in every if button.id == button_id), "")


def _reply_button_label(conversation: Conversation, pressed: ButtonId | None) -> str:
    """Return the label of a button under an approved wording, "" for any other button."""
    if pressed is None or pressed.verb != ButtonVerb.REPLY or len(pressed.args) != 2:
        return ""
    template_id, answer = pressed.args
    template = reply_templates.find_template(template_id)
    known = template is not None and answer in template.buttons
    return reply_templates.reply_button_label(answer, conversation.language) if known else ""


# The bot talks with them already when RETURN_TO_BOT arrives: the press itself ended the handoff.
BUTTON_HANDLERS = {ButtonVerb.REPLY: press_reply_button, ButtonVerb.RETURN_TO_BOT: show_again}
