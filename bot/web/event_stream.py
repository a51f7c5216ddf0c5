"""The only file that knows sse_starlette: tells open pages that something changed."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

log = logging.getLogger("rj.live")
Look = Callable[[], Awaitable[str]]
EVERY = 1.0
"""Seconds between looks when nothing said that there is something new."""
MOST = 300
"""The most pages that may listen at a time; the others look again by themselves."""


class Live:
    """The pages that listen, and the one task that looks on behalf of them all.

    `rounds` counts the looks, so that what is the same for all is looked up once a round.
    """

    def __init__(self, most: int = MOST, every: float = EVERY) -> None:
        self.rounds = 0
        self._most, self._every = most, every
        self._open: dict[Look, set[asyncio.Queue[str]]] = {}
        self._last: dict[Look, str] = {}
        self._wake: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def listening(self) -> int:
        """Return how many pages listen."""
        return sum(map(len, self._open.values()))

    def changed(self) -> None:
        """Have everybody look now."""
        if self._wake:
            self._wake.set()

    def events(self, request: Request, look: Look) -> Response:
        """Return a stream that says `changed`, with what look() gives, whenever that is new.

        It begins with what look() gives now. Too many pages at a time are answered with 503.
        """
        if self.listening >= self._most:
            return PlainTextResponse("", 503, headers={"Retry-After": "15"})
        return EventSourceResponse(self._stream(look))

    async def _stream(self, look: Look) -> AsyncIterator[ServerSentEvent]:
        queue: asyncio.Queue[str] = asyncio.Queue()
        self._open.setdefault(look, set()).add(queue)
        try:
            queue.put_nowait(await look())
            self._keep_looking()
            while True:
                yield ServerSentEvent(await queue.get(), event="changed")
        finally:
            self._open[look].discard(queue)
            if not self._open[look]:
                del self._open[look]
                self._last.pop(look, None)

    def _keep_looking(self) -> None:
        """Start the task that looks; it ends by itself when nobody listens any more."""
        if self._task is None or self._task.done():
            self._wake = asyncio.Event()
            self._task = asyncio.create_task(self._look_for_ever(self._wake))

    async def _look_for_ever(self, wake: asyncio.Event) -> None:
        while self._open:
            self.rounds += 1
            for look in list(self._open):
                await self._look(look)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await wake.wait()
            wake.clear()

    async def _look(self, look: Look) -> None:
        try:
            found = await look()
        except Exception as problem:
            log.warning("look_failed", extra={"code": type(problem).__name__})
            return
        if self._last.get(look, found) != found:
            for queue in self._open.get(look, ()):
                queue.put_nowait(found)
        self._last[look] = found
