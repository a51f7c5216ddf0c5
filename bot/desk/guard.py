"""The frame round every page of the desk: who is there, may they, is the form theirs."""

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import quote, urlsplit

from sqlalchemy.exc import OperationalError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.answers import AnswerNotifier
from bot.desk.permissions import PERMISSIONS, Ownership, may
from bot.desk.presence import PresenceTracker
from bot.settings import Settings
from bot.web import cookies, forms
from bot.web.event_stream import EventBroadcaster
from bot.web.rate_limit import RateLimiter
from bot.web.templates import render_page
from storage import logbook
from storage.accounts import sign_ins
from storage.accounts.sign_ins import SignedInStaff
from storage.database import Database
from storage.referrals import lifecycle
from storage.referrals.lifecycle import ReferralStatus
from storage.serialization import dumps
from storage.unit import Unit
from storage.vault import Vault

log = logging.getLogger("rj.desk")
P = ParamSpec("P")
T = TypeVar("T")
NAVIGATION = (
    ("queue", "/desk/queue", "queue"),
    ("new", "/desk/new", "take_down"),
    ("numbers", "/desk/numbers", "numbers"),
    ("exports", "/desk/exports", "export"),
    ("content", "/desk/content", "content"),
    ("logbook", "/desk/logbook", "logbook"),
    ("accounts", "/desk/accounts", "accounts"),
    ("officers", "/desk/officers", "officers"),
    ("api_keys", "/desk/api-keys", "api_keys"),
    ("webhook", "/desk/webhook", "webhook"),
)
"""The navigation: its word, its path, and the rule that lets somebody see it."""
SESSION_COOKIE, BROWSER_COOKIE = "desk", "seat"
"""The cookies: who is signed in, and which browser this is."""


@dataclass(frozen=True, slots=True)
class NavLink:
    """One link of the navigation."""

    key: str
    path: str
    current: bool


@dataclass(slots=True)
class Desk:
    """What the pages of the desk share. `changed` is called after everything that changes."""

    database: Database
    vault: Vault
    settings: Settings
    clock: Callable[[], datetime]
    changed: Callable[[], None] = lambda: None
    limiter: RateLimiter = field(default_factory=RateLimiter)
    demo: Mapping[str, str] | None = None
    telegram_name: Callable[[], str] = lambda: ""
    answers: AnswerNotifier = field(default_factory=AnswerNotifier)
    viewing: PresenceTracker = field(default_factory=PresenceTracker)
    live: EventBroadcaster = field(default_factory=EventBroadcaster)
    locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    @property
    def secure(self) -> bool:
        """Return whether the site is served by https, so that its cookies are too."""
        return (self.settings.public_url or "").startswith("https://")


@dataclass(frozen=True, slots=True)
class DeskRequest:
    """One request, with all that its page needs. `standing` is of the referral it is about."""

    desk: Desk
    http: Request
    now: datetime
    browser_id: str
    staff_session: SignedInStaff | None = None
    standing: ReferralStatus | None = None
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def required_session(self) -> SignedInStaff:
        """Return who is signed in; raise LookupError on a page that anyone may open."""
        if self.staff_session is None:
            raise LookupError("Nobody is signed in.")
        return self.staff_session

    @property
    def actor(self) -> str:
        """Return the name of whoever is signed in; "" when nobody is."""
        return self.staff_session.name if self.staff_session else ""

    @property
    def role(self) -> str:
        """Return the role of whoever is signed in; "" when nobody is."""
        return self.staff_session.role if self.staff_session else ""

    @property
    def reference(self) -> str:
        """Return the reference that the address names."""
        return str(self.http.path_params.get("reference", "")).upper()

    @property
    def csrf(self) -> str:
        """Return what a form of this browser must carry."""
        own = dumps(["form", self.browser_id, self.staff_session.id if self.staff_session else ""])
        return self.desk.vault.fingerprint(own)

    def query(self, name: str) -> str:
        """Return what the address asks under a name; "" when it asks nothing."""
        return self.http.query_params.get(name, "")[:200]

    async def write(
        self, operation: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do something in one transaction, then let the other pages know."""
        done = await self.desk.database.write(operation, *args, **kwargs)
        self.desk.changed()
        self.desk.live.notify()
        return done

    async def read(
        self, operation: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Look something up."""
        return await self.desk.database.read(operation, *args, **kwargs)

    async def audit(
        self, action: str, about: str = "", reason: str = "", refused: bool = False
    ) -> None:
        """Add a line to the logbook."""
        who = self.actor or "nobody"
        await self.desk.database.write(
            logbook.add_logbook_line, who, action, about, reason, refused
        )

    def navigation(self) -> list[NavLink]:
        """Return the navigation of whoever is signed in."""
        here = self.http.url.path
        return [
            NavLink(key, path, here == path) for key, path, rule in NAVIGATION if self.may(rule)
        ]

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """Return a page of the desk; inside it `at` is this request."""
        return render_page(f"desk/{template}", {"request": self, **values}, status)

    def redirect(self, path: str) -> Response:
        """Send the browser on to another page of the desk."""
        return RedirectResponse(path, 303)

    def may(self, permission: str, ownership: Ownership | None = None, queue: str = "") -> bool:
        """Return whether whoever is signed in may do this."""
        return may(self.role, permission, ownership, queue)


Handler = Callable[[DeskRequest], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class DeskRoute:
    """One route of the desk: where, how, under which rule of rules.py, and what answers.

    A path with {reference} is about a referral: its rule is asked with whose that is. `others`
    names the rule that lets somebody else's be seen.
    """

    path: str
    method: str
    permission: str
    handler: Handler
    others_permission: str = ""

    def starlette_route(self, desk: Desk) -> Route:
        """Return the route, with the frame round it."""

        async def framed(request: Request) -> Response:
            return await _guarded(desk, self, request)

        return Route(self.path, framed, methods=[self.method], name=f"{self.method} {self.path}")


async def _guarded(desk: Desk, route: DeskRoute, http: Request) -> Response:
    try:
        at = await _build_request(desk, route, http)
        response = await _authorise(route, at)
    except OperationalError as problem:
        log.error("database_busy", extra={"code": type(problem).__name__})
        return await _busy_page(desk, route, http)
    if not cookies.read_cookie(http, BROWSER_COOKIE, desk.secure):
        cookies.set_cookie(response, BROWSER_COOKIE, at.browser_id, desk.secure, days=365)
    return response


async def _busy_page(desk: Desk, route: DeskRoute, http: Request) -> Response:
    """Say that nothing was changed, with what was typed, so that it can be sent again."""
    seat = cookies.read_cookie(http, BROWSER_COOKIE, desk.secure)
    form = getattr(http.state, "form", None)
    if form is None and route.method == "POST" and route.permission != "sign_in":
        form = await forms.read_form_body(http)
    at = DeskRequest(desk, http, desk.clock(), seat)
    return at.render("busy.html", 503, again=form or {})


async def _build_request(desk: Desk, route: DeskRoute, http: Request) -> DeskRequest:
    """Return the request with who is signed in and how the referral stands."""
    now = desk.clock()
    seat = cookies.read_cookie(http, BROWSER_COOKIE, desk.secure) or secrets.token_urlsafe(16)
    token = cookies.read_cookie(http, SESSION_COOKIE, desk.secure)
    signed = None
    if token:
        signed = await desk.database.write(sign_ins.signed_in_staff, token)
    at = DeskRequest(desk, http, now, seat, signed)
    if "{reference}" in route.path and signed:
        standing = await at.read(lifecycle.referral_status, at.reference)
        at = DeskRequest(desk, http, now, seat, signed, standing)
    return at


async def _authorise(route: DeskRoute, request: DeskRequest) -> Response:
    """Answer the request, or say kindly why not."""
    if route.permission not in PERMISSIONS:
        return await forbid(request, route.permission, "no_rule")
    if request.staff_session is None and not PERMISSIONS[route.permission].public:
        return request.redirect(f"/desk/sign-in{_next_query(request)}")
    if route.method == "POST":
        if not forms.is_same_origin(request.http):
            return request.render("refused.html", 403, why="not_from_here")
        try:
            form = request.http.state.form = await forms.read_form_body(request.http)
        except (forms.FormTooLarge, forms.MalformedForm):
            return request.render("refused.html", 413, why="too_large")
        if not secrets.compare_digest(form.get("csrf", "").encode(), request.csrf.encode()):
            return request.render("refused.html", 403, why="old_form")
        if route.permission == "sign_in":
            request.http.state.form = {}  # a password is not shown again
        request = DeskRequest(
            request.desk,
            request.http,
            request.now,
            request.browser_id,
            request.staff_session,
            request.standing,
            form,
        )
    return await _check_permission(route, request)


async def _check_permission(route: DeskRoute, request: DeskRequest) -> Response:
    if "{reference}" not in route.path:
        if PERMISSIONS[route.permission].public or request.may(route.permission):
            return await route.handler(request)
        return await forbid(request, route.permission, "role")
    if request.standing is None:
        return request.render("missing.html", 404)
    whose = ownership_of(request.standing, request.actor)
    if request.may(route.permission, whose, request.standing.queue):
        return await route.handler(request)
    if route.others_permission and request.may(
        route.others_permission, whose, request.standing.queue
    ):
        return await route.handler(request)
    return await forbid(request, route.permission, whose, request.reference)


async def forbid(request: DeskRequest, permission: str, reason: str, about: str = "") -> Response:
    """Refuse, and write a line about it."""
    await request.audit(permission, about, reason, refused=True)
    owner = request.standing.owner if request.standing else None
    return request.render(
        "refused.html", 403, why="others" if reason == Ownership.OTHERS else "role", owner=owner
    )


def ownership_of(standing: ReferralStatus, actor: str) -> Ownership:
    """Return whose a referral is, seen from somebody."""
    if standing.owner is None:
        return Ownership.UNASSIGNED
    return Ownership.OWN if standing.owner == actor else Ownership.OTHERS


def safe_redirect_path(path: str) -> str:
    """Return a path if it leads to a page of the desk, else the queue's: never to another site."""
    parts = urlsplit(path)
    inside = not parts.scheme and not parts.netloc and path.startswith("/desk/")
    return path if inside and "\\" not in path else "/desk/queue"


def _next_query(request: DeskRequest) -> str:
    """Return the page to come back to after signing in; a form has to be sent again."""
    url = request.http.url
    if request.http.method != "GET":
        return ""
    return f"?next={quote(f'{url.path}?{url.query}' if url.query else url.path)}"
