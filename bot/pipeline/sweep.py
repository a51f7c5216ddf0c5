"""What time makes due: drafts that die, claims that return, chats to tidy."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.pipeline import handoff_relay
from bot.pipeline.alerts import alert
from bot.pipeline.promises import alert_of_unclaimed
from bot.runtime import House
from flows.service import service
from storage import heartbeat, retention
from storage.chats import message_ids, outbox
from storage.referrals import lifecycle, unclaimed
from storage.retention import Swept, Times


def sweep(connection: Connection, house: House, now: datetime) -> Swept:
    """Do all that is due at `now`, in the open transaction; return how many of each went."""
    heartbeat.beat(connection, house.vault, now)
    _return_claims(connection, house, now)
    handoff_relay.sweep(connection, house.vault, now)
    alert_of_unclaimed(connection, house, now)
    _tidy_chats(connection, house, now)
    return retention.sweep(connection, house.vault, now, times())


def times() -> Times:
    """Return how long things are kept, from the same settings that the privacy words use."""
    told = service()
    return Times(
        draft_hours=told.draft_hours,
        receipt_days=told.receipt_days,
        shown_hours=told.chat_clear_hours,
    )


def _return_claims(connection: Connection, house: House, now: datetime) -> None:
    for reference in lifecycle.return_unworked(connection, now):
        alert(connection, house, "returned", reference, now, now)
        unclaimed.alerted(connection, reference, 1)


def _tidy_chats(connection: Connection, house: House, now: datetime) -> None:
    """Delete from people's chats what is old, while the channel still lets us."""
    before = now - timedelta(hours=service().chat_clear_hours)
    for chat_id, ids in message_ids.messages_older_than(connection, house.vault, before).items():
        channel = message_ids.channel_of(connection, chat_id)
        for start in range(0, len(ids), 100):
            body = {"messages": ids[start : start + 100]}
            outbox.put(connection, house.vault, channel, "delete", body, now, chat_id)
        message_ids.drop_messages(connection, house.vault, chat_id, ids)
