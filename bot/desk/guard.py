"""Who may open a page of the desk: the sign-in, and the permission for each route."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from bot.desk.permissions import PERMISSIONS, Ownership, may, visible_queues
from bot.runtime import Runtime
from bot.web import cookies
from bot.web.forms import Refusal, Refused
from bot.web.guard import BUSY_ERRORS, WebRequest, WebRoute
from bot.web.templates import render_page
from flows.service import service
from storage import logbook
from storage.accounts import sign_ins
from storage.accounts.sign_ins import SignedInStaff
from storage.chats import one_time_links
from storage.chats.one_time_links import LinkKind
from storage.database import Database
from storage.referrals import lifecycle
from storage.referrals.lifecycle import ReferralStatus
from storage.referrals.steps import DESK_TOPIC
from storage.unit import Unit

log = logging.getLogger("rj.desk")
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
    ("deliveries", "/desk/deliveries", "deliveries"),
)
"""The navigation: its word, its path, and the rule that lets somebody see it."""
REFRESH_TIMEOUT = 1.0
"""Seconds that a page waits until it is noted that its reader is still there."""
SESSION_COOKIE, BROWSER_COOKIE = "desk", "seat"
"""The cookies: who is signed in, and which browser this is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRequest(WebRequest):
    """One request, with all that its page needs. `standing` is of the referral it is about."""

    browser_id: str = ""
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
    def ownership(self) -> Ownership:
        """Return whose the referral of this request is, seen from whoever is signed in."""
        if self.standing and self.standing.owner is None:
            return Ownership.UNASSIGNED
        own = self.standing and self.standing.owner == self.actor
        return Ownership.OWN if own else Ownership.OTHERS

    @property
    def csrf_binding(self) -> tuple[str, ...]:
        """Return what the CSRF token is bound to: this browser and its sign-in."""
        return ("form", self.browser_id, self.staff_session.id if self.staff_session else "")

    @property
    def path_id(self) -> str:
        """Return the id that the address names."""
        return str(self.http.path_params.get("id", ""))[:40]

    @property
    def queues(self) -> tuple[str, ...]:
        """Return the queues that whoever is signed in may know of."""
        return visible_queues(self.role, tuple(service().queues))

    def query(self, name: str) -> str:
        """Return what the address asks under a name; "" when it asks nothing."""
        return self.http.query_params.get(name, "")[:200]

    def query_in(self, name: str, known: Container[str]) -> str:
        """Return what the address asks under a name if it is one of these, else ""."""
        return asked if (asked := self.query(name)) in known else ""

    @property
    def write_topics(self) -> tuple[str, ...]:
        """Return what the other pages of the desk listen to."""
        return (DESK_TOPIC,)

    def log(
        self, unit: Unit, action: str, target: str = "", reason: str = "", refused: bool = False
    ) -> None:
        """Add a line to the logbook, in the transaction of what it is about."""
        logbook.add_logbook_line(unit, self.actor or "nobody", action, target, reason, refused)

    async def audit(
        self, action: str, target: str = "", reason: str = "", refused: bool = False
    ) -> None:
        """Add a line to the logbook."""
        await self.runtime.database.write(self.log, action, target, reason, refused)

    async def issue_link(
        self, kind: LinkKind, minutes: int, code: str, body: dict[str, Any] | None = None
    ) -> None:
        """Keep what must come back from elsewhere: good once, for this browser alone."""
        await self.write(
            one_time_links.issue_link, kind, "desk", self.browser_id, minutes, body, code
        )

    def navigation(self) -> list[tuple[str, str]]:
        """Return the word and the path of each link that whoever is signed in may follow."""
        return [(word, path) for word, path, rule in NAVIGATION if self.may(rule)]

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """Return a page of the desk; inside it `request` is this request."""
        return render_page(f"desk/{template}", {"request": self, **values}, status)

    def download(self, body: bytes, media_type: str, filename: str) -> Response:
        """Return a file that the browser saves under this name."""
        headers = {"Content-Disposition": f'attachment; filename="{filename}"'}
        return Response(body, media_type=media_type, headers=headers)

    def may(self, permission: str, ownership: Ownership | None = None, queue: str = "") -> bool:
        """Return whether whoever is signed in may do this."""
        return may(self.role, permission, ownership, queue)


Handler = Callable[[DeskRequest], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class DeskRoute(WebRoute[DeskRequest]):
    """One route of the desk: path, method, permission (permissions.py) and handler.

    A path with {reference} is about a referral: the permission is checked with whose that is.
    `others_permission` grants access to a colleague's referral.
    """

    permission: str
    handler: Handler
    others_permission: str = ""

    def begin(self, runtime: Runtime, http: Request) -> DeskRequest:
        """Return the request, of a browser that is given its name if it has none yet."""
        browser_id = cookies.read_cookie(http, BROWSER_COOKIE, runtime.secure)
        return DeskRequest(
            runtime=runtime,
            http=http,
            now=runtime.clock(),
            token=cookies.read_cookie(http, SESSION_COOKIE, runtime.secure),
            browser_id=browser_id or secrets.token_urlsafe(16),
        )

    async def identify(self, request: DeskRequest) -> DeskRequest:
        """Return the request with who is signed in and how the referral stands."""
        if not request.token:
            return request
        found = await request.read(sign_ins.signed_in_staff, request.token)
        request = replace(request, staff_session=found)
        if found and sign_ins.needs_refresh(found, request.now):
            await _refresh_sign_in(request.runtime.database, found.id)
        if found and "{reference}" in self.path:
            standing = await request.read(lifecycle.referral_status, request.reference)
            request = replace(request, standing=standing)
        return request

    async def authorise(self, request: DeskRequest) -> Response:
        """Answer the request, or say kindly why not; the browser is told its name."""
        response = await self._check_permission(request)
        if not cookies.read_cookie(request.http, BROWSER_COOKIE, request.runtime.secure):
            secure = request.runtime.secure
            cookies.set_cookie(response, BROWSER_COOKIE, request.browser_id, secure, days=365)
        return response

    def refusal_page(self, request: DeskRequest, refused: Refused) -> Response:
        """Return the page that says why not; when busy, with the form to be sent again."""
        if refused.reason == Refusal.BUSY:
            return request.render("busy.html", refused.status, again=request.resendable_form)
        return request.render("refused.html", refused.status, why=refused.reason)

    async def _check_permission(self, request: DeskRequest) -> Response:
        known, public = self.permission in PERMISSIONS, may("", self.permission)
        if known and not public and request.staff_session is None:
            return request.redirect(f"/desk/sign-in{_next_query(request)}")
        request.check_csrf()
        if "{reference}" in self.path and request.standing is None:
            return request.render("missing.html", 404)
        about = request.standing
        whose, queue = (request.ownership, about.queue) if about else (None, "")
        for permission in filter(None, (self.permission, self.others_permission)):
            if request.may(permission, whose, queue):
                return await self.handler(request)
        return await forbid(request, self.permission, whose or "role")


async def _refresh_sign_in(database: Database, id: str) -> None:
    """Note that somebody is still there; a page can be shown without, when nothing can be saved."""
    try:
        async with asyncio.timeout(REFRESH_TIMEOUT):
            # Not as a page's own write: nobody has to hear of it.
            await database.write(sign_ins.refresh, id)
    except BUSY_ERRORS as problem:
        log.warning("sign_in_not_refreshed", extra={"code": type(problem).__name__})


async def forbid(request: DeskRequest, permission: str, reason: str) -> Response:
    """Refuse, and write a line about it."""
    await request.audit(permission, request.reference, reason, refused=True)
    owner = request.standing.owner if request.standing else None
    why = "others" if reason == Ownership.OTHERS else "role"
    return request.render("refused.html", 403, why=why, owner=owner)


def _next_query(request: DeskRequest) -> str:
    """Return the page to come back to after signing in; a form has to be sent again."""
    url = request.http.url
    path = f"{url.path}?{url.query}" if url.query else url.path
    return f"?next={quote(path)}" if request.http.method == "GET" else ""
