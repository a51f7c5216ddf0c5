"""The guard before every page of the chat: body size, origin, session, CSRF, busy database."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy.exc import OperationalError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.runtime import Runtime
from bot.web import cookies
from bot.web.guard import FormRefused, WebRequest, check_csrf, check_origin, read_form
from bot.web.templates import render_page
from flows import wording
from flows.dialogue.form import is_form_field
from flows.service import service
from storage.chats import browser_sessions
from storage.unit import Unit

P = ParamSpec("P")
T = TypeVar("T")
CHAT_COOKIE = "chat"
DATABASE_TIMEOUT = 5.0
"""Seconds that a page waits for a busy database before it says so."""


class DatabaseBusy(Exception):
    """The database had no time for us; nothing was lost, and it can be tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest(WebRequest):
    """One request. `address` is whose conversation this browser is in, None for none."""

    token: str = ""
    address: str | None = None

    @property
    def csrf_binding(self) -> tuple[str, ...]:
        """Return what the CSRF token is bound to: this browser's own conversation."""
        return ("chat form", self.token)

    @property
    def chat_address(self) -> str:
        """Return the address of the conversation; raise LookupError outside of one."""
        if self.address is None:
            raise LookupError("this browser is in no conversation")
        return self.address

    @property
    def language(self) -> str:
        """Return the language that the browser asks for, if we speak it, else the first one."""
        asked = self.http.headers.get("accept-language", "")[:35]
        return wording.supported_language(asked.split(",")[0].split(";")[0].strip())

    async def write(
        self, operation: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do something in one transaction; raise DatabaseBusy when that takes too long."""
        return await with_database_timeout(self.runtime.database.write(operation, *args, **kwargs))

    async def read(
        self, operation: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Look something up; raise DatabaseBusy when that takes too long."""
        return await with_database_timeout(self.runtime.database.read(operation, *args, **kwargs))

    def render(self, name: str, status: int = 200, language: str = "", **values: Any) -> Response:
        """Return a page of the chat; inside it `request` is this request."""
        own = {
            "request": self,
            "once": secrets.token_urlsafe(12),
            "exit_to": service().exit_url,
            **values,
        }
        return render_page(f"web/{name}", own, status, language or self.language)


Handler = Callable[[ChatRequest], Awaitable[Response]]


async def with_database_timeout(awaited: Awaitable[T]) -> T:
    """Return what is waited for; raise DatabaseBusy when that takes too long."""
    try:
        async with asyncio.timeout(DATABASE_TIMEOUT):
            return await awaited
    except (TimeoutError, OperationalError):
        raise DatabaseBusy from None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRoute:
    """One route of the chat: where, how, who may, and what answers.

    Where `needs_session`, only browsers that are in a conversation get an answer. Without
    `looks_up_session` the answer does not wait for the database to say who is there. `resubmits`
    names the fields, besides those of questions, that a busy page gives back to be sent again.
    """

    path: str
    method: str
    handler: Handler
    needs_session: bool = True
    looks_up_session: bool = True
    cookie: str = CHAT_COOKIE
    resubmits: tuple[str, ...] = ()

    def starlette_route(self, runtime: Runtime) -> Route:
        """Return the route, with the guard before it."""

        async def guarded(http: Request) -> Response:
            return await _guarded(runtime, self, http)

        return Route(self.path, guarded, methods=[self.method], name=f"{self.method} {self.path}")


async def _guarded(runtime: Runtime, route: ChatRoute, http: Request) -> Response:
    token = cookies.read_cookie(http, route.cookie, runtime.secure)
    request = ChatRequest(runtime=runtime, http=http, now=runtime.clock(), token=token)
    try:
        # The size before the origin: a body that is too large is not even read to its end.
        if route.method == "POST":
            request = replace(request, form=await read_form(http))
            check_origin(http)
        if request.token and route.looks_up_session:
            request = replace(request, address=await _session_address(request))
        if route.needs_session and request.address is None:
            return session_lost_page(request)
        if route.needs_session and route.method == "POST":
            check_csrf(request)
        return await route.handler(request)
    except FormRefused as refused:
        words = request.form.get("say", "") if refused.reason == "old_form" else ""
        return request.render("trouble.html", refused.status, why=refused.reason, words=words)
    except DatabaseBusy:
        return _busy_page(route, request)


async def _session_address(request: ChatRequest) -> str | None:
    """Return whose conversation this browser is in; writes only to refresh last-seen."""
    token = request.token
    found = await request.read(browser_sessions.peek_session, token)
    if found and request.now - found[1] > browser_sessions.LAST_SEEN_INTERVAL:
        return await request.write(browser_sessions.session_address, token)
    return found[0] if found else None


def session_lost_page(request: ChatRequest) -> Response:
    """Say that this browser is in no conversation any more, and give back what was typed."""
    if request.http.method == "GET" and not request.token:
        return request.redirect("/")
    response = request.render("trouble.html", 410, why="lost", words=request.form.get("say", ""))
    cookies.delete_cookie(response, CHAT_COOKIE, request.runtime.secure)
    return response


def _busy_page(route: ChatRoute, request: ChatRequest) -> Response:
    """Say that nothing is lost; what a form held can be sent again from here, counted once."""
    again = {
        name: told
        for name, told in request.form.items()
        if name in ("csrf", "once", *route.resubmits) or is_form_field(name)
    }
    response = request.render("trouble.html", 503, why="busy", again=again)
    response.headers["Retry-After"] = "10"
    return response
