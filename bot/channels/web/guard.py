"""The frame round every page of the chat: who is there, is the form theirs, is there time."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.web import cookies, forms
from bot.web.event_stream import Live
from bot.web.rate_limit import Limiter
from bot.web.templates import page
from flows import wording
from flows.dialogue.form import is_field
from flows.service import service
from storage.chats import browser_sessions, screens
from storage.database import Database
from storage.serialization import write as as_text
from storage.vault import Vault

T = TypeVar("T")
COOKIE = "chat"
PATIENCE = 5.0
"""Seconds that a page waits for a busy database before it says so."""

AT_ONCE = 5
"""How many new chats are taken on at a time: more of them wait, and nobody who is known does."""


class Busy(Exception):
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
    live: Live = field(default_factory=Live)
    limiter: Limiter = field(default_factory=Limiter)
    demo: bool = False
    answer_within: float = 5.0
    public_url: str | None = None
    telegram: Callable[[], str] = lambda: ""
    beginning: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _newest: tuple[int, str] = (-1, "")

    async def newest(self) -> str:
        """Return what changes with any screen, looked up once for all who ask in a round."""
        if self._newest[0] != self.live.rounds:
            self._newest = (self.live.rounds, await self.database.read(screens.newest))
        return self._newest[1]


@dataclass(frozen=True, slots=True)
class Here:
    """One request. `address` is whose conversation this browser is in, None for none."""

    web: Web
    request: Request
    now: datetime
    token: str = ""
    address: str | None = None
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def csrf(self) -> str:
        """Return what a form of this browser must carry."""
        return form_mark(self.web.vault, self.token)

    @property
    def is_ours(self) -> bool:
        """Return whether a form of this browser's own pages was sent."""
        return secrets.compare_digest(self.form.get("csrf", "").encode(), self.csrf.encode())

    @property
    def chat(self) -> str:
        """Return the address of the conversation; raise LookupError outside of one."""
        if self.address is None:
            raise LookupError("this browser is in no conversation")
        return self.address

    @property
    def language(self) -> str:
        """Return the language that the browser asks for, if we speak it, else the first one."""
        asked = self.request.headers.get("accept-language", "")[:35]
        return wording.offered(asked.split(",")[0].split(";")[0].strip())

    @property
    def caller(self) -> str:
        """Return the address on the network that the request came from."""
        return self.request.client.host if self.request.client else ""

    async def write(self, act: Callable[[Connection], T]) -> T:
        """Do something in one transaction; raise Busy when that takes too long."""
        return await patiently(self.web.database.write(act))

    async def read(self, act: Callable[[Session], T]) -> T:
        """Look something up; raise Busy when that takes too long."""
        return await patiently(self.web.database.read(act))

    def page(self, name: str, status: int = 200, language: str = "", **values: Any) -> Response:
        """Return a page of the chat; inside it `here` is this request."""
        own = {
            "here": self,
            "once": secrets.token_urlsafe(12),
            "exit_to": service().exit_to,
            **values,
        }
        return page(f"web/{name}", own, status, language or self.language)

    def go(self, path: str) -> Response:
        """Send the browser on to another page."""
        return RedirectResponse(path, 303)


Endpoint = Callable[[Here], Awaitable[Response]]


async def patiently(awaited: Awaitable[T]) -> T:
    """Return what is waited for; raise Busy when the database does not come to it in time."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await awaited
    except (TimeoutError, OperationalError):
        raise Busy from None


def form_mark(vault: Vault, token: str) -> str:
    """Return what the forms of the browser with this token carry."""
    return vault.fingerprint(as_text(["chat form", token]))


def in_frame(
    web: Web,
    path: str,
    method: str,
    answer: Endpoint,
    known: bool = True,
    cookie: str = COOKIE,
    asks: bool = True,
) -> Route:
    """Return a route; where `known`, only browsers that are in a conversation get an answer.

    `asks` is False where the answer must not wait for the database to say who is there.
    """

    async def framed(request: Request) -> Response:
        here = Here(web, request, web.clock(), cookies.read(request, cookie, web.secure))
        if request.method == "POST":
            try:
                here = replace(here, form=await forms.read(request))
            except (forms.TooLarge, forms.Unreadable):
                return here.page("trouble.html", 413, why="too_large")
        try:
            return await _let_in(here, answer, known, asks)
        except Busy:
            return _busy(here)

    return Route(path, framed, methods=[method], name=f"{method} {path}")


async def _let_in(here: Here, answer: Endpoint, known: bool, asks: bool) -> Response:
    if here.request.method == "POST" and not forms.from_here(here.request):
        return here.page("trouble.html", 403, why="not_from_here")
    if here.token and asks:
        here = replace(here, address=await _whose(here))
    if not known:
        return await answer(here)
    if here.address is None:
        return lost(here)
    if here.request.method == "POST" and not here.is_ours:
        return here.page("trouble.html", 403, why="old_form", words=here.form.get("say", ""))
    return await answer(here)


async def _whose(here: Here) -> str | None:
    """Return whose conversation this browser is in; mostly read, so that nobody waits in line."""
    vault, token = here.web.vault, here.token
    found = await here.read(
        lambda session: browser_sessions.seen(session.connection(), vault, token)
    )
    if found and here.now - found[1] > browser_sessions.TOUCH:
        return await here.write(lambda conn: browser_sessions.who(conn, vault, token, here.now))
    return found[0] if found else None


def lost(here: Here) -> Response:
    """Say that this browser is in no conversation any more, and give back what was typed."""
    if here.request.method == "GET" and not here.token:
        return here.go("/")
    response = here.page("trouble.html", 410, why="lost", words=here.form.get("say", ""))
    cookies.drop(response, COOKIE, here.web.secure)
    return response


def _busy(here: Here) -> Response:
    """Say that nothing is lost; what a form held can be sent again from here, counted once."""
    again = {name: told for name, told in here.form.items() if name in KEPT or is_field(name)}
    response = here.page("trouble.html", 503, why="busy", again=again)
    response.headers["Retry-After"] = "10"
    return response


KEPT = ("csrf", "once", "press", "say", "go_on", "code", "page", "after", "do", "paste")
"""The fields of our forms, besides those of the questions."""
