"""The responder, inbox to outbox: an input, its turn and all its effects in one transaction."""

import logging
import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from bot.channel_interface import Body, ChatEvent, InboundEvent, LocalChannel
from bot.pipeline import handoff_relay, outgoing
from bot.pipeline.alerts import alert_set_aside
from bot.pipeline.effects import apply_effect
from bot.pipeline.local_delivery import deliver_locally
from bot.private_links import INTRODUCTION_COMMAND, LinkOwner, redeem_introduction, with_links
from bot.runtime import Runtime
from flows.conversation import ClearMessage, CountEvent, Reply, SaveMissedQuestion, Turn
from flows.dialogue.handoff import HandoffEnd, is_unblockable
from flows.inputs import Input, TypedText
from flows.turn import resume_after_handoff, take_turn
from flows.vocabulary import OutboxKind
from flows.wording import say
from storage.chats import conversations, inbox, message_ids, officers, outbox
from storage.chats.conversations import StoredConversation
from storage.chats.inbox import Arrival, InboxItem
from storage.chats.officers import OfficerDetails
from storage.database import DatabaseBusy
from storage.unit import Unit

log = logging.getLogger("rj.respond")
MAX_ATTEMPTS = 3
INVITATION_COMMAND = "/start i_"


@dataclass(frozen=True, slots=True)
class AnsweredInput:
    """One thing that was answered: for channels that show the turn themselves.

    `received_at` is when it came in (aware), if it had to wait in the inbox.
    """

    channel: str
    address: str
    turn: Turn | None
    received_at: datetime | None = None


async def answer_arrivals(runtime: Runtime, channel: str, arrivals: list[Arrival]) -> bool:
    """Save what came in and answer it, all in one transaction; return whether that was done.

    Where it cannot be, what came in is saved to be answered apart, row by row. It is saved in
    either case, or this raises.
    """
    started = time.monotonic()
    try:
        answered = await runtime.database.write_chats(_answer_new, runtime, channel, arrivals)
    except DatabaseBusy:
        raise  # once more would wait as long again
    except Exception as problem:
        log.warning("answered_apart", extra={"code": type(problem).__name__})
        await runtime.database.write_chats(inbox.enqueue_arrivals, channel, arrivals)
        return False
    _notify(runtime, answered, started)
    return True


def _answer_new(
    unit: Unit, runtime: Runtime, channel: str, arrivals: list[Arrival]
) -> list[AnsweredInput]:
    return answer_now(runtime, unit, channel, inbox.store_answered(unit, channel, arrivals))


def answer_now(
    runtime: Runtime, unit: Unit, channel: str, bodies: list[Body]
) -> list[AnsweredInput]:
    """Answer what this unit of work has stored as answered, in order."""
    translate = runtime.channels[channel].translate
    new = [translate(body) for body in bodies]
    chats = {(one.reply_channel or channel, one.address) for one in new if one and one.address}
    conversations.read_ahead(unit, chats)
    return [_answer(unit, runtime, channel, one) for one in new]


async def answer_batch(runtime: Runtime, limit: int = 100) -> list[AnsweredInput]:
    """Answer what waits in one transaction, then wake the pages that wait for that."""
    started = time.monotonic()
    try:
        answered = await runtime.database.write(respond, runtime, limit, all_or_none=True)
    except DatabaseBusy:
        raise  # no row is at fault, and once more would wait as long again
    except Exception:
        # The row that failed has undone the others too: again, each with a savepoint of its own.
        answered = await runtime.database.write(respond, runtime, limit)
    _notify(runtime, answered, started)
    return answered


def _notify(runtime: Runtime, answered: list[AnsweredInput], started: float) -> None:
    """Wake who waits for these answers, and measure how long they took."""
    measured, now = runtime.measurements, runtime.clock()
    if answered:
        measured.batches.observe(time.monotonic() - started)
    for one in answered:
        runtime.answers.notify(one.channel, one.address)
        if one.received_at:
            measured.answers.observe((now - one.received_at).total_seconds())


def respond(
    unit: Unit, runtime: Runtime, limit: int = 100, all_or_none: bool = False
) -> list[AnsweredInput]:
    """Answer what waits, oldest first, in order within a chat; return what was answered.

    Each row is undone alone when it fails; with `all_or_none` its exception is raised instead.
    What cannot even be read is set aside at once; what fails three times is too, and the person
    is told that it may not be saved.
    """
    answered: list[AnsweredInput] = []
    held_up: set[str] = set()
    warn = partial(alert_set_aside, unit, runtime)
    for row in inbox.due_inbox_items(unit, runtime.channels, limit, warn):
        if row.chat_fingerprint in held_up:
            continue
        try:
            arrived = runtime.channels[row.channel].translate(row.body)
        except Exception as problem:
            inbox.set_aside(unit, row.id, type(problem).__name__)
            alert_set_aside(unit, runtime)
            continue
        try:
            with nullcontext() if all_or_none else unit.savepoint():
                one = _answer(unit, runtime, row.channel, arrived)
                inbox.mark_answered(unit, [row.id])
        except Exception as problem:
            if all_or_none:
                raise
            held_up.add(row.chat_fingerprint)
            _record_failure(unit, runtime, row, arrived, type(problem).__name__)
        else:
            answered.append(replace(one, received_at=row.received_at))
    return answered


def _answer(
    unit: Unit, runtime: Runtime, channel: str, inbound: InboundEvent | None
) -> AnsweredInput:
    answered = _handle_inbound(unit, runtime, channel, inbound)
    shown_on = runtime.channels.get(answered.channel)
    if answered.address and isinstance(shown_on, LocalChannel):
        deliver_locally(unit, shown_on, answered.address)
    return answered


def _handle_inbound(
    unit: Unit, runtime: Runtime, channel: str, inbound: InboundEvent | None
) -> AnsweredInput:
    """Take one turn and keep all that follows from it. The order is the specification.

    A code in a link is redeemed first: the turn hears who was invited. A handoff ends after the
    turn, which tells what ended it. The conversation is saved before all that belongs to its chat:
    a new chat has no row until then, and a closed one lets nothing out.
    """
    if inbound is None:
        return AnsweredInput(channel, "", None)
    channel = inbound.reply_channel or channel
    if inbound.chat_event:
        _handle_chat_event(unit, channel, inbound)
        return AnsweredInput(channel, inbound.address, None)
    recalled = conversations.load_conversation(unit, channel, inbound.address)
    heard, invited = _redeem_start_code(unit, runtime, inbound.user_input or TypedText(""))
    conversation = recalled.conversation
    if conversation.details_in_chat != runtime.details_in_chat:
        conversation = replace(conversation, details_in_chat=runtime.details_in_chat)
    hold, ended_by = handoff_relay.current_handoff(unit, recalled, conversation, heard)
    if hold and not ended_by:
        handoff_relay.record_during_handoff(unit, runtime, hold, conversation, heard)
        _remember_held_input(unit, recalled, inbound)
        return AnsweredInput(channel, inbound.address, None)
    if ended_by == HandoffEnd.COMPUTER:
        turn = resume_after_handoff(replace(conversation, last_input_at=unit.now), False, unit.now)
    else:
        turn = take_turn(conversation, heard, unit.now)
    if hold:
        handoff_relay.end_handoff_for_input(unit, runtime, hold, ended_by, heard, turn)
    conversations.save_conversation(unit, recalled, turn.conversation)
    recalled = _with_chat_open(unit, recalled)
    if invited:
        officers.save_officer(unit, recalled.chat_id, invited)
        outbox.enqueue(unit, channel, OutboxKind.OFFICER_COMMANDS, {}, recalled.chat_id)
    if inbound.message_id:
        message_ids.add_message_id(unit, recalled.chat_id, inbound.message_id, True)
    chat = LinkOwner(channel, inbound.address, turn.conversation, heard.sender.can_share_number)
    replies = with_links(unit, runtime.public_url, chat, turn.replies)
    turn = replace(turn, replies=tuple(replies))
    _enqueue_turn(unit, runtime, recalled, inbound, turn)
    return AnsweredInput(channel, inbound.address, turn)


def _with_chat_open(unit: Unit, chat: StoredConversation) -> StoredConversation:
    if chat.closed:
        conversations.reopen_chat(unit, chat.chat_id)
    if chat.closed or chat.handed_off:
        return replace(chat, closed=False, handed_off=False)
    return chat


def _remember_held_input(unit: Unit, recalled: StoredConversation, inbound: InboundEvent) -> None:
    """Keep what is to be kept although nothing is said: when, and what can be cleared away."""
    heard_now = replace(recalled.conversation, last_input_at=unit.now)
    conversations.save_conversation(unit, recalled, heard_now)
    if recalled.closed:
        conversations.reopen_chat(unit, recalled.chat_id)
    if inbound.message_id:
        message_ids.add_message_id(unit, recalled.chat_id, inbound.message_id, True)
    _acknowledge(unit, recalled, inbound, Turn(heard_now))


def _enqueue_turn(
    unit: Unit, runtime: Runtime, chat: StoredConversation, inbound: InboundEvent, turn: Turn
) -> None:
    """Put all that follows from a turn in the outbox, in the order it should happen."""
    _acknowledge(unit, chat, inbound, turn)
    for effect in turn.effects:
        apply_effect(unit, runtime, chat.channel, chat.chat_id, effect)
    urgent = is_unblockable(turn)
    outgoing.send_replies(unit, chat, turn.replies, urgent, not urgent and _is_replaceable(turn))


def _is_replaceable(turn: Turn) -> bool:
    """Return whether what a turn says may be left out once there is something newer to say."""
    passing = CountEvent | SaveMissedQuestion | ClearMessage
    lasting = any(not isinstance(one, passing) for one in turn.effects)
    return not lasting and not any(reply.clears_keyboard for reply in turn.replies)


def _redeem_start_code(
    unit: Unit, runtime: Runtime, user_input: Input
) -> tuple[Input, OfficerDetails | None]:
    """An invited officer is known from here on, and so is who sent somebody to us.

    A used or foreign link is a plain start. Pages are only offered where they have an address.
    """
    sender = user_input.sender
    if sender.can_open_page and not runtime.public_url:
        sender = replace(sender, can_open_page=False)
        user_input = replace(user_input, sender=sender)
    if not isinstance(user_input, TypedText):
        return user_input, None
    if user_input.text.startswith(INVITATION_COMMAND):
        code = user_input.text.removeprefix(INVITATION_COMMAND).strip()
        invited = officers.redeem_officer_invitation(unit, code)
        sender = replace(sender, officer=invited.officer if invited else None)
        return replace(user_input, text="/start", sender=sender), invited
    if user_input.text.startswith(INTRODUCTION_COMMAND):
        code = user_input.text.removeprefix(INTRODUCTION_COMMAND).strip()
        sender = replace(sender, introduction=redeem_introduction(unit, code))
        return replace(user_input, text="/start", sender=sender), None
    return user_input, None


def _handle_chat_event(unit: Unit, channel: str, inbound: InboundEvent) -> None:
    if inbound.chat_event == ChatEvent.ELSEWHERE:
        body: Body = {"address": inbound.address}
        outbox.enqueue(unit, channel, OutboxKind.LEAVE_CHAT, body)
        return
    known = conversations.load_conversation(unit, channel, inbound.address)
    if inbound.chat_event == ChatEvent.BLOCKED:
        outgoing.close_chat(unit, known.chat_id)
    else:
        conversations.reopen_chat(unit, known.chat_id)


def _acknowledge(unit: Unit, chat: StoredConversation, inbound: InboundEvent, turn: Turn) -> None:
    if inbound.callback_id:
        body: Body = {"press": inbound.callback_id, "toast": turn.toast}
        outbox.enqueue(unit, chat.channel, OutboxKind.ACKNOWLEDGE, body, chat.chat_id)
    elif turn.toast:
        outgoing.send_replies(unit, chat, [Reply(turn.toast)])


def _record_failure(
    unit: Unit, runtime: Runtime, row: InboxItem, inbound: InboundEvent | None, code: str
) -> None:
    log.error("row_failed", extra={"code": code})
    if inbox.record_failure(unit, row.id) < MAX_ATTEMPTS:
        return
    inbox.set_aside(unit, row.id, code)
    alert_set_aside(unit, runtime)
    if inbound is None or not inbound.address:
        return
    channel = inbound.reply_channel or row.channel
    known = conversations.load_conversation(unit, channel, inbound.address)
    if not known.new:
        trouble = Reply(say(known.conversation.language, "errors.chat.trouble"))
        conversations.reopen_chat(unit, known.chat_id)
        outgoing.send_replies(unit, replace(known, closed=False), [trouble])
