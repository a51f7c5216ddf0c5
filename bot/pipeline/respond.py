"""Inbox to outbox: what came in, its turn, and all that follows, in one transaction."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from bot.channels import Arrived, Body
from bot.pipeline import handoff_relay, outgoing
from bot.pipeline.alerts import alert, tell
from bot.pipeline.private_links import INTRODUCED, Chat, introduction, with_links
from bot.runtime import House as House
from flows.conversation import (
    ClearChat,
    ClearMessage,
    Count,
    Effect,
    ForgetDraft,
    HandOver,
    Heard,
    Hearing,
    KeepQuestion,
    PassOn,
    RaiseFlag,
    RememberOfficer,
    Reply,
    StopContact,
    Turn,
)
from flows.dialogue.handoff import must_be_said
from flows.turn import come_back, take_turn
from flows.wording import say
from storage.chats import conversations, handoffs, inbox, message_ids, officers, outbox
from storage.chats.conversations import Recalled
from storage.chats.inbox import Waiting
from storage.referrals import lifecycle
from storage.reports import daily_counters, missed_questions

log = logging.getLogger("rj.respond")
TRIES = 3
INVITATION = "/start i_"


@dataclass(frozen=True, slots=True)
class Answered:
    """One thing that was answered: for channels that show the turn themselves."""

    channel: str
    address: str
    turn: Turn | None


def respond(
    connection: Connection, house: House, now: datetime, limit: int = 100
) -> list[Answered]:
    """Answer what waits, oldest first, in order within a chat; return what was answered.

    Each row is undone alone when it fails. What cannot even be read is set aside at once; what
    fails three times is too, and the person is told that it may not be saved.
    """
    answered: list[Answered] = []
    held_up: set[str] = set()
    for row in inbox.waiting(connection, house.vault, now, house.channels, limit):
        if row.chat in held_up:
            continue
        try:
            arrived = house.channels[row.channel].translate(row.body)
        except Exception as problem:
            _set_aside(connection, row, type(problem).__name__, now)
            continue
        try:
            with connection.begin_nested():
                one = _answer(connection, house, row.channel, arrived, now)
                inbox.done(connection, [row.id], now)
        except Exception as problem:
            held_up.add(row.chat)
            _failed(connection, house, row, arrived, type(problem).__name__, now)
        else:
            answered.append(one)
    return answered


def _answer(
    connection: Connection, house: House, channel: str, arrived: Arrived | None, now: datetime
) -> Answered:
    if arrived is None:
        return Answered(channel, "", None)
    channel = arrived.channel or channel
    if arrived.event:
        _event(connection, house, channel, arrived, now)
        return Answered(channel, arrived.address, None)
    vault = house.vault
    recalled = conversations.recall(connection, vault, channel, arrived.address, now)
    heard = _by_invitation(connection, house, arrived.heard or Heard(Hearing.SAID), now)
    conversation = replace(recalled.conversation, details_in_chat=house.details_in_chat)
    hold, ended_by = handoff_relay.holder(connection, recalled.chat_id, conversation, heard, now)
    if hold and not ended_by:
        handoff_relay.listen(connection, house, hold, conversation, heard, now)
        _kept_for_staff(connection, house, recalled, arrived, now)
        return Answered(channel, arrived.address, None)
    if ended_by == "computer":
        turn = come_back(replace(conversation, heard_at=now), False, now)
    else:
        turn = take_turn(conversation, heard, now)
    if hold:
        handoff_relay.end(connection, house, hold, ended_by, heard, turn, now)
    conversations.remember(connection, vault, recalled, turn.conversation, now)
    if recalled.closed:
        conversations.reopen_chat(connection, recalled.chat_id)
    if heard.officer:
        officers.remember_officer(connection, vault, recalled.chat_id, heard.officer, now)
        outbox.put(connection, vault, channel, "officer_commands", {}, now, recalled.chat_id)
    if arrived.message:
        message_ids.note_message(connection, vault, recalled.chat_id, arrived.message, True, now)
    chat = Chat(channel, arrived.address, turn.conversation, heard.can_share_number)
    replies = with_links(connection, vault, house.public_url, chat, turn.replies, now)
    turn = replace(turn, replies=tuple(replies))
    _put_in_line(connection, house, channel, recalled.chat_id, arrived, turn, now)
    return Answered(channel, arrived.address, turn)


def _kept_for_staff(
    connection: Connection, house: House, recalled: Recalled, arrived: Arrived, now: datetime
) -> None:
    """Keep what is to be kept although nothing is said: when, and what can be cleared away."""
    heard_now = replace(recalled.conversation, heard_at=now)
    conversations.remember(connection, house.vault, recalled, heard_now, now)
    if recalled.closed:
        conversations.reopen_chat(connection, recalled.chat_id)
    if arrived.message:
        chat_id, message = recalled.chat_id, arrived.message
        message_ids.note_message(connection, house.vault, chat_id, message, True, now)
    _acknowledge(
        connection, house, recalled.channel, recalled.chat_id, arrived, Turn(heard_now), now
    )


def _put_in_line(
    connection: Connection,
    house: House,
    channel: str,
    chat_id: str,
    arrived: Arrived,
    turn: Turn,
    now: datetime,
) -> None:
    """Put all that follows from a turn in the outbox, in the order it should happen."""
    _acknowledge(connection, house, channel, chat_id, arrived, turn, now)
    for effect in turn.effects:
        _carry_out(connection, house, channel, chat_id, effect, now)
    always = must_be_said(turn)
    outgoing.answer(connection, house.vault, channel, chat_id, turn.replies, now, always)


def _by_invitation(connection: Connection, house: House, heard: Heard, now: datetime) -> Heard:
    """An invited officer is known from here on, and so is who sent somebody to us.

    A used or foreign link is a plain start. Pages are only offered where they have an address.
    """
    heard = replace(heard, can_open_page=heard.can_open_page and bool(house.public_url))
    if heard.how == Hearing.SAID and heard.text.startswith(INVITATION):
        code = heard.text.removeprefix(INVITATION).strip()
        officer = officers.redeem(connection, house.vault, code, now)
        return replace(heard, text="/start", officer=officer)
    if heard.how == Hearing.SAID and heard.text.startswith(INTRODUCED):
        code = heard.text.removeprefix(INTRODUCED).strip()
        introduced = introduction(connection, house.vault, code, now)
        return replace(heard, text="/start", introduced=introduced)
    return heard


def _event(
    connection: Connection, house: House, channel: str, arrived: Arrived, now: datetime
) -> None:
    if arrived.event == "elsewhere":
        body: Body = {"address": arrived.address}
        outbox.put(connection, house.vault, channel, "leave_chat", body, now)
        return
    known = conversations.recall(connection, house.vault, channel, arrived.address, now)
    if arrived.event == "blocked":
        outgoing.close_chat(connection, house.vault, known.chat_id, now)
    else:
        conversations.reopen_chat(connection, known.chat_id)


def _acknowledge(
    connection: Connection,
    house: House,
    channel: str,
    chat_id: str,
    arrived: Arrived,
    turn: Turn,
    now: datetime,
) -> None:
    if arrived.press:
        body: Body = {"press": arrived.press, "toast": turn.toast}
        outbox.put(connection, house.vault, channel, "acknowledge", body, now, chat_id)
    elif turn.toast:
        outgoing.answer(connection, house.vault, channel, chat_id, [Reply(turn.toast)], now)


def _carry_out(
    connection: Connection, house: House, channel: str, chat_id: str, effect: Effect, now: datetime
) -> None:
    vault = house.vault
    match effect:
        case HandOver(record):
            here = replace(record, door=record.door or channel)
            lifecycle.hand_over(connection, vault, here, chat_id, now)
            alert(connection, house, "new", record.reference, record.due, now)
            tell(connection, house, record, now)
        case StopContact(reference, act):
            lifecycle.stop_contact(connection, reference, act, now)
            alert(connection, house, act, reference, now, now)
        case RaiseFlag(reference, flag):
            lifecycle.raise_flag(connection, vault, reference, flag, now)
            alert(connection, house, "flag", reference, now, now)
        case PassOn(reference, text):
            if handoffs.wrote(connection, vault, reference, text, now):
                alert(connection, house, "wrote", reference, now, now)
        case RememberOfficer(officer):
            officers.remember_officer(connection, vault, chat_id, officer, now)
        case KeepQuestion(text):
            missed_questions.keep(connection, vault, text, now)
        case Count(what, key):
            daily_counters.add(connection, now.date(), what, key)
        case ClearChat():
            outbox.put(connection, vault, channel, "clear", {}, now, chat_id)
        case ClearMessage(message):
            outbox.put(connection, vault, channel, "delete", {"messages": [message]}, now, chat_id)
        case ForgetDraft():
            pass  # remembering a conversation without its answers has deleted them


def _failed(
    connection: Connection,
    house: House,
    row: Waiting,
    arrived: Arrived | None,
    code: str,
    now: datetime,
) -> None:
    log.error("row_failed", extra={"code": code})
    if inbox.failed(connection, row.id, now) < TRIES:
        return
    _set_aside(connection, row, code, now)
    if arrived is None or not arrived.address:
        return
    channel = arrived.channel or row.channel
    known = conversations.recall(connection, house.vault, channel, arrived.address, now)
    if not known.new:
        trouble = Reply(say(known.conversation.language, "errors.chat.trouble"))
        conversations.reopen_chat(connection, known.chat_id)
        outgoing.answer(connection, house.vault, channel, known.chat_id, [trouble], now)


def _set_aside(connection: Connection, row: Waiting, code: str, now: datetime) -> None:
    log.error("row_set_aside", extra={"code": code})
    inbox.set_aside(connection, row.id, now)
    daily_counters.add(connection, now.date(), "inbox", "set_aside")
