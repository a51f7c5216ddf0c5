"""Inbox to outbox: what came in, its turn, and all that follows, in one transaction."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from bot.channels import Body, InboundEvent
from bot.pipeline import handoff_relay, outgoing
from bot.pipeline.alerts import alert, notify_webhook
from bot.private_links import (
    INTRODUCTION_COMMAND,
    LinkOwner,
    redeem_introduction,
    with_links,
)
from bot.runtime import House as House
from flows.conversation import (
    ClearChat,
    ClearMessage,
    CountEvent,
    Effect,
    ForgetDraft,
    ForwardToStaff,
    HandOver,
    RaiseFlag,
    RememberOfficer,
    Reply,
    SaveMissedQuestion,
    StopContact,
    Turn,
)
from flows.dialogue.handoff import HandoffEnd, is_unblockable
from flows.inputs import Input, TypedText
from flows.turn import resume_after_handoff, take_turn
from flows.wording import say
from storage.chats import conversations, handoffs, inbox, message_ids, officers, outbox
from storage.chats.conversations import StoredConversation
from storage.chats.inbox import InboxItem
from storage.chats.officers import OfficerDetails
from storage.referrals import lifecycle
from storage.reports import daily_counters, missed_questions

log = logging.getLogger("rj.respond")
MAX_ATTEMPTS = 3
INVITATION_COMMAND = "/start i_"


@dataclass(frozen=True, slots=True)
class AnsweredInput:
    """One thing that was answered: for channels that show the turn themselves."""

    channel: str
    address: str
    turn: Turn | None


def respond(
    connection: Connection, house: House, now: datetime, limit: int = 100
) -> list[AnsweredInput]:
    """Answer what waits, oldest first, in order within a chat; return what was answered.

    Each row is undone alone when it fails. What cannot even be read is set aside at once; what
    fails three times is too, and the person is told that it may not be saved.
    """
    answered: list[AnsweredInput] = []
    held_up: set[str] = set()
    for row in inbox.due_inbox_items(connection, house.vault, now, house.channels, limit):
        if row.chat_fingerprint in held_up:
            continue
        try:
            arrived = house.channels[row.channel].translate(row.body)
        except Exception as problem:
            _dead_letter(connection, row, type(problem).__name__, now)
            continue
        try:
            with connection.begin_nested():
                one = _handle_inbound(connection, house, row.channel, arrived, now)
                inbox.mark_answered(connection, [row.id], now)
        except Exception as problem:
            held_up.add(row.chat_fingerprint)
            _record_failure(connection, house, row, arrived, type(problem).__name__, now)
        else:
            answered.append(one)
    return answered


def _handle_inbound(
    connection: Connection, house: House, channel: str, inbound: InboundEvent | None, now: datetime
) -> AnsweredInput:
    if inbound is None:
        return AnsweredInput(channel, "", None)
    channel = inbound.reply_channel or channel
    if inbound.chat_event:
        _handle_chat_event(connection, house, channel, inbound, now)
        return AnsweredInput(channel, inbound.address, None)
    vault = house.vault
    recalled = conversations.load_conversation(connection, vault, channel, inbound.address, now)
    heard, invited = _redeem_start_code(connection, house, inbound.user_input or TypedText(""), now)
    conversation = replace(recalled.conversation, details_in_chat=house.details_in_chat)
    hold, ended_by = handoff_relay.current_handoff(
        connection, recalled.chat_id, conversation, heard, now
    )
    if hold and not ended_by:
        handoff_relay.record_during_handoff(connection, house, hold, conversation, heard, now)
        _remember_during_handoff(connection, house, recalled, inbound, now)
        return AnsweredInput(channel, inbound.address, None)
    if ended_by == HandoffEnd.COMPUTER:
        turn = resume_after_handoff(replace(conversation, last_input_at=now), False, now)
    else:
        turn = take_turn(conversation, heard, now)
    if hold:
        handoff_relay.end_handoff_for_input(connection, house, hold, ended_by, heard, turn, now)
    conversations.save_conversation(connection, vault, recalled, turn.conversation, now)
    if recalled.closed:
        conversations.reopen_chat(connection, recalled.chat_id)
    if invited:
        officers.save_officer(connection, vault, recalled.chat_id, invited, now)
        outbox.enqueue(connection, vault, channel, "officer_commands", {}, now, recalled.chat_id)
    if inbound.message_id:
        message_ids.add_message_id(
            connection, vault, recalled.chat_id, inbound.message_id, True, now
        )
    chat = LinkOwner(channel, inbound.address, turn.conversation, heard.sender.can_share_number)
    replies = with_links(connection, vault, house.public_url, chat, turn.replies, now)
    turn = replace(turn, replies=tuple(replies))
    _enqueue_turn(connection, house, channel, recalled.chat_id, inbound, turn, now)
    return AnsweredInput(channel, inbound.address, turn)


def _remember_during_handoff(
    connection: Connection,
    house: House,
    recalled: StoredConversation,
    inbound: InboundEvent,
    now: datetime,
) -> None:
    """Keep what is to be kept although nothing is said: when, and what can be cleared away."""
    heard_now = replace(recalled.conversation, last_input_at=now)
    conversations.save_conversation(connection, house.vault, recalled, heard_now, now)
    if recalled.closed:
        conversations.reopen_chat(connection, recalled.chat_id)
    if inbound.message_id:
        chat_id, message = recalled.chat_id, inbound.message_id
        message_ids.add_message_id(connection, house.vault, chat_id, message, True, now)
    _acknowledge(
        connection, house, recalled.channel, recalled.chat_id, inbound, Turn(heard_now), now
    )


def _enqueue_turn(
    connection: Connection,
    house: House,
    channel: str,
    chat_id: str,
    inbound: InboundEvent,
    turn: Turn,
    now: datetime,
) -> None:
    """Put all that follows from a turn in the outbox, in the order it should happen."""
    _acknowledge(connection, house, channel, chat_id, inbound, turn, now)
    for effect in turn.effects:
        _apply_effect(connection, house, channel, chat_id, effect, now)
    always = is_unblockable(turn)
    outgoing.send_replies(connection, house.vault, channel, chat_id, turn.replies, now, always)


def _redeem_start_code(
    connection: Connection, house: House, user_input: Input, now: datetime
) -> tuple[Input, OfficerDetails | None]:
    """An invited officer is known from here on, and so is who sent somebody to us.

    A used or foreign link is a plain start. Pages are only offered where they have an address.
    """
    can_open_page = user_input.sender.can_open_page and bool(house.public_url)
    sender = replace(user_input.sender, can_open_page=can_open_page)
    user_input = replace(user_input, sender=sender)
    if not isinstance(user_input, TypedText):
        return user_input, None
    if user_input.text.startswith(INVITATION_COMMAND):
        code = user_input.text.removeprefix(INVITATION_COMMAND).strip()
        invited = officers.redeem_officer_invitation(connection, house.vault, code, now)
        officer = invited.officer if invited else None
        sender = replace(sender, officer=officer)
        return replace(user_input, text="/start", sender=sender), invited
    if user_input.text.startswith(INTRODUCTION_COMMAND):
        code = user_input.text.removeprefix(INTRODUCTION_COMMAND).strip()
        introduced = redeem_introduction(connection, house.vault, code, now)
        sender = replace(sender, introduction=introduced)
        return replace(user_input, text="/start", sender=sender), None
    return user_input, None


def _handle_chat_event(
    connection: Connection, house: House, channel: str, inbound: InboundEvent, now: datetime
) -> None:
    if inbound.chat_event == "elsewhere":
        body: Body = {"address": inbound.address}
        outbox.enqueue(connection, house.vault, channel, "leave_chat", body, now)
        return
    known = conversations.load_conversation(connection, house.vault, channel, inbound.address, now)
    if inbound.chat_event == "blocked":
        outgoing.close_chat(connection, house.vault, known.chat_id, now)
    else:
        conversations.reopen_chat(connection, known.chat_id)


def _acknowledge(
    connection: Connection,
    house: House,
    channel: str,
    chat_id: str,
    inbound: InboundEvent,
    turn: Turn,
    now: datetime,
) -> None:
    if inbound.callback_id:
        body: Body = {"press": inbound.callback_id, "toast": turn.toast}
        outbox.enqueue(connection, house.vault, channel, "acknowledge", body, now, chat_id)
    elif turn.toast:
        outgoing.send_replies(connection, house.vault, channel, chat_id, [Reply(turn.toast)], now)


def _apply_effect(
    connection: Connection, house: House, channel: str, chat_id: str, effect: Effect, now: datetime
) -> None:
    vault = house.vault
    match effect:
        case HandOver(record):
            here = replace(record, source=record.source or channel)
            lifecycle.hand_over(connection, vault, here, chat_id, now)
            alert(connection, house, "new", record.reference, record.due, now)
            notify_webhook(connection, house, record, now)
        case StopContact(reference, act):
            lifecycle.stop_contact(connection, reference, act, now)
            alert(connection, house, act, reference, now, now)
        case RaiseFlag(reference, flag):
            lifecycle.raise_flag(connection, vault, reference, flag, now)
            alert(connection, house, "flag", reference, now, now)
        case ForwardToStaff(reference, text):
            if handoffs.record_person_message(connection, vault, reference, text, now):
                alert(connection, house, "wrote", reference, now, now)
        case RememberOfficer(officer):
            officers.save_officer(connection, vault, chat_id, officer, now)
        case SaveMissedQuestion(text):
            missed_questions.add_missed_question(connection, vault, text, now)
        case CountEvent(what, key):
            daily_counters.increment_counter(connection, now.date(), what, key)
        case ClearChat():
            outbox.enqueue(connection, vault, channel, "clear", {}, now, chat_id)
        case ClearMessage(message):
            outbox.enqueue(
                connection, vault, channel, "delete", {"messages": [message]}, now, chat_id
            )
        case ForgetDraft():
            pass  # remembering a conversation without its answers has deleted them


def _record_failure(
    connection: Connection,
    house: House,
    row: InboxItem,
    inbound: InboundEvent | None,
    code: str,
    now: datetime,
) -> None:
    log.error("row_failed", extra={"code": code})
    if inbox.record_failure(connection, row.id, now) < MAX_ATTEMPTS:
        return
    _dead_letter(connection, row, code, now)
    if inbound is None or not inbound.address:
        return
    channel = inbound.reply_channel or row.channel
    known = conversations.load_conversation(connection, house.vault, channel, inbound.address, now)
    if not known.new:
        trouble = Reply(say(known.conversation.language, "errors.chat.trouble"))
        conversations.reopen_chat(connection, known.chat_id)
        outgoing.send_replies(connection, house.vault, channel, known.chat_id, [trouble], now)


def _dead_letter(connection: Connection, row: InboxItem, code: str, now: datetime) -> None:
    log.error("row_set_aside", extra={"code": code})
    inbox.set_aside(connection, row.id, now)
    daily_counters.increment_counter(connection, now.date(), "inbox", "set_aside")
