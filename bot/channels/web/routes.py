"""Every route of the chat, in one list."""

from starlette.routing import BaseRoute

from bot.channels.web import coming_back, pages
from bot.channels.web.frame import Web, in_frame


def routes(web: Web) -> list[BaseRoute]:
    """Return the routes, each with the frame round it."""
    return [
        in_frame(web, "/", "GET", pages.first, known=False),
        in_frame(web, "/start", "POST", pages.start, known=False),
        in_frame(web, "/chat", "GET", pages.talk),
        in_frame(web, "/chat", "POST", pages.act),
        in_frame(web, "/chat/live", "GET", pages.live),
        in_frame(web, "/leave", "GET", pages.leave, known=False),
        in_frame(web, "/code", "POST", coming_back.give),
        in_frame(web, "/back", "GET", coming_back.ask, known=False),
        in_frame(web, "/back", "POST", coming_back.enter, known=False),
        in_frame(web, "/privacy", "GET", pages.privacy, known=False),
    ]
