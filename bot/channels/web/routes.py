"""Every route of the chat, in one list."""

from starlette.routing import BaseRoute

from bot.channels.web import coming_back, officer, pages, private, two_key
from bot.channels.web.frame import Web, in_frame


def routes(web: Web) -> list[BaseRoute]:
    """Return the routes, each with the frame round it."""
    return [
        in_frame(web, "/", "GET", pages.first, known=False),
        in_frame(web, "/start", "POST", pages.start, known=False),
        in_frame(web, "/chat", "GET", pages.talk),
        in_frame(web, "/chat", "POST", pages.act),
        in_frame(web, "/chat/live", "GET", pages.live),
        in_frame(web, "/leave", "GET", pages.leave, known=False, asks=False),
        in_frame(web, "/code", "POST", coming_back.give),
        in_frame(web, "/back", "GET", coming_back.ask, known=False),
        in_frame(web, "/back", "POST", coming_back.enter, known=False),
        in_frame(web, "/privacy", "GET", pages.privacy, known=False),
        in_frame(web, "/q/{code}", "GET", private.knock, known=False),
        in_frame(web, "/q/{code}", "POST", private.enter, known=False),
        in_frame(web, "/q", "POST", private.fill, known=False),
        in_frame(web, "/k/{code}", "GET", two_key.knock, known=False),
        in_frame(web, "/k/{code}", "POST", two_key.enter, known=False),
        *_of_officers(web),
    ]


def _of_officers(web: Web) -> list[BaseRoute]:
    """Return an officer's routes: their browser is known by a cookie of its own."""
    return [
        in_frame(web, "/officer/i/{code}", "GET", officer.knock, False, officer.COOKIE),
        in_frame(web, "/officer/i/{code}", "POST", officer.enter, False, officer.COOKIE),
        in_frame(web, "/officer", "GET", officer.show, False, officer.COOKIE),
        in_frame(web, "/officer", "POST", officer.act, False, officer.COOKIE),
    ]
