"""The guard before every page of the desk: sign-in, permission, body size, origin, CSRF."""

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import quote, urlsplit

from sqlalchemy.exc import OperationalError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.desk.permissions import PERMISSIONS, Ownership, may
from bot.runtime import Runtime
from bot.web import cookies, forms
from bot.web.guard import FormRefused, WebRequest, check_csrf, check_origin, read_form
from bot.web.templates import render_page
from storage import logbook
from storage.accounts import sign_ins
from storage.accounts.sign_ins import SignedInStaff
from storage.referrals import lifecycle
from storage.referrals.lifecycle import ReferralStatus
from storage.unit import Unit

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


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRequest(WebRequest):
    """One request, with all that its page needs. `standing` is of the referral it is about."""

    browser_id: str
    staff_session: SignedInStaff | None = None
    standing: ReferralStatus | None = None

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
    def csrf_binding(self) -> tuple[str, ...]:
        """Return what the CSRF token is bound to: this browser and its sign-in."""
        return ("form", self.browser_id, self.staff_session.id if self.staff_session else "")

    def query(self, name: str) -> str:
        """Return what the address asks under a name; "" when it asks nothing."""
        return self.http.query_params.get(name, "")[:200]

    async def write(
        self, operation: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do something in one transaction, then let the other pages know."""
        done = await self.runtime.database.write(operation, *args, **kwargs)
        self.runtime.wake.wake_all()
        self.runtime.desk_events.notify()
        return done

    async def read(
        self, operation: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Look something up."""
        return await self.runtime.database.read(operation, *args, **kwargs)

    async def audit(
        self, action: str, about: str = "", reason: str = "", refused: bool = False
    ) -> None:
        """Add a line to the logbook."""
        who = self.actor or "nobody"
        await self.runtime.database.write(
            logbook.add_logbook_line, who, action, about, reason, refused
        )

    def navigation(self) -> list[NavLink]:
        """Return the navigation of whoever is signed in."""
        here = self.http.url.path
        return [
            NavLink(key, path, here == path) for key, path, rule in NAVIGATION if self.may(rule)
        ]

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """Return a page of the desk; inside it `request` is this request."""
        return render_page(f"desk/{template}", {"request": self, **values}, status)

    def may(self, permission: str, ownership: Ownership | None = None, queue: str = "") -> bool:
        """Return whether whoever is signed in may do this."""
        return may(self.role, permission, ownership, queue)


Handler = Callable[[DeskRequest], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class DeskRoute:
    """One route of the desk: path, method, permission (permissions.py) and handler.

    A path with {reference} is about a referral: the permission is checked with whose that is.
    `others_permission` grants access to a colleague's referral. What a `sensitive` form holds (a
    password, a code) is never shown again.
    """

    path: str
    method: str
    permission: str
    handler: Handler
    others_permission: str = ""
    sensitive: bool = False

    def starlette_route(self, runtime: Runtime) -> Route:
        """Return the route, with the guard before it."""

        async def guarded(request: Request) -> Response:
            return await _guarded(runtime, self, request)

        return Route(self.path, guarded, methods=[self.method], name=f"{self.method} {self.path}")


async def _guarded(runtime: Runtime, route: DeskRoute, http: Request) -> Response:
    try:
        at = await _build_request(runtime, route, http)
        response = await _authorise(route, at)
    except OperationalError as problem:
        log.error("database_busy", extra={"code": type(problem).__name__})
        return await _busy_page(runtime, route, http)
    if not cookies.read_cookie(http, BROWSER_COOKIE, runtime.secure):
        cookies.set_cookie(response, BROWSER_COOKIE, at.browser_id, runtime.secure, days=365)
    return response


async def _busy_page(runtime: Runtime, route: DeskRoute, http: Request) -> Response:
    """Say that nothing was changed, with what was typed, so that it can be sent again."""
    browser_id = cookies.read_cookie(http, BROWSER_COOKIE, runtime.secure)
    form: Mapping[str, str] = {}
    if route.method == "POST" and not route.sensitive:
        # A body can be read once: the guard left the form here if it came so far.
        known = getattr(http.state, "form", None)
        form = await forms.read_form_body(http) if known is None else known
    request = DeskRequest(runtime=runtime, http=http, now=runtime.clock(), browser_id=browser_id)
    return request.render("busy.html", 503, again=form)


async def _build_request(runtime: Runtime, route: DeskRoute, http: Request) -> DeskRequest:
    """Return the request with who is signed in and how the referral stands."""
    browser_id = cookies.read_cookie(http, BROWSER_COOKIE, runtime.secure)
    token = cookies.read_cookie(http, SESSION_COOKIE, runtime.secure)
    request = DeskRequest(
        runtime=runtime,
        http=http,
        now=runtime.clock(),
        browser_id=browser_id or secrets.token_urlsafe(16),
        staff_session=await runtime.database.write(sign_ins.signed_in_staff, token)
        if token
        else None,
    )
    if "{reference}" in route.path and request.staff_session:
        standing = await request.read(lifecycle.referral_status, request.reference)
        request = replace(request, standing=standing)
    return request


async def _authorise(route: DeskRoute, request: DeskRequest) -> Response:
    """Answer the request, or say kindly why not."""
    if route.permission not in PERMISSIONS:
        return await forbid(request, route.permission, "no_rule")
    if request.staff_session is None and not PERMISSIONS[route.permission].public:
        return request.redirect(f"/desk/sign-in{_next_query(request)}")
    if route.method == "POST":
        try:
            # The origin before the form: of another site's form nothing is read.
            check_origin(request.http)
            form = request.http.state.form = await read_form(request.http)
            request = replace(request, form=form)
            check_csrf(request)
        except FormRefused as refused:
            return request.render("refused.html", refused.status, why=refused.reason)
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
