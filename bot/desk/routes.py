"""Every route of the desk, in one list; each names its rule."""

from starlette.routing import Route

from bot.desk.frame import Desk, Page

PAGES: tuple[Page, ...] = ()


def routes(desk: Desk) -> list[Route]:
    """Return the routes, each with the frame round it."""
    return [page.route(desk) for page in PAGES]
