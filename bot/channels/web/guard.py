"""The frame round every page of the chat: who is there, is the form theirs, is there time."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy.exc import OperationalError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.answers import AnswerNotifier
from bot.web import cookies, forms
from bot.web.event_stream import EventBroadcaster
from bot.web.rate_limit import RateLimiter
from bot.web.templates import render_page
from flows import wording
from flows.dialogue.form import is_form_field
from flows.service import service
from storage.chats import browser_sessions, screens
from storage.database import Database
from storage.serialization import dumps
from storage.unit import Unit
from storage.vault import Vault

P = ParamSpec("P")
T = TypeVar("T")
CHAT_COOKIE = "chat"
DATABASE_TIMEOUT = 5.0
"""Seconds that a page waits for a busy database before it says so."""

MAX_CHATS_STARTING = 5
"""How many new chats are taken on at a time: more of them wait, and nobody who is known does."""


class DatabaseBusy(Exception):
    """The database had no time for us; nothing was lost, and it can be tried again."""


@dataclass(slots=True)
class Web:
    """What the pages of the chat share. `wake` is called after anything was kept.

    `answer_within` is how many seconds a page waits for its answer before it is shown without.
    `telegram` returns the bot's name on Telegram, "" where there is none.
    """

    database: Database
    vault: Vault
    clock: Callable[[], datetime]
    secure: bool = False
    wake: Callable[[], None] = lambda: None
    live: EventBroadcaster = field(default_factory=EventBroadcaster)
    limiter: RateLimiter = field(default_factory=RateLimiter)
    demo: bool = False
    answer_within: float = 5.0
    answers: AnswerNotifier = field(default_factory=AnswerNotifier)
    public_url: str | None = None
    telegram: Callable[[], str] = lambda: ""
    beginning: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(MAX_CHATS_STARTING)
    )
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _newest: tuple[int, str] = (-1, "")

    async def newest(self) -> str:
        """Return what changes with any screen, looked up once for all who ask in a round."""
        if self._newest[0] != self.live.poll_round:
            self._newest = (
                self.live.poll_round,
                await self.database.read(screens.all_screens_revision),
            )
        return self._newest[1]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request. `address` is whose conversation this browser is in, None for none."""

    web: Web
    http: Request
    now: datetime
    token: str = ""
    address: str | None = None
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def csrf(self) -> str:
        """Return what a form of this browser must carry."""
        return csrf_token(self.web.vault, self.token)

    @property
    def has_valid_csrf(self) -> bool:
        """Return whether a form of this browser's own pages was sent."""
        return secrets.compare_digest(self.form.get("csrf", "").encode(), self.csrf.encode())

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

    @property
    def client_ip(self) -> str:
        """Return the address on the network that the request came from."""
        return self.http.client.host if self.http.client else ""

    async def write(
        self, operation: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do something in one transaction; raise Busy when that takes too long."""
        return await with_database_timeout(self.web.database.write(operation, *args, **kwargs))

    async def read(
        self, operation: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Look something up; raise Busy when that takes too long."""
        return await with_database_timeout(self.web.database.read(operation, *args, **kwargs))

    def render(self, name: str, status: int = 200, language: str = "", **values: Any) -> Response:
        """Return a page of the chat; inside it `here` is this request."""
        own = {
            "request": self,
            "once": secrets.token_urlsafe(12),
            "exit_to": service().exit_url,
            **values,
        }
        return render_page(f"web/{name}", own, status, language or self.language)

    def redirect(self, path: str) -> Response:
        """Send the browser on to another page."""
        return RedirectResponse(path, 303)


Handler = Callable[[ChatRequest], Awaitable[Response]]


async def with_database_timeout(awaited: Awaitable[T]) -> T:
    """Return what is waited for; raise Busy when the database does not come to it in time."""
    try:
        async with asyncio.timeout(DATABASE_TIMEOUT):
            return await awaited
    except (TimeoutError, OperationalError):
        raise DatabaseBusy from None


def csrf_token(vault: Vault, token: str) -> str:
    """Return what the forms of the browser with this token carry."""
    return vault.fingerprint(dumps(["chat form", token]))


def guarded_route(
    web: Web,
    path: str,
    method: str,
    handler: Handler,
    needs_session: bool = True,
    cookie: str = CHAT_COOKIE,
    looks_up_session: bool = True,
) -> Route:
    """Return a route; where `known`, only browsers that are in a conversation get an answer.

    `asks` is False where the answer must not wait for the database to say who is there.
    """

    async def framed(request: Request) -> Response:
        here = ChatRequest(
            web, request, web.clock(), cookies.read_cookie(request, cookie, web.secure)
        )
        if request.method == "POST":
            try:
                here = replace(here, form=await forms.read_form_body(request))
            except (forms.FormTooLarge, forms.MalformedForm):
                return here.render("trouble.html", 413, why="too_large")
        try:
            return await _authorise(here, handler, needs_session, looks_up_session)
        except DatabaseBusy:
            return _busy_page(here)

    return Route(path, framed, methods=[method], name=f"{method} {path}")


async def _authorise(
    request: ChatRequest, handler: Handler, needs_session: bool, looks_up_session: bool
) -> Response:
    if request.http.method == "POST" and not forms.is_same_origin(request.http):
        return request.render("trouble.html", 403, why="not_from_here")
    if request.token and looks_up_session:
        request = replace(request, address=await _session_address(request))
    if not needs_session:
        return await handler(request)
    if request.address is None:
        return session_lost_page(request)
    if request.http.method == "POST" and not request.has_valid_csrf:
        return request.render(
            "trouble.html", 403, why="old_form", words=request.form.get("say", "")
        )
    return await handler(request)


async def _session_address(request: ChatRequest) -> str | None:
    """Return whose conversation this browser is in; mostly read, so that nobody waits in line."""
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
    cookies.delete_cookie(response, CHAT_COOKIE, request.web.secure)
    return response


def _busy_page(request: ChatRequest) -> Response:
    """Say that nothing is lost; what a form held can be sent again from here, counted once."""
    again = {
        name: told
        for name, told in request.form.items()
        if name in RESUBMITTED_FIELDS or is_form_field(name)
    }
    response = request.render("trouble.html", 503, why="busy", again=again)
    response.headers["Retry-After"] = "10"
    return response


RESUBMITTED_FIELDS = (
    "csrf",
    "once",
    "press",
    "say",
    "go_on",
    "code",
    "page",
    "after",
    "do",
    "paste",
)
"""The fields of our forms, besides those of the questions."""
