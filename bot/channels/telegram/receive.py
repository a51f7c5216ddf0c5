"""Gets raw updates by polling: each is saved before Telegram is told that it may forget it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from telegram.error import Conflict, TelegramError

from bot.channel_interface import Body
from bot.channels.telegram.channel import RawBot
from bot.channels.telegram.takeover import TakeoverMonitor
from bot.channels.telegram.translate import chat_id_of
from storage.chats.inbox import Arrival

log = logging.getLogger("rj.telegram")
ALLOWED_UPDATES = ["message", "edited_message", "callback_query", "my_chat_member"]
LONG_POLL_SECONDS = 25
"""Seconds that Telegram may hold a poll open."""

SaveArrivals = Callable[[list[Arrival]], Awaitable[object]]


async def poll(bot: RawBot, save: SaveArrivals, monitor: TakeoverMonitor) -> None:
    """Receive for ever: save a batch, and only then ask for the next, which confirms it.

    What a webhook still holds is taken back. Starts without an offset, because update numbers may
    begin anew; what comes twice is known by its content. Waits out what Telegram answers; raises
    whatever `save` raises.
    """
    offset: int | None = None
    failed = 0
    while True:
        try:
            updates = await bot.raw_updates(offset, ALLOWED_UPDATES, LONG_POLL_SECONDS)
        except TelegramError as error:
            failed += 1
            log.warning("poll_failed", extra={"code": type(error).__name__, "n": failed})
            if isinstance(error, Conflict):
                await monitor.note_conflict(bot)
            await asyncio.sleep(min(30.0, 0.5 * 2 ** min(failed, 6)))
            continue
        failed = 0
        monitor.note_received()
        if updates:
            await save([arrival_of(update) for update in updates])
            offset = next_offset(updates, offset)


def arrival_of(update: Body) -> Arrival:
    """Return a raw update as the inbox keeps it."""
    return Arrival(
        idempotency_key=str(update.get("update_id", "")), chat=chat_id_of(update), body=update
    )


def next_offset(updates: list[Body], offset: int | None) -> int | None:
    """Return the number that confirms these updates; one without a number confirms nothing."""
    numbers = [number for update in updates if type(number := update.get("update_id")) is int]
    return max(numbers) + 1 if numbers else offset
