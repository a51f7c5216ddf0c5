"""Tells open pages that what they show has changed: each looks only when that was committed."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field

log = logging.getLogger("rj.live")
ReadState = Callable[[], Awaitable[str]]
POLL_SECONDS = 1.0
"""Seconds between looks for changes that another process made, which tells this one nothing."""
RETRY_SECONDS = 1.0


@dataclass(eq=False, slots=True)
class _Listener:
    browser: str
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    is_replaced: bool = False


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a page listens to: the commits that signal `topic`, for one `browser`.

    `read_state` returns what it shows. It is also called when nothing was signalled for
    `look_seconds`, for what changes with time alone; None for never.
    """

    topic: str
    browser: str
    read_state: ReadState
    look_seconds: float | None = None


class EventBroadcaster:
    """The pages that listen, by topic; one of each browser, the newest.

    A browser opens six connections to a site over HTTP/1.1: a stream for each of its tabs would
    leave none for anything else. `revision_elsewhere` returns what changes when another process
    changes what may be listened to; "" while there is none.
    """

    def __init__(self, revision_elsewhere: ReadState, poll_seconds: float = POLL_SECONDS) -> None:
        self._revision_elsewhere, self._poll_seconds = revision_elsewhere, poll_seconds
        self._by_topic: dict[str, set[_Listener]] = {}
        self._by_browser: dict[str, _Listener] = {}
        self._polling: asyncio.Task[None] | None = None
        self.is_closed = False

    @property
    def open_streams(self) -> int:
        """Return how many pages listen."""
        return sum(map(len, self._by_topic.values()))

    def notify(self, topics: Iterable[str]) -> None:
        """Have the pages look that listen to these; call it after the commit."""
        for topic in topics:
            for listener in self._by_topic.get(topic, ()):
                listener.changed.set()

    def notify_all(self) -> None:
        """Have every page look."""
        self.notify(list(self._by_topic))

    def close(self) -> None:
        """End every stream, since the program does: the browsers ask whoever comes after it."""
        self.is_closed = True
        self.notify_all()

    async def subscribe(self, subscription: Subscription) -> AsyncGenerator[str, None]:
        """Give what is shown now, and then whenever that is new.

        Ends when another page of the same browser listens, and when this is closed.
        """
        with self._listening(subscription) as listener:
            shown: str | None = None
            while not (listener.is_replaced or self.is_closed):
                # Cleared before the look: what is committed during it is looked at again.
                listener.changed.clear()
                seconds = subscription.look_seconds
                try:
                    found = await subscription.read_state()
                except Exception as problem:
                    log.warning("look_failed", extra={"code": type(problem).__name__})
                    seconds = RETRY_SECONDS
                else:
                    if found != shown:
                        shown = found
                        yield found
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await listener.changed.wait()

    @contextlib.contextmanager
    def _listening(self, subscription: Subscription) -> Iterator[_Listener]:
        listener = _Listener(subscription.browser)
        if former := self._by_browser.get(subscription.browser):
            former.is_replaced = True
            former.changed.set()
        self._by_browser[subscription.browser] = listener
        self._by_topic.setdefault(subscription.topic, set()).add(listener)
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll_for_ever())
        try:
            yield listener
        finally:
            if self._by_browser.get(subscription.browser) is listener:
                del self._by_browser[subscription.browser]
            self._by_topic[subscription.topic].discard(listener)
            if not self._by_topic[subscription.topic]:
                del self._by_topic[subscription.topic]

    async def _poll_for_ever(self) -> None:
        """Have all pages look when another process changed something, while any listens."""
        known = ""
        while self._by_topic:
            try:
                found = await self._revision_elsewhere()
            except Exception as problem:
                log.warning("look_failed", extra={"code": type(problem).__name__})
                found = known
            if known and found != known:
                self.notify_all()
            known = found
            await asyncio.sleep(self._poll_seconds)
