"""The one guard before every page: form, session, permission, rate limits, busy database."""

import asyncio
import logging
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from ipaddress import IPv6Address, ip_address
from typing import Concatenate, Generic, ParamSpec, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.peers.rate_limit import RateLimiter
from bot.runtime import Runtime
from bot.web import forms
from bot.web.forms import Refusal, Refused
from storage.database import DatabaseBusy
from storage.reports.daily_counters import UNTRUSTED_PROXY, increment_counter
from storage.serialization import dumps
from storage.unit import Unit

log = logging.getLogger("rj.web")
P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R", bound="WebRequest")
SECRET_FIELDS = frozenset({"password", "new", "again", "code", "app"})
"""The fields of passwords and codes: of a form that holds one, nothing is shown again."""
BUSY_RETRY_SECONDS = 10
BUSY_ERRORS = (DatabaseBusy, TimeoutError)
"""What is raised when the database has no time for a page."""


def database_busy(problem: Exception) -> Refused:
    """Return that the database had no time, for one of BUSY_ERRORS; the log gets its kind."""
    log.error("database_busy", extra={"code": type(problem).__name__})
    return Refused(503, Refusal.BUSY, BUSY_RETRY_SECONDS)


def check_rate(
    limiter: RateLimiter, rule: str, *keys: str, reason: str = Refusal.TOO_OFTEN
) -> None:
    """Count one more; raise Refused when it is not within the rule."""
    if not limiter.allow(rule, *keys):
        raise Refused(429, reason, 3600 if rule.endswith("hour") else 60)


def network(host: str) -> str:
    """Return an IPv4 address, or of an IPv6 address the /64 that one household has."""
    try:
        found = ip_address(host)
    except ValueError:
        return host[:60]
    return str(int(found) >> 64) if isinstance(found, IPv6Address) else host


async def note_untrusted_proxy(runtime: Runtime, http: Request) -> None:
    """Count, once an hour, that a proxy is not trusted: all its visitors share their limits.

    The server puts the address that a trusted proxy names in the place of the proxy's own.
    """
    forwarded_for = http.headers.get("x-forwarded-for", "")
    if not forwarded_for or http.client is None or http.client.host in forwarded_for:
        return
    if runtime.limiter.allow("1/hour", *UNTRUSTED_PROXY):
        log.warning("proxy_not_trusted")
        await runtime.database.write(increment_counter, *UNTRUSTED_PROXY)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRequest(ABC):
    """One request, at the time `now`: the `token` of its session cookie, the `form` it posts.

    `database_timeout`: how many seconds it waits for the database, None for as long as it takes.
    """

    runtime: Runtime
    http: Request
    now: datetime
    token: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    database_timeout: float | None = None

    @property
    @abstractmethod
    def csrf_binding(self) -> tuple[str, ...]:
        """Return what the CSRF token is bound to: the kind of form, the browser, the sign-in."""

    @property
    def csrf(self) -> str:
        """Return the CSRF token (HMAC-SHA-256) that a form of this browser must carry."""
        return self.runtime.vault.fingerprint(dumps(list(self.csrf_binding)))

    @property
    def has_valid_csrf(self) -> bool:
        """Return whether a form of this browser's own pages was sent."""
        return secrets.compare_digest(self.form.get("csrf", "").encode(), self.csrf.encode())

    @property
    def client_network(self) -> str:
        """Return the network that the request came from, by which its limits count."""
        return network(self.http.client.host if self.http.client else "")

    @property
    def public_root(self) -> str:
        """Return where the pages are reached from outside, without a slash at its end."""
        return (self.runtime.public_url or str(self.http.base_url)).rstrip("/")

    @property
    def resendable_form(self) -> Mapping[str, str]:
        """Return what a busy page gives back to be sent again: nothing next to a secret."""
        return {} if SECRET_FIELDS & self.form.keys() else self.form

    @property
    def write_topics(self) -> tuple[str, ...]:
        """Return what other pages listen to that has to look after each write."""
        return ()

    async def read(
        self, operation: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Look something up; raise one of BUSY_ERRORS when that takes too long."""
        async with asyncio.timeout(self.database_timeout):
            return await self.runtime.database.read(operation, *args, **kwargs)

    async def write(
        self, operation: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do something in one transaction; raise one of BUSY_ERRORS when that takes too long."""

        def act(unit: Unit) -> T:
            done = operation(unit, *args, **kwargs)
            unit.signals.update(self.write_topics)
            return done

        async with asyncio.timeout(self.database_timeout):
            return await self.runtime.database.write(act)

    async def write_chats(
        self, operation: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do as `write` does what changes nothing but chats: see `Database.write_chats`."""
        async with asyncio.timeout(self.database_timeout):
            return await self.runtime.database.write_chats(operation, *args, **kwargs)

    def check_csrf(self) -> None:
        """Raise Refused for a form that is not from this browser and its sign-in."""
        if self.http.method == "POST" and not self.has_valid_csrf:
            raise Refused(403, Refusal.OLD_FORM)

    def check_rate(self, rule: str, *keys: str) -> None:
        """Count one more; raise Refused when it is not within the rule."""
        check_rate(self.runtime.limiter, rule, *keys)

    def redirect(self, path: str) -> Response:
        """Send the browser on to another page."""
        return RedirectResponse(path, 303)


@dataclass(frozen=True, slots=True)
class WebRoute(ABC, Generic[R]):
    """One route, with the guard before it: each kind of page adds who may, and how it says no."""

    path: str
    method: str

    @abstractmethod
    def begin(self, runtime: Runtime, http: Request) -> R:
        """Return the request as its cookies have it; nothing is looked up."""

    @abstractmethod
    async def identify(self, request: R) -> R:
        """Return the request with whose it is."""

    @abstractmethod
    async def authorise(self, request: R) -> Response:
        """Answer the request if it may be; raise Refused if not."""

    @abstractmethod
    def refusal_page(self, request: R, refused: Refused) -> Response:
        """Return the page that says kindly why not; what was typed is on it, if it can be."""

    def starlette_route(self, runtime: Runtime) -> Route:
        """Return the route for the app."""

        async def guarded(http: Request) -> Response:
            return await self._answer(self.begin(runtime, http))

        return Route(self.path, guarded, methods=[self.method], name=f"{self.method} {self.path}")

    async def _answer(self, request: R) -> Response:
        try:
            if self.method == "POST":
                request = replace(request, form=await forms.read_form(request.http))
            await note_untrusted_proxy(request.runtime, request.http)
            request = await self.identify(request)
            return await self.authorise(request)
        except Refused as refused:
            return self._refuse(request, refused)
        except BUSY_ERRORS as problem:
            return self._refuse(request, database_busy(problem))
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it

    def _refuse(self, request: R, refused: Refused) -> Response:
        response = self.refusal_page(request, refused)
        response.headers.update(refused.headers)
        return response
