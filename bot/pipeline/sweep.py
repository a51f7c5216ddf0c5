"""The sweep: ends drafts and leases, clears chats, indexes for the search, sends what is due."""

from datetime import timedelta

from bot.pipeline import handoff_relay
from bot.pipeline.alerts import AlertKey, alert
from bot.pipeline.promises import alert_unclaimed, opening_time
from bot.runtime import Runtime
from flows.service import service
from flows.vocabulary import OutboxKind
from storage import heartbeat, retention
from storage.chats import message_ids, outbox
from storage.referrals import acts, search_index, unclaimed
from storage.reports import response_times
from storage.retention import RetentionPeriods, SweepCounts
from storage.unit import Unit


def sweep(unit: Unit, runtime: Runtime) -> SweepCounts:
    """Do all that is due now; return how many of each went."""
    heartbeat.record(unit)
    _release_stale_claims(unit, runtime)
    handoff_relay.end_expired_handoffs(unit)
    alert_unclaimed(unit, runtime)
    _delete_old_messages(unit)
    search_index.index_new(unit)
    response_times.recount(unit, opening_time)
    return retention.sweep(unit, retention_periods())


def retention_periods() -> RetentionPeriods:
    """Return how long things are kept, from the same settings that the privacy words use."""
    told = service()
    return RetentionPeriods(
        told.draft_hours, receipt_days=told.receipt_days, screen_hours=told.chat_clear_hours
    )


def _release_stale_claims(unit: Unit, runtime: Runtime) -> None:
    for reference in acts.release_expired_leases(unit):
        alert(unit, runtime, AlertKey.RETURNED, reference, unit.now)
        unclaimed.set_alert_count(unit, reference, 1)


def _delete_old_messages(unit: Unit) -> None:
    """Delete from people's chats what is old, while the channel still lets us."""
    before = unit.now - timedelta(hours=service().chat_clear_hours)
    for chat_id, ids in message_ids.message_ids_before(unit, before).items():
        channel = message_ids.channel_of(unit, chat_id)
        for start in range(0, len(ids), 100):
            body = {"messages": ids[start : start + 100]}
            outbox.enqueue(unit, channel, OutboxKind.DELETE, body, chat_id)
        message_ids.delete_message_ids(unit, chat_id, ids)
