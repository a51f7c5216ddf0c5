"""Tells open pages that something changed: one task looks on behalf of them all."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable

log = logging.getLogger("rj.live")
ReadState = Callable[[], Awaitable[str]]
POLL_SECONDS = 1.0
"""Seconds between looks when nothing said that there is something new."""
MAX_STREAMS = 300
"""The most pages that may listen at a time; the others look again by themselves."""


class EventBroadcaster:
    """The pages that listen, and the one task that looks on behalf of them all.

    `poll_round` counts the looks, so that what is the same for all is looked up once a round.
    """

    def __init__(self, max_streams: int = MAX_STREAMS, poll_seconds: float = POLL_SECONDS) -> None:
        self.poll_round = 0
        self._max_streams, self._poll_seconds = max_streams, poll_seconds
        self._queues: dict[ReadState, set[asyncio.Queue[str]]] = {}
        self._last_states: dict[ReadState, str] = {}
        self._wake: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def open_streams(self) -> int:
        """Return how many pages listen."""
        return sum(map(len, self._queues.values()))

    def notify(self) -> None:
        """Have everybody look now."""
        if self._wake:
            self._wake.set()

    @property
    def is_full(self) -> bool:
        """Return whether no more pages may listen."""
        return self.open_streams >= self._max_streams

    async def subscribe(self, read_state: ReadState) -> AsyncGenerator[str, None]:
        """Give what `read_state()` returns now, and then whenever it returns something new."""
        queue: asyncio.Queue[str] = asyncio.Queue()
        self._queues.setdefault(read_state, set()).add(queue)
        try:
            queue.put_nowait(await read_state())
            self._ensure_polling()
            while True:
                yield await queue.get()
        finally:
            self._queues[read_state].discard(queue)
            if not self._queues[read_state]:
                del self._queues[read_state]
                self._last_states.pop(read_state, None)

    def _ensure_polling(self) -> None:
        """Start the task that looks; it ends by itself when nobody listens any more."""
        if self._task is None or self._task.done():
            self._wake = asyncio.Event()
            self._task = asyncio.create_task(self._poll_for_ever(self._wake))

    async def _poll_for_ever(self, wake: asyncio.Event) -> None:
        while self._queues:
            self.poll_round += 1
            for look in list(self._queues):
                await self._poll_state(look)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_seconds):
                    await wake.wait()
            wake.clear()

    async def _poll_state(self, read_state: ReadState) -> None:
        try:
            found = await read_state()
        except Exception as problem:
            log.warning("look_failed", extra={"code": type(problem).__name__})
            return
        if self._last_states.get(read_state, found) != found:
            for queue in self._queues.get(read_state, ()):
                queue.put_nowait(found)
        self._last_states[read_state] = found
