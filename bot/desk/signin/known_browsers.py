"""Which browser has signed in to which account before: a long-lived, signed mark in a cookie.

A known browser has its own count of failed sign-ins, so that nobody's failures lock a
colleague out.
"""

import secrets
from datetime import timedelta

from starlette.responses import Response

from bot.desk.guard import At
from bot.web import cookies, forms
from storage.serialization import write

KNOWN = "known"
_DAYS = 365
_MOST = 5
"""Accounts that one browser is remembered for: the cookie stays short."""
_CARRIED_FOR = timedelta(minutes=2)


def mark(at: At, staff_id: str) -> str:
    """Return the mark by which this browser is known for an account; "" when it is not."""
    own, *marks = _kept(at).split(".")
    right = _mark(at, own, staff_id)
    return right if own and right in marks else ""


def remember(at: At, response: Response, staff_id: str) -> None:
    """Have this browser known for an account from now on."""
    own, *marks = _kept(at).split(".")
    own = own or secrets.token_urlsafe(12)
    newest = dict.fromkeys([_mark(at, own, staff_id), *marks])
    _keep(at, response, ".".join([own, *list(newest)[:_MOST]]))


def carried(at: At) -> str:
    """Return the cookie as a part of an address, good for two minutes.

    Signing out has the browser forget every cookie; the page after it brings this one back.
    """
    kept = _kept(at)
    until = str(int((at.now + _CARRIED_FOR).timestamp()))
    return f"{kept}.{until}.{_signed(at, kept, until)}" if kept else ""


def bring_back(at: At, response: Response) -> None:
    """Keep the cookie that the address carries, if it is ours, fresh, and none is there."""
    kept, _, rest = at.request.query_params.get(KNOWN, "")[:300].rpartition(".")
    kept, _, until = kept.rpartition(".")
    fresh = at.now.timestamp() < forms.int_of(until)
    if (
        kept
        and fresh
        and not _kept(at)
        and secrets.compare_digest(rest.encode(), _signed(at, kept, until).encode())
    ):
        _keep(at, response, kept)


def _kept(at: At) -> str:
    return cookies.read(at.request, KNOWN, at.desk.secure)


def _keep(at: At, response: Response, value: str) -> None:
    cookies.keep(response, KNOWN, value, at.desk.secure, days=_DAYS)


def _mark(at: At, own: str, staff_id: str) -> str:
    return at.desk.vault.fingerprint(write(["known", own, staff_id]))[:24]


def _signed(at: At, kept: str, until: str) -> str:
    return at.desk.vault.fingerprint(write(["carried", kept, until]))
