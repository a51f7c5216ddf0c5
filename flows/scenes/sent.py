"""After sending: the reference once, then where things stand, and how to stop it."""

from dataclasses import replace
from datetime import datetime

from flows import moves
from flows.buttons import Press, in_rows, said
from flows.conversation import (
    Button,
    ClearChat,
    Conversation,
    Heard,
    Receipt,
    Reply,
    Rows,
    StopContact,
    Turn,
    Waiting,
)
from flows.scenes import explain
from flows.wording import say, spoken_time


def show(conversation: Conversation, heard: Heard) -> Turn:
    """Return where things stand; it never shows an answer."""
    if conversation.receipt is None:
        return Turn(moves.moved(conversation, "welcome"), shows=True)
    text = say(conversation.language, _now_key(conversation.receipt), **_blanks(conversation))
    return Turn(conversation, (Reply(text, _rows(conversation)),))


def show_thanks(conversation: Conversation, heard: Heard) -> Turn:
    """Return the confirmation: the reference, what happens next, and by when."""
    receipt = conversation.receipt
    if receipt is None:
        return show(conversation, heard)
    language = conversation.language
    if receipt.journey == "officer":
        key = "thanks_officer"
    else:
        key = "thanks" if receipt.contact else "thanks_own_call"
    text = say(language, f"scenes.sent.{key}", **_blanks(conversation))
    if receipt.journey == "officer" and not (
        conversation.officer and conversation.officer.verified
    ):
        text = f"{text}\n\n{say(language, 'scenes.sent.unverified')}"
    card = heard.message if receipt.journey == "officer" else None
    copy = replace(
        said(conversation, "scenes.sent.copy", "copy"), does="copy", id=receipt.reference
    )
    return Turn(conversation, (Reply(text, ((copy,), *_rows(conversation)), edits=card),))


def hear(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return an answer to typed words."""
    return explain.answer_or_suggest(conversation, heard.text)


def ask_to_withdraw(conversation: Conversation) -> Turn:
    """Return one question before contact is stopped; or say that there is nothing to stop."""
    language = conversation.language
    if conversation.receipt is None or conversation.receipt.withdrawn:
        return Turn(conversation, (Reply(say(language, "anytime.withdraw.nothing")),), shows=True)
    asked = replace(conversation, waiting=Waiting("withdraw"))
    rows = [
        said(asked, "anytime.withdraw.yes", "withdraw_yes", style="danger"),
        said(asked, "anytime.withdraw.no", "here"),
    ]
    return Turn(asked, (Reply(say(language, "anytime.withdraw.sure"), in_rows(rows)),))


def withdraw(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return the turn that stops contact; staff see it first."""
    if conversation.receipt is None or conversation.receipt.withdrawn:
        return Turn(conversation, shows=True)
    done = say(conversation.language, "anytime.withdraw.done")
    effects = contact_stopped(conversation, "withdraw")
    stopped = after_stopping(conversation)
    if stopped.stage != "withdrawn":
        return Turn(stopped, (Reply(done),), effects, shows=True)
    return Turn(stopped, (Reply(done, _rows(stopped)),), effects)


def contact_stopped(conversation: Conversation, act: str) -> tuple[StopContact, ...]:
    """Return what stops contact for everything this person sent that is not withdrawn."""
    receipt = conversation.receipt
    if receipt is None or receipt.withdrawn:
        return ()
    return tuple(StopContact(one, act) for one in (receipt.reference, *receipt.earlier))


def after_stopping(conversation: Conversation) -> Conversation:
    """Return the conversation with its receipt withdrawn; a draft under way stays where it is."""
    receipt = conversation.receipt
    if conversation.stage == "sent":
        conversation = moves.moved(conversation, "withdraw")
    stepped = moves.stepped(conversation)
    return replace(stepped, receipt=replace(receipt, withdrawn=True) if receipt else None)


def press_withdraw(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return one question before contact is stopped."""
    return ask_to_withdraw(conversation)


def clear(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return one neutral line after the chat is cleared as far as the channel allows."""
    line = Reply(say(conversation.language, "scenes.paused.left"))
    return Turn(conversation, (line,), (ClearChat(),))


def another(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return the start of a new request."""
    if conversation.stage not in ("sent", "withdrawn"):
        return Turn(conversation, shows=True)
    officer = conversation.receipt is not None and conversation.receipt.journey == "officer"
    begin = ("refer", "officer") if officer else ("begin", "self")
    return Turn(moves.begun(conversation, *begin), shows=True)


def _now_key(receipt: Receipt) -> str:
    if receipt.withdrawn:
        return "scenes.sent.withdrawn"
    if receipt.journey == "officer":
        return "scenes.sent.now_officer"
    return "scenes.sent.now" if receipt.contact else "scenes.sent.now_own_call"


def _blanks(conversation: Conversation) -> dict[str, str]:
    receipt = conversation.receipt
    if receipt is None:
        return {}
    return {
        "reference": receipt.reference,
        "due": spoken_time(conversation.language, receipt.due),
    }


def _rows(conversation: Conversation) -> Rows:
    officer = conversation.receipt is not None and conversation.receipt.journey == "officer"
    again = "scenes.sent.refer_another" if officer else "scenes.sent.another"
    buttons: list[Button] = [said(conversation, "scenes.sent.follow", "questions")]
    if conversation.stage == "sent" and not officer:
        buttons.append(said(conversation, "scenes.sent.withdraw", "withdraw"))
    buttons.append(said(conversation, again, "another"))
    buttons.append(said(conversation, "scenes.sent.clear", "clear"))
    return in_rows(buttons)


PRESSES = {
    "withdraw": press_withdraw,
    "withdraw_yes": withdraw,
    "clear": clear,
    "another": another,
}
