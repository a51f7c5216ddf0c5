"""The only path to the outbox for people: the guard is asked on entry and before sending."""

from collections.abc import Sequence
from dataclasses import fields, replace

from bot.channel_interface import Body
from flows.conversation import Reply
from flows.dialogue.handoff import HANDOFF_TIMEOUT
from flows.outbound import guard
from flows.outbound.guard import (
    Allow,
    Defer,
    Deny,
    OutboundKind,
    OutboundMessage,
    SafeContact,
    Variant,
    Verdict,
)
from flows.vocabulary import OutboxKind, StepName
from flows.wording import FIRST_LANGUAGE, say
from storage.chats import conversations, handoffs, outbox
from storage.chats.conversations import StoredConversation
from storage.chats.outbox import OutboxItem, OutboxPriority, SendOptions
from storage.referrals.steps import CLOCK
from storage.unit import Unit

PROMPTS_BEFORE_REPLACED = 4
"""How many prompts may wait for a chat. From then on the newest goes in place of all of them, with
a line that says so: an album, or a hundred messages at once, are read and get one answer."""
GUARD_KEY = "guard"
"""Under which name a row carries what the guard is asked about it again."""


def send_replies(
    unit: Unit,
    chat: StoredConversation,
    replies: Sequence[Reply],
    always: bool = False,
    replaceable: bool = False,
) -> Verdict:
    """Answer what a person has just done; say nothing while a member of staff holds the chat.

    What is said `always` goes before everything else, and prompts that still wait are not said
    any more. Replies are `replaceable` when the next ones may go in their place. `chat` was loaded
    in this unit of work: of one that nobody holds nothing is looked up again.
    """
    message = OutboundMessage(OutboundKind.ANSWER, unblockable=always)
    known = (
        load_safe_contact(unit, chat.chat_id, "")
        if chat.handed_off
        else SafeContact(chat_open=not chat.closed)
    )
    verdict = guard.check_message(message, known, unit.now)
    if not isinstance(verdict, Allow):
        return verdict
    prompts = int(replaceable)
    if chat.waiting_prompts and always:
        outbox.delete_prompts(unit, chat.chat_id)
    elif chat.waiting_prompts >= PROMPTS_BEFORE_REPLACED and replaceable:
        outbox.delete_prompts(unit, chat.chat_id)
        replies = [Reply(say(chat.conversation.language, "errors.chat.many")), *replies]
        prompts = PROMPTS_BEFORE_REPLACED
    options = SendOptions(priority=_priority(chat, always), prompts=prompts)
    for reply in replies:
        _enqueue_reply(unit, (chat.channel, chat.chat_id), reply, message, "", options)
    return verdict


def _priority(chat: StoredConversation, always: bool) -> OutboxPriority:
    if always:
        return OutboxPriority.URGENT
    return OutboxPriority.NORMAL if chat.conversation.answers else OutboxPriority.FIRST_CONTACT


def send_after_handoff(
    unit: Unit, chat_id: str, reference: str, replies: Sequence[Reply], message: OutboundMessage
) -> Verdict:
    """Let the bot speak again after a member of staff, as far as the guard lets it."""
    known = load_safe_contact(unit, chat_id, reference)
    verdict = guard.check_message(message, known, unit.now)
    place = handoffs.channel_and_address(unit, chat_id)
    if place and not isinstance(verdict, Deny):
        for reply in replies:
            _enqueue_reply(unit, (place[0], chat_id), reply, message, reference, _options(verdict))
    return verdict


def send_staff_message(
    unit: Unit, reference: str, reply: Reply, message: OutboundMessage, step_id: str
) -> Verdict:
    """Send approved wording for a member of staff, once for each `step_id`; they hold the chat.

    What has to wait is put in line, and the hold begins when it goes.
    """
    reached = handoffs.reply_target(unit, reference)
    chat_id = reached.chat_id if reached else None
    verdict = guard.check_message(message, load_safe_contact(unit, chat_id, reference), unit.now)
    if isinstance(verdict, Deny) or reached is None or chat_id is None:
        return verdict
    if handoffs.step_exists(unit, step_id):
        return verdict
    options = _options(verdict)
    handoffs.add_message_step(
        unit, reference, StepName.REPLIED, message.sender, reply.text, options.not_before, step_id
    )
    _enqueue_reply(unit, (reached.channel, chat_id), reply, message, reference, options)
    if options.not_before is None:
        handoffs.start_handoff(unit, chat_id, message.sender, reference, unit.now + HANDOFF_TIMEOUT)
    return verdict


def load_safe_contact(unit: Unit, chat_id: str | None, reference: str) -> SafeContact:
    """Return what is known of writing to a person in a chat, now; without a referral, little."""
    is_open, held_by = handoffs.chat_state(unit, chat_id) if chat_id else (False, "")
    if not reference:
        return SafeContact(chat_open=is_open, handed_off_to=held_by)
    found = handoffs.reply_target(unit, reference)
    if found is None or found.chat_id is None or found.chat_id != chat_id:
        return SafeContact(handed_off_to=held_by)
    return guard.safe_contact_in(
        found.record, found.stage, found.owner, found.may_contact, found.chat_open, held_by
    )


def recheck_guard(unit: Unit, row: OutboxItem) -> bool:
    """Ask the guard again just before a row is sent; what may not go now is put off or withheld."""
    if row.kind != OutboxKind.SAY:
        return True
    message, reference = _guard_data_of(row)
    # Rows of a closed chat are never due, and who holds the chat came with the row.
    known = (
        load_safe_contact(unit, row.chat_id, reference)
        if reference
        else SafeContact(chat_open=True, handed_off_to=row.handed_off_to)
    )
    if message.kind == OutboundKind.BOT_RESUMES and row.chat_id:
        heard = handoffs.has_input_since(unit, row.chat_id, row.enqueued_at)
        known = replace(known, input_since_queued=heard)
    match guard.check_message(message, known, unit.now):
        case Allow():
            return True
        case Defer(time):
            outbox.postpone(unit, row.id, time)
        case Deny(reason):
            outbox.withhold(unit, row.id)
            _note_on_timeline(unit, row, reason)
    return False


def record_sent(unit: Unit, row: OutboxItem) -> None:
    """Note that a row was sent: a message of staff that had to wait begins their hold now."""
    message, reference = _guard_data_of(row)
    waited = bool(row.body.get(GUARD_KEY, {}).get("waited"))
    if row.kind == OutboxKind.SAY and row.chat_id and message.kind == OutboundKind.STAFF and waited:
        until = unit.now + HANDOFF_TIMEOUT
        handoffs.start_handoff(unit, row.chat_id, message.sender, reference, until)


def record_not_sent(unit: Unit, row: OutboxItem) -> None:
    """Note that a row cannot be sent at all: staff see which of theirs never went."""
    if row.kind == OutboxKind.SAY:
        _note_on_timeline(unit, row, "chat_closed")


def close_chat(unit: Unit, chat_id: str) -> None:
    """Write no more to a chat that was closed; staff see which of their messages never went."""
    for row in outbox.list_unsent_for_chat(unit, chat_id):
        record_not_sent(unit, row)
    conversations.close_chat(unit, chat_id)
    outbox.delete_unsent_for_chat(unit, chat_id)


def _options(verdict: Verdict) -> SendOptions:
    return SendOptions(verdict.not_before if isinstance(verdict, Defer) else None)


def _enqueue_reply(
    unit: Unit,
    place: tuple[str, str],
    reply: Reply,
    message: OutboundMessage,
    reference: str,
    options: SendOptions,
) -> None:
    (channel, chat_id), waits = place, options.not_before is not None
    asked = {**_fields(message), "reference": reference, "waited": waits}
    body = {**_fields(reply), GUARD_KEY: asked}
    outbox.enqueue(unit, channel, OutboxKind.SAY, body, chat_id, options)


def _fields(value: Reply | OutboundMessage) -> Body:
    # Not asdict: it copies every button, which JSON then reads once and throws away.
    return {one.name: getattr(value, one.name) for one in fields(value)}


def _guard_data_of(row: OutboxItem) -> tuple[OutboundMessage, str]:
    """Return what a row says of itself; one that says nothing is an answer."""
    told = row.body.get(GUARD_KEY, {})
    message = OutboundMessage(
        OutboundKind(told.get("kind", OutboundKind.ANSWER)),
        Variant(told.get("variant", Variant.SAY_SERVICE)),
        str(told.get("sender", "")),
        told.get("unblockable") is True,
    )
    return message, str(told.get("reference", ""))


def _note_on_timeline(unit: Unit, row: OutboxItem, reason: str) -> None:
    """Staff see on the timeline that a message of theirs was not sent, and why."""
    message, reference = _guard_data_of(row)
    if message.kind == OutboundKind.STAFF and handoffs.reply_target(unit, reference):
        why = say(FIRST_LANGUAGE, f"desk.no_reply.{reason}")
        handoffs.add_message_step(unit, reference, StepName.NOT_SENT, CLOCK, why)
