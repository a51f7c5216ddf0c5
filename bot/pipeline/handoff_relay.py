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
from storage.chats.handoffs import Handoff
from storage.referrals import lifecycle
from storage.unit import Unit


def current_handoff(
    unit: Unit, chat_id: str, conversation: Conversation, user_input: Input
) -> tuple[Handoff | None, HandoffEnd | None]:
    """Return who holds the chat, if anybody does, and why what was heard ends that.

    A hold that is over is let go of here: the person has come first, and is answered.
    """
    if handoffs.recorded_handoff(unit, chat_id) is None:
        return None, None
    held = handoffs.active_handoff(unit, chat_id)
    if held is None:
        handoffs.end_handoff(unit, chat_id)
        return None, None
    return held, handoff.handoff_end_reason(conversation, user_input)


def record_during_handoff(
    unit: Unit,
    runtime: Runtime,
    active_handoff: Handoff,
    conversation: Conversation,
    user_input: Input,
) -> None:
    """Keep what the person did for whoever holds the chat, and hold it a while longer."""
    words = handoff.describe_input(Moment(conversation, user_input, unit.now))
    if handoffs.record_person_message(unit, active_handoff.reference, words):
        alert(unit, runtime, AlertKey.WROTE, active_handoff.reference, unit.now)
    handoffs.start_handoff(
        unit,
        active_handoff.chat_id,
        active_handoff.handed_off_to,
        active_handoff.reference,
        unit.now + handoff.HANDOFF_TIMEOUT,
    )


def end_handoff_for_input(
    unit: Unit,
    runtime: Runtime,
    active_handoff: Handoff,
    reason: HandoffEnd | None,
    user_input: Input,
    turn: Turn,
) -> None:
    """End a hold because of what the person did.

    Words of danger were for whoever held the chat: they are kept, and staff see them first.
    """
    handoffs.end_handoff(unit, active_handoff.chat_id)
    if reason != HandoffEnd.DANGER:
        return
    words = free_text(user_input)
    handoffs.record_person_message(unit, active_handoff.reference, words)
    flagged = [effect.reference for effect in turn.effects if isinstance(effect, RaiseFlag)]
    danger = detect_danger(words)
    if danger and active_handoff.reference not in flagged:
        flag = danger_flag(danger)
        lifecycle.raise_flag(unit, active_handoff.reference, flag)
        alert(unit, runtime, AlertKey.FLAG, active_handoff.reference, unit.now)


def hand_back_to_bot(unit: Unit, active_handoff: Handoff) -> None:
    """Let go of the chat; the bot comes back to where they were, as far as the guard lets it."""
    handoffs.end_handoff(unit, active_handoff.chat_id)
    place = handoffs.channel_and_address(unit, active_handoff.chat_id)
    if place is None:
        return
    recalled = conversations.load_conversation(unit, *place)
    known = outgoing.load_safe_contact(unit, active_handoff.chat_id, active_handoff.reference)
    quietly = guard.allowed_variant(known) != Variant.SAY_SERVICE
    turn = resume_after_handoff(recalled.conversation, quietly, unit.now)
    telling = any(is_revealing(reply.text) for reply in turn.replies)
    variant = Variant.SAY_SERVICE if telling else Variant.NO_SERVICE
    message = OutboundMessage(OutboundKind.BOT_RESUMES, variant)
    verdict = outgoing.send_after_handoff(
        unit, active_handoff.chat_id, active_handoff.reference, turn.replies, message
    )
    if not isinstance(verdict, guard.Deny):
        conversations.save_conversation(unit, recalled, turn.conversation)


def end_expired_handoffs(unit: Unit) -> None:
    """Come back to every chat whose hold ran out, or whose referral changed hands."""
    for held in handoffs.lapsed_handoffs(unit):
        hand_back_to_bot(unit, held)
