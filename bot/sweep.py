"""What time makes due: drafts that die, claims that return, chats to tidy."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot import held
from bot.alerts import alert
from bot.house import House
from bot.promises import alert_of_unclaimed
from flows.service import service
from storage import messages, outbox, pulse, referrals, retention, unclaimed
from storage.retention import Swept, Times


def sweep(connection: Connection, house: House, now: datetime) -> Swept:
    """Do all that is due at `now`, in the open transaction; return how many of each went."""
    pulse.beat(connection, house.vault, now)
    _return_claims(connection, house, now)
    held.sweep(connection, house.vault, now)
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
    for reference in referrals.return_unworked(connection, now):
        alert(connection, house, "returned", reference, now, now)
        unclaimed.alerted(connection, reference, 1)


def _tidy_chats(connection: Connection, house: House, now: datetime) -> None:
    """Delete from people's chats what is old, while the channel still lets us."""
    before = now - timedelta(hours=service().chat_clear_hours)
    for chat_id, ids in messages.messages_older_than(connection, house.vault, before).items():
        channel = messages.channel_of(connection, chat_id)
        for start in range(0, len(ids), 100):
            body = {"messages": ids[start : start + 100]}
            outbox.put(connection, house.vault, channel, "delete", body, now, chat_id)
        messages.drop_messages(connection, house.vault, chat_id, ids)
