"""The pages for 404 and 500."""

import logging

from starlette.requests import Request
from starlette.responses import Response

from bot.web.templates import render_page

log = logging.getLogger("rj.pages")


async def not_found(_: Request, __: Exception) -> Response:
    """Say that there is nothing at this address, and where to go."""
    return render_page("trouble.html", {"what": "not_here"}, 404)


async def method_not_allowed(_: Request, __: Exception) -> Response:
    """Say that this address does not take what was sent to it."""
    return render_page("trouble.html", {"what": "not_here"}, 405)


async def internal_error(_: Request, problem: Exception) -> Response:
    """Say that something went wrong here, and whom to ring; the log gets the kind of error."""
    log.error("page_failed", extra={"code": type(problem).__name__})
    return render_page("trouble.html", {"what": "broken"}, 500)
