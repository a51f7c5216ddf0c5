"""What follows from a turn besides its replies, each in the transaction of the turn."""

from dataclasses import replace

from bot.pipeline.alerts import AlertKey, alert, notify_systems
from bot.runtime import Runtime
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
    SaveMissedQuestion,
    StopContact,
)
from flows.vocabulary import OutboxKind
from storage.chats import handoffs, officers, outbox
from storage.chats.outbox import OutboxPriority, SendOptions
from storage.referrals import lifecycle
from storage.reports import daily_counters, missed_questions
from storage.unit import Unit


def apply_effect(unit: Unit, runtime: Runtime, channel: str, chat_id: str, effect: Effect) -> None:
    """Keep what a turn asks for, or put it in the outbox."""
    match effect:
        case HandOver(record):
            here = replace(record, source=record.source or channel)
            lifecycle.hand_over(unit, here, chat_id)
            alert(unit, runtime, AlertKey.NEW, record.reference, record.due)
            notify_systems(unit, runtime, record)
        case StopContact(reference, act):
            lifecycle.stop_contact(unit, reference, act)
            alert(unit, runtime, AlertKey(act), reference, unit.now)
        case RaiseFlag(reference, flag):
            lifecycle.raise_flag(unit, reference, flag)
            alert(unit, runtime, AlertKey.FLAG, reference, unit.now)
        case ForwardToStaff(reference, text):
            if handoffs.record_person_message(unit, reference, text):
                alert(unit, runtime, AlertKey.WROTE, reference, unit.now)
        case RememberOfficer(officer):
            officers.save_officer(unit, chat_id, officer)
        case SaveMissedQuestion(text):
            missed_questions.add_missed_question(unit, text)
        case CountEvent(what, key):
            daily_counters.increment_counter(unit, what, key)
        case ClearChat():
            options = SendOptions(priority=OutboxPriority.URGENT)
            outbox.enqueue(unit, channel, OutboxKind.CLEAR, {}, chat_id, options)
        case ClearMessage(message):
            outbox.enqueue(unit, channel, OutboxKind.DELETE, {"messages": [message]}, chat_id)
        case ForgetDraft():
            pass  # remembering a conversation without its answers has deleted them
