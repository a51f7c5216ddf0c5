"""The demo's one page: the chat and the desk, side by side."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.web.templates import page


def route() -> Route:
    """Return the route of the page that shows both."""
    return Route("/demo", _both)


async def _both(_: Request) -> Response:
    return page("demo.html", {})
