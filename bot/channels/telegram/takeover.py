"""Notices that another program receives what people send to this bot."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from enum import StrEnum

from telegram import Bot
from telegram.error import TelegramError

log = logging.getLogger("rj.telegram")
CONFLICT_WINDOW_SECONDS = 90.0
"""Within how many seconds a second conflict means another program. A single one happens when this
service is started anew, or one of its processes takes over from another."""
REPEAT_SECONDS = 3600.0
"""Seconds until a takeover that goes on is reported again."""


class Takeover(StrEnum):
    """How another program receives instead of us; the values are keys of desk.alerts."""

    POLLER = "foreign_poller"
    WEBHOOK = "foreign_webhook"


ReportTakeover = Callable[[Takeover], Awaitable[object]]


class TakeoverMonitor:
    """Decides, from what one receiver notices, what is reported, and reports it by `report`.

    `on_received` is called each time that Telegram gives what waits.
    """

    def __init__(
        self, report: ReportTakeover, on_received: Callable[[], None] = lambda: None
    ) -> None:
        self._report, self._on_received = report, on_received
        self._last_conflict: float | None = None
        self._reported_at: dict[Takeover, float] = {}
        self._has_received = False

    def note_received(self) -> None:
        """Note that Telegram gave us what waits: from now on no webhook is an old one of ours."""
        self._has_received = True
        self._on_received()

    async def note_conflict(self, bot: Bot) -> None:
        """Find out why Telegram refused a poll, take the updates back, and report a takeover."""
        try:
            has_webhook = bool((await bot.get_webhook_info()).url)
            if has_webhook:
                await bot.delete_webhook(drop_pending_updates=False)
        except TelegramError as problem:
            log.warning("conflict_unexplained", extra={"code": type(problem).__name__})
            return
        if has_webhook:
            if self._has_received:
                await self.report(Takeover.WEBHOOK)
            return
        now = asyncio.get_running_loop().time()
        last, self._last_conflict = self._last_conflict, now
        if last is not None and now - last <= CONFLICT_WINDOW_SECONDS:
            await self.report(Takeover.POLLER)

    async def report(self, takeover: Takeover) -> None:
        """Report a takeover, once an hour at most."""
        now = asyncio.get_running_loop().time()
        last = self._reported_at.get(takeover)
        if last is None or now - last >= REPEAT_SECONDS:
            log.error("receiving_elsewhere", extra={"code": takeover})
            await self._report(takeover)
            self._reported_at[takeover] = now
