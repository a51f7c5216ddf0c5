"""While a member of staff holds the conversation: what ends that, and what is kept of the rest."""

from datetime import datetime, timedelta

from flows import buttons, moves, stages, wording
from flows.buttons import Press, in_rows, said
from flows.conversation import (
    ClearChat,
    Conversation,
    Count,
    Effect,
    ForgetDraft,
    Heard,
    Hearing,
    PassOn,
    Reply,
    StopContact,
    Turn,
)
from flows.dialogue import commands
from flows.outbound import reply_templates
from flows.outbound.discretion import tells
from flows.scenes import danger
from flows.scenes.registry import SHOWS
from flows.service import service
from flows.understanding import text_match
from flows.understanding.crisis import hear_danger
from flows.wording import say

HELD_FOR = timedelta(minutes=30)
"""How long a member of staff holds the conversation after the last message of either."""
_BY_WORD = ("leave", "delete", "withdraw")
_BY_PRESS = {
    "leave": "leave",
    "clear": "leave",
    "delete": "delete",
    "withdraw": "withdraw",
    "withdraw_yes": "withdraw",
    "computer": "computer",
}
_ALWAYS: tuple[type[Effect], ...] = (StopContact, ClearChat, ForgetDraft)


def ends_hold(conversation: Conversation, heard: Heard) -> str:
    """Return why this ends a hold at once: danger, leave, delete, withdraw, computer or page.

    "" when it does not: then it is for the member of staff to read, and the bot says nothing.
    """
    if heard.how in danger.WORDS and heard.text and hear_danger(heard.text):
        return "danger"
    if heard.how == Hearing.FILLED or heard.officer or heard.introduced or heard.typed_by:
        return "page"
    if heard.how == Hearing.PRESSED:
        pressed = buttons.read(heard.text)
        return _BY_PRESS.get(pressed.verb, "") if pressed else ""
    return _by_words(conversation, heard.text) if heard.how == Hearing.SAID else ""


def words_of(conversation: Conversation, heard: Heard) -> str:
    """Return what a person did, as words for the member of staff; never empty."""
    if heard.how == Hearing.PRESSED:
        return _label(conversation, heard) or heard.text or "?"
    return ": ".join(filter(None, (heard.thing, heard.text))) or "?"


def comes_back(conversation: Conversation, quietly: bool, now: datetime) -> Turn:
    """Return one line of the bot, and then where they were, to be shown.

    `quietly`: only the line, with a button that shows the rest, where the rest could tell
    somebody else what it is about. After a while away nothing is shown unasked.
    """
    line = Reply(say(conversation.language, "anytime.held.back"))
    lock = timedelta(minutes=service().lock_minutes)
    away = conversation.heard_at is not None and now - conversation.heard_at > lock
    if away and moves.has_draft(conversation) and "leave" in stages.allowed(conversation.stage):
        conversation = moves.moved(conversation, "leave")
    scene = SHOWS[conversation.stage](conversation, Heard(Hearing.SAID)).replies
    if quietly and (not scene or any(tells(reply.text) for reply in scene)):
        rows = in_rows([said(conversation, "anytime.held.show", "here")])
        return Turn(conversation, (Reply(line.text, rows),))
    return Turn(conversation, (line,), shows=True)


def must_be_said(turn: Turn) -> bool:
    """Return whether no member of staff may hold up what a turn says: danger, leaving, stopping."""
    return any(
        isinstance(effect, _ALWAYS) or (isinstance(effect, Count) and effect.what == "danger")
        for effect in turn.effects
    )


def press_told(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return thanks for an answer to a message of staff; it is passed on to them."""
    text = _told(conversation, pressed)
    if conversation.receipt is None or not text:
        return Turn(conversation, shows=True)
    line = Reply(say(conversation.language, "anytime.held.passed_on"))
    return Turn(conversation, (line,), (PassOn(conversation.receipt.reference, text),))


def press_computer(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return where they were: the bot talks with them already."""
    return Turn(conversation, shows=True)


def _by_words(conversation: Conversation, text: str) -> str:
    name = commands.named(conversation, text) or ""
    if name in _BY_WORD:
        return name
    language, waiting = conversation.language, conversation.waiting
    if waiting and waiting.about == "withdraw":
        yes = wording.words(language, "anytime.words.yes")
        if text_match.exact(text, {"yes": yes}):
            return "withdraw"
    asked = {"computer": wording.words(language, "anytime.words.computer")}
    return text_match.exact(text, asked) or ""


def _label(conversation: Conversation, heard: Heard) -> str:
    """Return what stands on the pressed button, where that can still be known."""
    pressed = buttons.read(heard.text)
    told = _told(conversation, pressed) if pressed else ""
    if told:
        return told
    shown = SHOWS[conversation.stage](conversation, heard).replies
    every = (button for reply in shown for row in reply.buttons for button in row)
    return next((button.label for button in every if button.id == heard.text), "")


def _told(conversation: Conversation, pressed: Press) -> str:
    """Return the label of a button under an approved wording, "" for any other button."""
    if pressed.verb != reply_templates.TOLD or len(pressed.args) != 2:
        return ""
    one = reply_templates.wording(pressed.args[0])
    known = one is not None and pressed.args[1] in one.buttons
    return reply_templates.label(pressed.args[1], conversation.language) if known else ""


PRESSES = {"told": press_told, "computer": press_computer}
