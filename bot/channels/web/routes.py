"""Every route of the chat, in one list."""

from starlette.routing import BaseRoute

from bot.channels.web import officer, pages, private_page, resume_codes, two_key
from bot.channels.web.guard import Web, in_frame


def routes(web: Web) -> list[BaseRoute]:
    """Return the routes, each with the frame round it."""
    return [
        in_frame(web, "/", "GET", pages.first, known=False),
        in_frame(web, "/start", "POST", pages.start, known=False),
        in_frame(web, "/chat", "GET", pages.talk),
        in_frame(web, "/chat", "POST", pages.act),
        in_frame(web, "/chat/live", "GET", pages.live),
        in_frame(web, "/leave", "GET", pages.leave, known=False, asks=False),
        in_frame(web, "/code", "POST", resume_codes.give),
        in_frame(web, "/back", "GET", resume_codes.ask, known=False),
        in_frame(web, "/back", "POST", resume_codes.enter, known=False),
        in_frame(web, "/privacy", "GET", pages.privacy, known=False),
        in_frame(web, "/q/{code}", "GET", private_page.knock, known=False),
        in_frame(web, "/q/{code}", "POST", private_page.enter, known=False),
        in_frame(web, "/q", "POST", private_page.fill, known=False),
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
