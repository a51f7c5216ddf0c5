"""After sending: the reference once, then where things stand, and how to stop it."""

from dataclasses import replace
from datetime import datetime

from flows import moves
from flows.buttons import ButtonPress, button_for, in_rows
from flows.conversation import (
    Button,
    ButtonRows,
    ClearChat,
    Conversation,
    Input,
    Pending,
    Receipt,
    Reply,
    StopContact,
    Turn,
)
from flows.scenes import explain
from flows.wording import format_time, say


def show(conversation: Conversation, user_input: Input) -> Turn:
    """Return where things stand; it never shows an answer."""
    if conversation.receipt is None:
        return Turn(moves.apply_move(conversation, "welcome"), rerender=True)
    text = say(
        conversation.language, _status_key(conversation.receipt), **_receipt_blanks(conversation)
    )
    return Turn(conversation, (Reply(text, _button_rows(conversation)),))


def show_confirmation(conversation: Conversation, user_input: Input) -> Turn:
    """Return the confirmation: the reference, what happens next, and by when."""
    receipt = conversation.receipt
    if receipt is None:
        return show(conversation, user_input)
    language = conversation.language
    if receipt.journey == "officer":
        key = "thanks_officer"
    else:
        key = "thanks" if receipt.may_contact else "thanks_own_call"
    text = say(language, f"scenes.sent.{key}", **_receipt_blanks(conversation))
    if receipt.journey == "officer" and not (
        conversation.officer and conversation.officer.verified
    ):
        text = f"{text}\n\n{say(language, 'scenes.sent.unverified')}"
    card = user_input.message_id if receipt.journey == "officer" else None
    copy = replace(
        button_for(conversation, "scenes.sent.copy", "copy"), kind="copy", id=receipt.reference
    )
    return Turn(
        conversation, (Reply(text, ((copy,), *_button_rows(conversation)), edits_message_id=card),)
    )


def handle(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return an answer to typed words."""
    return explain.answer_or_suggest(conversation, user_input.text)


def ask_to_confirm_withdrawal(conversation: Conversation) -> Turn:
    """Return one question before contact is stopped; or say that there is nothing to stop."""
    language = conversation.language
    if conversation.receipt is None or conversation.receipt.withdrawn:
        return Turn(
            conversation, (Reply(say(language, "anytime.withdraw.nothing")),), rerender=True
        )
    asked = replace(conversation, pending=Pending("withdraw"))
    rows = [
        button_for(asked, "anytime.withdraw.yes", "withdraw_yes", style="danger"),
        button_for(asked, "anytime.withdraw.no", "here"),
    ]
    return Turn(asked, (Reply(say(language, "anytime.withdraw.sure"), in_rows(rows)),))


def press_withdraw_confirmed(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return the turn that stops contact; staff see it first."""
    if conversation.receipt is None or conversation.receipt.withdrawn:
        return Turn(conversation, rerender=True)
    done = say(conversation.language, "anytime.withdraw.done")
    effects = stop_contact_effects(conversation, "withdraw")
    stopped = with_receipt_withdrawn(conversation)
    if stopped.stage != "withdrawn":
        return Turn(stopped, (Reply(done),), effects, rerender=True)
    return Turn(stopped, (Reply(done, _button_rows(stopped)),), effects)


def stop_contact_effects(conversation: Conversation, act: str) -> tuple[StopContact, ...]:
    """Return what stops contact for everything this person sent that is not withdrawn."""
    receipt = conversation.receipt
    if receipt is None or receipt.withdrawn:
        return ()
    return tuple(StopContact(one, act) for one in (receipt.reference, *receipt.earlier_references))


def with_receipt_withdrawn(conversation: Conversation) -> Conversation:
    """Return the conversation with its receipt withdrawn; a draft under way stays where it is."""
    receipt = conversation.receipt
    if conversation.stage == "sent":
        conversation = moves.apply_move(conversation, "withdraw")
    stepped = moves.advance(conversation)
    return replace(stepped, receipt=replace(receipt, withdrawn=True) if receipt else None)


def press_withdraw(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return one question before contact is stopped."""
    return ask_to_confirm_withdrawal(conversation)


def press_clear(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return one neutral line after the chat is cleared as far as the channel allows."""
    line = Reply(say(conversation.language, "scenes.paused.left"))
    return Turn(conversation, (line,), (ClearChat(),))


def press_new_request(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return the start of a new request."""
    if conversation.stage not in ("sent", "withdrawn"):
        return Turn(conversation, rerender=True)
    officer = conversation.receipt is not None and conversation.receipt.journey == "officer"
    begin = ("refer", "officer") if officer else ("begin", "self")
    return Turn(moves.start_draft(conversation, *begin), rerender=True)


def _status_key(receipt: Receipt) -> str:
    if receipt.withdrawn:
        return "scenes.sent.withdrawn"
    if receipt.journey == "officer":
        return "scenes.sent.now_officer"
    return "scenes.sent.now" if receipt.may_contact else "scenes.sent.now_own_call"


def _receipt_blanks(conversation: Conversation) -> dict[str, str]:
    receipt = conversation.receipt
    if receipt is None:
        return {}
    return {
        "reference": receipt.reference,
        "due": format_time(conversation.language, receipt.due),
    }


def _button_rows(conversation: Conversation) -> ButtonRows:
    officer = conversation.receipt is not None and conversation.receipt.journey == "officer"
    again = "scenes.sent.refer_another" if officer else "scenes.sent.another"
    buttons: list[Button] = [button_for(conversation, "scenes.sent.follow", "questions")]
    if conversation.stage == "sent" and not officer:
        buttons.append(button_for(conversation, "scenes.sent.withdraw", "withdraw"))
    buttons.append(button_for(conversation, again, "another"))
    buttons.append(button_for(conversation, "scenes.sent.clear", "clear"))
    return in_rows(buttons)


BUTTON_HANDLERS = {
    "withdraw": press_withdraw,
    "withdraw_yes": press_withdraw_confirmed,
    "clear": press_clear,
    "another": press_new_request,
}
