"""Channel to inbox and answer: what comes in at the same time shares a transaction."""

import asyncio
import time

from bot.pipeline.respond import answer_arrivals
from bot.runtime import Runtime
from storage.chats.inbox import Arrival


class Receiver:
    """Saves and answers what one channel receives, many callers at a time (group commit)."""

    def __init__(self, runtime: Runtime, channel: str) -> None:
        self._runtime, self._channel = runtime, channel
        self._gathered: list[Arrival] = []
        self._next: asyncio.Task[bool] | None = None
        self._under_way: asyncio.Task[bool] | None = None

    async def keep(self, arrivals: list[Arrival]) -> None:
        """Return once these are saved; raise what kept them from it.

        What comes while a transaction is under way is gathered for the next one.
        """
        came_at = time.monotonic()
        self._gathered += arrivals
        if self._next is None:
            self._next = asyncio.create_task(self._answer_gathered(self._under_way))
        # A caller that is cancelled takes nobody else's arrivals with it.
        if await asyncio.shield(self._next):
            took = time.monotonic() - came_at
            self._runtime.measurements.answers.observe(took, len(arrivals))

    async def _answer_gathered(self, before: asyncio.Task[bool] | None) -> bool:
        if before:
            await asyncio.wait([before])
        self._under_way, self._next = self._next, None
        arrivals, self._gathered = self._gathered, []
        return await answer_arrivals(self._runtime, self._channel, arrivals)
