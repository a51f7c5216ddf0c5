"""The demo's one page: the chat and the desk, side by side."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.web.templates import render_page


def demo_route() -> Route:
    """Return the route of the page that shows both."""
    return Route("/demo", _demo_page)


async def _demo_page(_: Request) -> Response:
    return render_page("demo.html", {})
