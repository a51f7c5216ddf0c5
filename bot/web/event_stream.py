"""The only file that knows sse_starlette: what open pages hear when something changed."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import PlainTextResponse, Response

from bot.broadcast import EventBroadcaster, ReadState


def event_response(broadcaster: EventBroadcaster, read_state: ReadState) -> Response:
    """Return a stream that says `changed`, with what `read_state()` gives, whenever that is new.

    Too many pages at a time are answered with 503.
    """
    if broadcaster.is_full:
        return PlainTextResponse("", 503, headers={"Retry-After": "15"})
    return EventSourceResponse(_server_sent_events(broadcaster, read_state))


async def _server_sent_events(
    broadcaster: EventBroadcaster, read_state: ReadState
) -> AsyncIterator[ServerSentEvent]:
    # Closed at once when the browser goes, so that its place among the listeners is free again.
    async with aclosing(broadcaster.subscribe(read_state)) as changes:
        async for found in changes:
            yield ServerSentEvent(found, event="changed")
