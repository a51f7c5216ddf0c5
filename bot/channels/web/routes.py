"""Every route of the chat, in one list."""

from starlette.routing import BaseRoute

from bot.channels.web import officer, pages, private_page, resume_codes, two_key
from bot.channels.web.guard import Web, guarded_route


def routes(web: Web) -> list[BaseRoute]:
    """Return the routes, each with the frame round it."""
    return [
        guarded_route(web, "/", "GET", pages.welcome_page, needs_session=False),
        guarded_route(web, "/start", "POST", pages.start_chat, needs_session=False),
        guarded_route(web, "/chat", "GET", pages.chat_page),
        guarded_route(web, "/chat", "POST", pages.post_to_chat),
        guarded_route(web, "/chat/live", "GET", pages.chat_events),
        guarded_route(
            web, "/leave", "GET", pages.quick_exit, needs_session=False, looks_up_session=False
        ),
        guarded_route(web, "/code", "POST", resume_codes.show_resume_code),
        guarded_route(web, "/back", "GET", resume_codes.show_resume_form, needs_session=False),
        guarded_route(web, "/back", "POST", resume_codes.resume_with_code, needs_session=False),
        guarded_route(web, "/privacy", "GET", pages.privacy_page, needs_session=False),
        guarded_route(web, "/q/{code}", "GET", private_page.confirm_link_page, needs_session=False),
        guarded_route(
            web, "/q/{code}", "POST", private_page.redeem_private_link, needs_session=False
        ),
        guarded_route(web, "/q", "POST", private_page.post_private_form, needs_session=False),
        guarded_route(
            web, "/k/{code}", "GET", two_key.confirm_introduction_page, needs_session=False
        ),
        guarded_route(
            web, "/k/{code}", "POST", two_key.redeem_introduction_code, needs_session=False
        ),
        *_officer_routes(web),
    ]


def _officer_routes(web: Web) -> list[BaseRoute]:
    """Return an officer's routes: their browser is known by a cookie of its own."""
    return [
        guarded_route(
            web,
            "/officer/i/{code}",
            "GET",
            officer.confirm_invitation_page,
            False,
            officer.OFFICER_COOKIE,
        ),
        guarded_route(
            web,
            "/officer/i/{code}",
            "POST",
            officer.redeem_invitation,
            False,
            officer.OFFICER_COOKIE,
        ),
        guarded_route(
            web, "/officer", "GET", officer.show_officer_form, False, officer.OFFICER_COOKIE
        ),
        guarded_route(
            web, "/officer", "POST", officer.post_officer_form, False, officer.OFFICER_COOKIE
        ),
    ]
