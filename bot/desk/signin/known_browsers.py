"""Which browser has signed in to which account before: a long-lived HMAC token in a cookie.

A known browser has a rate limit of its own, so that the failures of others do not lock it
out.
"""

import secrets
from datetime import timedelta

from starlette.responses import Response

from bot.desk.guard import DeskRequest
from bot.web import cookies
from bot.web.forms import parse_int
from storage.serialization import dumps

KNOWN_COOKIE = "known"
_COOKIE_DAYS = 365
_MAX_ACCOUNTS = 5
"""Accounts that one browser is remembered for: the cookie stays short."""
_SIGNED_COOKIE_TTL = timedelta(minutes=2)


def known_device_token(request: DeskRequest, staff_id: str) -> str:
    """Return the token by which this browser is known for an account; "" when it is not."""
    own, *marks = _read_cookie(request).split(".")
    right = _device_token(request, own, staff_id)
    return right if own and right in marks else ""


def remember(request: DeskRequest, response: Response, staff_id: str) -> None:
    """Have this browser known for an account from now on."""
    own, *marks = _read_cookie(request).split(".")
    own = own or secrets.token_urlsafe(12)
    newest = dict.fromkeys([_device_token(request, own, staff_id), *marks])
    _write_cookie(request, response, ".".join([own, *list(newest)[:_MAX_ACCOUNTS]]))


def signed_cookie(request: DeskRequest) -> str:
    """Return the cookie as a part of an address, good for two minutes.

    Signing out has the browser forget every cookie; the page after it brings this one back.
    """
    kept = _read_cookie(request)
    until = str(int((request.now + _SIGNED_COOKIE_TTL).timestamp()))
    return f"{kept}.{until}.{_signature(request, kept, until)}" if kept else ""


def restore_cookie(request: DeskRequest, response: Response) -> None:
    """Keep the cookie that the address carries, if it is ours, fresh, and none is there."""
    kept, _, rest = request.http.query_params.get(KNOWN_COOKIE, "")[:300].rpartition(".")
    kept, _, until = kept.rpartition(".")
    fresh = request.now.timestamp() < parse_int(until)
    ours = secrets.compare_digest(rest.encode(), _signature(request, kept, until).encode())
    if kept and fresh and ours and not _read_cookie(request):
        _write_cookie(request, response, kept)


def _read_cookie(request: DeskRequest) -> str:
    return cookies.read_cookie(request.http, KNOWN_COOKIE, request.runtime.secure)


def _write_cookie(request: DeskRequest, response: Response, value: str) -> None:
    cookies.set_cookie(response, KNOWN_COOKIE, value, request.runtime.secure, days=_COOKIE_DAYS)


def _device_token(request: DeskRequest, device_id: str, staff_id: str) -> str:
    return request.runtime.vault.fingerprint(dumps(["known", device_id, staff_id]))[:24]


def _signature(request: DeskRequest, cookie: str, until: str) -> str:
    return request.runtime.vault.fingerprint(dumps(["carried", cookie, until]))
