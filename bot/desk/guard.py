"""The frame round every page of the desk: who is there, may they, is the form theirs."""

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.desk.permissions import RULES, Whose, may
from bot.desk.presence import Viewing
from bot.settings import Settings
from bot.web import cookies, forms
from bot.web.event_stream import Live
from bot.web.rate_limit import Limiter
from bot.web.templates import page
from storage import logbook
from storage.accounts import sign_ins
from storage.accounts.sign_ins import Signed
from storage.database import Database
from storage.referrals import lifecycle
from storage.referrals.lifecycle import Standing
from storage.serialization import write as as_text
from storage.vault import Vault

log = logging.getLogger("rj.desk")
T = TypeVar("T")
LINKS = (
    ("queue", "/desk/queue", "queue"),
    ("new", "/desk/new", "take_down"),
    ("numbers", "/desk/numbers", "numbers"),
    ("exports", "/desk/exports", "export"),
    ("content", "/desk/content", "content"),
    ("logbook", "/desk/logbook", "logbook"),
    ("accounts", "/desk/accounts", "accounts"),
    ("api_keys", "/desk/api-keys", "api_keys"),
    ("webhook", "/desk/webhook", "webhook"),
)
"""The navigation: its word, its path, and the rule that lets somebody see it."""
SIGNED, SEAT = "desk", "seat"
"""The cookies: who is signed in, and which browser this is."""


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the navigation."""

    key: str
    path: str
    here: bool


@dataclass(slots=True)
class Desk:
    """What the pages of the desk share. `changed` is called after everything that changes."""

    database: Database
    vault: Vault
    settings: Settings
    clock: Callable[[], datetime]
    changed: Callable[[], None] = lambda: None
    limiter: Limiter = field(default_factory=Limiter)
    demo: Mapping[str, str] | None = None
    viewing: Viewing = field(default_factory=Viewing)
    live: Live = field(default_factory=Live)
    locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    @property
    def secure(self) -> bool:
        """Return whether the site is served by https, so that its cookies are too."""
        return (self.settings.public_url or "").startswith("https://")


@dataclass(frozen=True, slots=True)
class At:
    """One request, with all that its page needs. `standing` is of the referral it is about."""

    desk: Desk
    request: Request
    now: datetime
    seat: str
    signed: Signed | None = None
    standing: Standing | None = None
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def me(self) -> Signed:
        """Return who is signed in; raise LookupError on a page that anyone may open."""
        if self.signed is None:
            raise LookupError("Nobody is signed in.")
        return self.signed

    @property
    def who(self) -> str:
        """Return the name of whoever is signed in; "" when nobody is."""
        return self.signed.name if self.signed else ""

    @property
    def role(self) -> str:
        """Return the role of whoever is signed in; "" when nobody is."""
        return self.signed.role if self.signed else ""

    @property
    def reference(self) -> str:
        """Return the reference that the address names."""
        return str(self.request.path_params.get("reference", "")).upper()

    @property
    def csrf(self) -> str:
        """Return what a form of this browser must carry."""
        own = as_text(["form", self.seat, self.signed.id if self.signed else ""])
        return self.desk.vault.fingerprint(own)

    def asked(self, name: str) -> str:
        """Return what the address asks under a name; "" when it asks nothing."""
        return self.request.query_params.get(name, "")[:200]

    async def write(self, act: Callable[[Connection], T]) -> T:
        """Do something in one transaction, then let the other pages know."""
        done = await self.desk.database.write(act)
        self.desk.changed()
        self.desk.live.changed()
        return done

    async def read(self, act: Callable[[Session], T]) -> T:
        """Look something up."""
        return await self.desk.database.read(act)

    async def note(self, did: str, about: str = "", why: str = "", refused: bool = False) -> None:
        """Add a line to the logbook."""
        vault, who = self.desk.vault, self.who or "nobody"
        await self.desk.database.write(
            lambda conn: logbook.write(conn, vault, who, did, self.now, about, why, refused)
        )

    def links(self) -> list[Link]:
        """Return the navigation of whoever is signed in."""
        here = self.request.url.path
        return [Link(key, path, here == path) for key, path, rule in LINKS if self.may(rule)]

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """Return a page of the desk; inside it `at` is this request."""
        return page(f"desk/{template}", {"at": self, **values}, status)

    def go(self, path: str) -> Response:
        """Send the browser on to another page of the desk."""
        return RedirectResponse(path, 303)

    def may(self, rule: str, whose: Whose | None = None, queue: str = "") -> bool:
        """Return whether whoever is signed in may do this."""
        return may(self.role, rule, whose, queue)


Endpoint = Callable[[At], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Page:
    """One route of the desk: where, how, under which rule of rules.py, and what answers.

    A path with {reference} is about a referral: its rule is asked with whose that is. `others`
    names the rule that lets somebody else's be seen.
    """

    path: str
    method: str
    rule: str
    answer: Endpoint
    others: str = ""

    def route(self, desk: Desk) -> Route:
        """Return the route, with the frame round it."""

        async def framed(request: Request) -> Response:
            return await _framed(desk, self, request)

        return Route(self.path, framed, methods=[self.method], name=f"{self.method} {self.path}")


async def _framed(desk: Desk, here: Page, request: Request) -> Response:
    try:
        at = await _at(desk, here, request)
        response = await _let_in(here, at)
    except OperationalError as problem:
        log.error("database_busy", extra={"code": type(problem).__name__})
        return await _busy(desk, here, request)
    if not cookies.read(request, SEAT, desk.secure):
        cookies.keep(response, SEAT, at.seat, desk.secure, days=365)
    return response


async def _busy(desk: Desk, here: Page, request: Request) -> Response:
    """Say that nothing was changed, with what was typed, so that it can be sent again."""
    seat = cookies.read(request, SEAT, desk.secure)
    form = getattr(request.state, "form", None)
    if form is None and here.method == "POST" and here.rule != "sign_in":
        form = await forms.read(request)
    at = At(desk, request, desk.clock(), seat)
    return at.page("busy.html", 503, again=form or {})


async def _at(desk: Desk, here: Page, request: Request) -> At:
    """Return the request with who is signed in and how the referral stands."""
    now = desk.clock()
    seat = cookies.read(request, SEAT, desk.secure) or secrets.token_urlsafe(16)
    token = cookies.read(request, SIGNED, desk.secure)
    signed = None
    if token:
        signed = await desk.database.write(lambda conn: sign_ins.who(conn, desk.vault, token, now))
    at = At(desk, request, now, seat, signed)
    if "{reference}" in here.path and signed:
        standing = await at.read(lambda session: lifecycle.standing(session, at.reference))
        at = At(desk, request, now, seat, signed, standing)
    return at


async def _let_in(here: Page, at: At) -> Response:
    """Answer the request, or say kindly why not."""
    if here.rule not in RULES:
        return await refused(at, here.rule, "no_rule")
    if at.signed is None and not RULES[here.rule].anyone:
        return at.go(f"/desk/sign-in{_back_to(at)}")
    if here.method == "POST":
        if not forms.from_here(at.request):
            return at.page("refused.html", 403, why="not_from_here")
        try:
            form = at.request.state.form = await forms.read(at.request)
        except (forms.TooLarge, forms.Unreadable):
            return at.page("refused.html", 413, why="too_large")
        if not secrets.compare_digest(form.get("csrf", "").encode(), at.csrf.encode()):
            return at.page("refused.html", 403, why="old_form")
        if here.rule == "sign_in":
            at.request.state.form = {}  # a password is not shown again
        at = At(at.desk, at.request, at.now, at.seat, at.signed, at.standing, form)
    return await _within_the_rule(here, at)


async def _within_the_rule(here: Page, at: At) -> Response:
    if "{reference}" not in here.path:
        if RULES[here.rule].anyone or at.may(here.rule):
            return await here.answer(at)
        return await refused(at, here.rule, "role")
    if at.standing is None:
        return at.page("missing.html", 404)
    whose = whose_is(at.standing, at.who)
    if at.may(here.rule, whose, at.standing.queue):
        return await here.answer(at)
    if here.others and at.may(here.others, whose, at.standing.queue):
        return await here.answer(at)
    return await refused(at, here.rule, whose, at.reference)


async def refused(at: At, rule: str, why: str, about: str = "") -> Response:
    """Refuse, and write a line about it."""
    await at.note(rule, about, why, refused=True)
    owner = at.standing.owner if at.standing else None
    return at.page(
        "refused.html", 403, why="others" if why == Whose.OTHERS else "role", owner=owner
    )


def whose_is(standing: Standing, who: str) -> Whose:
    """Return whose a referral is, seen from somebody."""
    if standing.owner is None:
        return Whose.NOBODYS
    return Whose.OWN if standing.owner == who else Whose.OTHERS


def within_the_desk(path: str) -> str:
    """Return a path if it leads to a page of the desk, else the queue's: never to another site."""
    parts = urlsplit(path)
    inside = not parts.scheme and not parts.netloc and path.startswith("/desk/")
    return path if inside and "\\" not in path else "/desk/queue"


def _back_to(at: At) -> str:
    """Return the page to come back to after signing in; a form has to be sent again."""
    url = at.request.url
    if at.request.method != "GET":
        return ""
    return f"?next={quote(f'{url.path}?{url.query}' if url.query else url.path)}"
