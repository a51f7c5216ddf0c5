"""After sending: the reference once, then where things stand, and how to stop it."""

from dataclasses import replace

from flows.casework import Act
from flows.conversation import (
    Button,
    ButtonKind,
    ButtonRows,
    ButtonStyle,
    ClearChat,
    Conversation,
    Receipt,
    Reply,
    StopContact,
    Turn,
)
from flows.interaction import moves
from flows.interaction.buttons import ButtonVerb, button_for, in_rows
from flows.interaction.moment import Moment, reply_and_show_again, show_again
from flows.pending import ConfirmWithdrawal
from flows.scenes import explain
from flows.stages import DONE, Move, Stage
from flows.vocabulary import Journey
from flows.wording import format_time, say


def show(moment: Moment) -> Turn:
    """Return where things stand; it never shows an answer."""
    conversation = moment.conversation
    if conversation.receipt is None:
        return Turn(moves.apply_move(conversation, Move.WELCOME), rerender=True)
    key, blanks = _status_key(conversation.receipt), _receipt_blanks(conversation)
    text = say(conversation.language, key, **blanks)
    return Turn(conversation, (Reply(text, _button_rows(conversation)),))


def show_confirmation(moment: Moment) -> Turn:
    """Return the confirmation: the reference, what happens next, and by when."""
    conversation = moment.conversation
    receipt = conversation.receipt
    if receipt is None:
        return show(moment)
    language = conversation.language
    if receipt.journey == Journey.OFFICER:
        key = "thanks_officer_complete" if receipt.has_details else "thanks_officer"
    else:
        key = "thanks" if receipt.may_contact else "thanks_own_call"
    text = say(language, f"scenes.sent.{key}", **_receipt_blanks(conversation))
    verified = conversation.officer is not None and conversation.officer.verified
    if receipt.journey == Journey.OFFICER and not verified:
        text = f"{text}\n\n{say(language, 'scenes.sent.unverified')}"
    card = moment.input.message_id if receipt.journey == Journey.OFFICER else None
    copy = button_for(conversation, "scenes.sent.copy", ButtonVerb.COPY)
    copy = replace(copy, kind=ButtonKind.COPY, id=receipt.reference)
    return Turn(conversation, (Reply(text, ((copy,), *_button_rows(conversation)), card),))


def handle(moment: Moment) -> Turn:
    """Return an answer to typed words."""
    return explain.answer_or_suggest(moment)


def ask_to_confirm_withdrawal(moment: Moment) -> Turn:
    """Return one question before contact is stopped; or say that there is nothing to stop."""
    conversation, language = moment.conversation, moment.conversation.language
    if conversation.receipt is None or conversation.receipt.withdrawn:
        return reply_and_show_again(moment, "commands.withdraw.nothing")
    asked, style = replace(conversation, pending=ConfirmWithdrawal()), ButtonStyle.DANGER
    rows = [
        button_for(asked, "commands.withdraw.yes", ButtonVerb.CONFIRM_WITHDRAWAL, style=style),
        button_for(asked, "commands.withdraw.no", ButtonVerb.RERENDER),
    ]
    return Turn(asked, (Reply(say(language, "commands.withdraw.sure"), in_rows(rows)),))


def press_withdraw_confirmed(moment: Moment) -> Turn:
    """Return the turn that stops contact; staff see it first."""
    conversation = moment.conversation
    if conversation.receipt is None or conversation.receipt.withdrawn:
        return show_again(moment)
    done = say(conversation.language, "commands.withdraw.done")
    effects = stop_contact_effects(conversation, Act.WITHDRAW)
    stopped = with_receipt_withdrawn(conversation)
    if stopped.stage != Stage.WITHDRAWN:
        return Turn(stopped, (Reply(done),), effects, rerender=True)
    return Turn(stopped, (Reply(done, _button_rows(stopped)),), effects)


def stop_contact_effects(conversation: Conversation, act: Act) -> tuple[StopContact, ...]:
    """Return what stops contact for everything this person sent that is not withdrawn."""
    receipt = conversation.receipt
    if receipt is None or receipt.withdrawn:
        return ()
    return tuple(StopContact(one, act) for one in (receipt.reference, *receipt.earlier_references))


def with_receipt_withdrawn(conversation: Conversation) -> Conversation:
    """Return the conversation with its receipt withdrawn; a draft under way stays where it is."""
    receipt = conversation.receipt
    if conversation.stage == Stage.SENT:
        conversation = moves.apply_move(conversation, Move.WITHDRAW)
    stepped = moves.advance(conversation)
    return replace(stepped, receipt=replace(receipt, withdrawn=True) if receipt else None)


def press_clear(moment: Moment) -> Turn:
    """Return one neutral line after the chat is cleared as far as the channel allows."""
    line = Reply(say(moment.conversation.language, "scenes.paused.left"))
    return Turn(moment.conversation, (line,), (ClearChat(),))


def press_new_request(moment: Moment) -> Turn:
    """Return the start of a new request, of the same kind as the last one."""
    conversation = moment.conversation
    if conversation.stage not in DONE:
        return show_again(moment)
    if _is_officers(conversation):
        return Turn(moves.start_draft(conversation, Move.REFER, Journey.OFFICER), rerender=True)
    return Turn(moves.start_draft(conversation, Move.BEGIN, Journey.SELF), rerender=True)


def _is_officers(conversation: Conversation) -> bool:
    return conversation.receipt is not None and conversation.receipt.journey == Journey.OFFICER


def _status_key(receipt: Receipt) -> str:
    if receipt.withdrawn:
        return "scenes.sent.withdrawn"
    if receipt.journey == Journey.OFFICER:
        return "scenes.sent.now_officer"
    return "scenes.sent.now" if receipt.may_contact else "scenes.sent.now_own_call"


def _receipt_blanks(conversation: Conversation) -> dict[str, str]:
    receipt = conversation.receipt
    if receipt is None:
        return {}
    return {"reference": receipt.reference, "due": format_time(conversation.language, receipt.due)}


def _button_rows(conversation: Conversation) -> ButtonRows:
    officer = _is_officers(conversation)
    again = "scenes.sent.refer_another" if officer else "scenes.sent.another"
    buttons: list[Button] = [button_for(conversation, "scenes.sent.follow", ButtonVerb.QUESTIONS)]
    if conversation.stage == Stage.SENT and not officer:
        buttons.append(button_for(conversation, "scenes.sent.withdraw", ButtonVerb.WITHDRAW))
    buttons.append(button_for(conversation, again, ButtonVerb.NEW_REQUEST))
    buttons.append(button_for(conversation, "scenes.sent.clear", ButtonVerb.CLEAR))
    return in_rows(buttons)


BUTTON_HANDLERS = {
    ButtonVerb.WITHDRAW: ask_to_confirm_withdrawal,
    ButtonVerb.CONFIRM_WITHDRAWAL: press_withdraw_confirmed,
    ButtonVerb.CLEAR: press_clear,
    ButtonVerb.NEW_REQUEST: press_new_request,
}
