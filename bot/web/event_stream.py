"""The only file that knows sse_starlette: what open pages hear when something changed."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from bot.broadcast import EventBroadcaster, Subscription


def event_response(broadcaster: EventBroadcaster, subscription: Subscription) -> Response:
    """Return a stream that says `changed`, with what the page shows now, whenever that is new.

    It ends with `elsewhere` when another page of the same browser listens.
    """
    return EventSourceResponse(_server_sent_events(broadcaster, subscription))


async def _server_sent_events(
    broadcaster: EventBroadcaster, subscription: Subscription
) -> AsyncIterator[ServerSentEvent]:
    # Closed at once when the browser goes, so that nothing looks on behalf of nobody.
    async with aclosing(broadcaster.subscribe(subscription)) as changes:
        async for found in changes:
            yield ServerSentEvent(found, event="changed")
        if not broadcaster.is_closed:
            yield ServerSentEvent("", event="elsewhere")
