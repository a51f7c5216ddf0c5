"""During a handoff: stores what the person does for staff, keeps the bot silent, and ends it."""

from bot.pipeline import outgoing
from bot.pipeline.alerts import AlertKey, alert
from bot.runtime import Runtime
from flows.conversation import Conversation, RaiseFlag, Turn
from flows.dialogue import handoff
from flows.dialogue.danger import danger_flag
from flows.dialogue.handoff import HandoffEnd
from flows.inputs import Input, free_text
from flows.interaction.moment import Moment
from flows.outbound import guard
from flows.outbound.discretion import is_revealing
from flows.outbound.guard import OutboundKind, OutboundMessage, Variant
from flows.turn import resume_after_handoff
from flows.understanding.crisis import detect_danger
from storage.chats import conversations, handoffs
from storage.chats.conversations import StoredConversation
from storage.chats.handoffs import Handoff
from storage.referrals import lifecycle
from storage.unit import Unit


def current_handoff(
    unit: Unit, stored: StoredConversation, conversation: Conversation, user_input: Input
) -> tuple[Handoff | None, HandoffEnd | None]:
    """Return who holds the chat, if anybody does, and why what was heard ends that.

    A hold that is over is let go of here: the person has come first, and is answered.
    """
    if not stored.handed_off:
        return None, None
    held = handoffs.active_handoff(unit, stored.chat_id)
    if held is None:
        handoffs.end_handoff(unit, stored.chat_id)
        return None, None
    return held, handoff.handoff_end_reason(conversation, user_input)


def record_during_handoff(
    unit: Unit, runtime: Runtime, current: Handoff, conversation: Conversation, user_input: Input
) -> None:
    """Keep what the person did for whoever holds the chat, and hold it a while longer."""
    words = handoff.describe_input(Moment(conversation, user_input, unit.now))
    if handoffs.record_person_message(unit, current.reference, words):
        alert(unit, runtime, AlertKey.WROTE, current.reference, unit.now)
    until = unit.now + handoff.HANDOFF_TIMEOUT
    handoffs.start_handoff(unit, current.chat_id, current.handed_off_to, current.reference, until)


def end_handoff_for_input(
    unit: Unit,
    runtime: Runtime,
    current: Handoff,
    reason: HandoffEnd | None,
    user_input: Input,
    turn: Turn,
) -> None:
    """End a hold because of what the person did.

    Words of danger were for whoever held the chat: they are kept, and staff see them first.
    """
    handoffs.end_handoff(unit, current.chat_id)
    if reason != HandoffEnd.DANGER:
        return
    words = free_text(user_input)
    handoffs.record_person_message(unit, current.reference, words)
    flagged = [effect.reference for effect in turn.effects if isinstance(effect, RaiseFlag)]
    danger = detect_danger(words)
    if danger and current.reference not in flagged:
        lifecycle.raise_flag(unit, current.reference, danger_flag(danger))
        alert(unit, runtime, AlertKey.FLAG, current.reference, unit.now)


def hand_back_to_bot(unit: Unit, current: Handoff) -> None:
    """Let go of the chat; the bot comes back to where they were, as far as the guard lets it."""
    handoffs.end_handoff(unit, current.chat_id)
    place = handoffs.channel_and_address(unit, current.chat_id)
    if place is None:
        return
    recalled = conversations.load_conversation(unit, *place)
    known = outgoing.load_safe_contact(unit, current.chat_id, current.reference)
    quietly = guard.allowed_variant(known) != Variant.SAY_SERVICE
    turn = resume_after_handoff(recalled.conversation, quietly, unit.now)
    telling = any(is_revealing(reply.text) for reply in turn.replies)
    variant = Variant.SAY_SERVICE if telling else Variant.NO_SERVICE
    message = OutboundMessage(OutboundKind.BOT_RESUMES, variant)
    verdict = outgoing.send_after_handoff(
        unit, current.chat_id, current.reference, turn.replies, message
    )
    if not isinstance(verdict, guard.Deny):
        conversations.save_conversation(unit, recalled, turn.conversation)


def end_expired_handoffs(unit: Unit) -> None:
    """Come back to every chat whose hold ran out, or whose referral changed hands."""
    for held in handoffs.lapsed_handoffs(unit):
        hand_back_to_bot(unit, held)
