"""Every route of the chat, in one list."""

from functools import partial

from starlette.routing import BaseRoute

from bot.channels.web import officer, pages, private_page, resume_codes, two_key
from bot.channels.web.guard import ChatRoute
from bot.runtime import Runtime

_open_route = partial(ChatRoute, needs_session=False)
_officer_route = partial(_open_route, cookie=officer.OFFICER_COOKIE)
"""An officer's browser is known by a cookie of its own; the pages themselves ask who it is."""

ROUTES = (
    _open_route(path="/", method="GET", handler=pages.welcome_page),
    _open_route(path="/start", method="POST", handler=pages.start_chat),
    ChatRoute(path="/chat", method="GET", handler=pages.chat_page),
    ChatRoute(path="/chat", method="POST", handler=pages.post_to_chat),
    ChatRoute(path="/chat/live", method="GET", handler=pages.chat_events),
    _open_route(path="/leave", method="GET", handler=pages.quick_exit, looks_up_session=False),
    ChatRoute(path="/code", method="POST", handler=resume_codes.show_resume_code),
    _open_route(path="/back", method="GET", handler=resume_codes.show_resume_form),
    _open_route(path="/back", method="POST", handler=resume_codes.resume_with_code),
    _open_route(path="/privacy", method="GET", handler=pages.privacy_page),
    _open_route(path="/q/{code}", method="GET", handler=private_page.confirm_link_page),
    _open_route(path="/q/{code}", method="POST", handler=private_page.redeem_private_link),
    _open_route(path="/q", method="POST", handler=private_page.post_private_form),
    _open_route(path="/k/{code}", method="GET", handler=two_key.confirm_introduction_page),
    _open_route(path="/k/{code}", method="POST", handler=two_key.redeem_introduction_code),
    _officer_route(path="/officer/i/{code}", method="GET", handler=officer.confirm_invitation_page),
    _officer_route(path="/officer/i/{code}", method="POST", handler=officer.redeem_invitation),
    _officer_route(path="/officer", method="GET", handler=officer.show_officer_form),
    _officer_route(path="/officer", method="POST", handler=officer.post_officer_form),
)


def routes(runtime: Runtime) -> list[BaseRoute]:
    """Return the routes, each with the guard before it."""
    return [route.starlette_route(runtime) for route in ROUTES]
