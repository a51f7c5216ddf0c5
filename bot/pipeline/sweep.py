"""What time makes due: drafts that die, claims that return, chats to tidy."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.pipeline import handoff_relay
from bot.pipeline.alerts import alert
from bot.pipeline.promises import alert_unclaimed
from bot.runtime import House
from flows.service import service
from storage import heartbeat, retention
from storage.chats import message_ids, outbox
from storage.referrals import lifecycle, unclaimed
from storage.retention import RetentionPeriods, SweepCounts


def sweep(connection: Connection, house: House, now: datetime) -> SweepCounts:
    """Do all that is due at `now`, in the open transaction; return how many of each went."""
    heartbeat.record(connection, house.vault, now)
    _release_stale_claims(connection, house, now)
    handoff_relay.end_expired_handoffs(connection, house.vault, now)
    alert_unclaimed(connection, house, now)
    _delete_old_messages(connection, house, now)
    return retention.sweep(connection, house.vault, now, retention_periods())


def retention_periods() -> RetentionPeriods:
    """Return how long things are kept, from the same settings that the privacy words use."""
    told = service()
    return RetentionPeriods(
        draft_hours=told.draft_hours,
        receipt_days=told.receipt_days,
        screen_hours=told.chat_clear_hours,
    )


def _release_stale_claims(connection: Connection, house: House, now: datetime) -> None:
    for reference in lifecycle.release_expired_leases(connection, now):
        alert(connection, house, "returned", reference, now, now)
        unclaimed.set_alert_count(connection, reference, 1)


def _delete_old_messages(connection: Connection, house: House, now: datetime) -> None:
    """Delete from people's chats what is old, while the channel still lets us."""
    before = now - timedelta(hours=service().chat_clear_hours)
    for chat_id, ids in message_ids.message_ids_before(connection, house.vault, before).items():
        channel = message_ids.channel_of(connection, chat_id)
        for start in range(0, len(ids), 100):
            body = {"messages": ids[start : start + 100]}
            outbox.enqueue(connection, house.vault, channel, "delete", body, now, chat_id)
        message_ids.delete_message_ids(connection, house.vault, chat_id, ids)
