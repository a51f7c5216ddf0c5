"""Serves our own files: style sheets, scripts, pictures. None comes from anywhere else."""

from importlib.resources import as_file

from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

from bot.web.templates import STATIC_DIR

_CACHE_CONTROL = b"private, max-age=31536000, immutable"


class _CachedStaticFiles(StaticFiles):
    """Files of the desk may stay in the browser: their address changes with what they hold.

    What the chat uses is not kept, so that it cannot tell that somebody was here.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_cache(message: Message) -> None:
            if message["type"] == "http.response.start" and "/chat/" not in scope["path"]:
                message["headers"] = [*message["headers"], (b"cache-control", _CACHE_CONTROL)]
            await send(message)

        await super().__call__(scope, receive, with_cache)


def static_route() -> Mount:
    """Return the route under which the files are served."""
    with as_file(STATIC_DIR) as folder:
        return Mount("/static", _CachedStaticFiles(directory=folder), name="static")
