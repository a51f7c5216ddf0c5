"""Waiting for an answer is an event: responder and deliverer notify, a page's request waits."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

T = TypeVar("T")
FALLBACK_SECONDS = 0.5
"""Seconds between looks while another process answers, whose events do not reach this one."""


class AnswerNotifier:
    """Who waits for which chat's answer. Everything happens on one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], set[asyncio.Event]] = {}
        self._responders = 0

    @property
    def has_responder(self) -> bool:
        """Return whether this process answers input itself."""
        return self._responders > 0

    @contextlib.contextmanager
    def responding(self) -> Iterator[None]:
        """Say that this process answers input and calls `notify`, until the block is left."""
        self._responders += 1
        try:
            yield
        finally:
            self._responders -= 1

    def notify(self, channel: str, address: str) -> None:
        """Wake whoever waits for a chat; call it after the commit of what they look for."""
        for event in self._waiting.get((channel, address), ()):
            event.set()

    async def wait(
        self, channel: str, address: str, look: Callable[[], Awaitable[T]], seconds: float
    ) -> T | None:
        """Return the first true value of `look()`; None when `seconds` pass without one.

        It is called at once, and again after each event of the chat.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        # Subscribed before the first look: what is committed after that look sets the event.
        with self._subscription(channel, address) as event:
            while (left := deadline - loop.time()) > 0:
                # Cleared before the look: what is committed during it is looked at again.
                event.clear()
                if found := await look():
                    return found
                await self._wait_for_event(event, left)
        return None

    async def _wait_for_event(self, event: asyncio.Event, seconds: float) -> None:
        if not self._responders:
            seconds = min(seconds, FALLBACK_SECONDS)
        # Not wait_for: in Python 3.11 it can swallow the cancellation of the task that waits.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()

    @contextlib.contextmanager
    def _subscription(self, channel: str, address: str) -> Iterator[asyncio.Event]:
        key, event = (channel, address), asyncio.Event()
        self._waiting.setdefault(key, set()).add(event)
        try:
            yield event
        finally:
            self._waiting[key].discard(event)
            if not self._waiting[key]:
                del self._waiting[key]
