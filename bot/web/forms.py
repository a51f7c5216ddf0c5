"""Reads the bodies of requests up to a maximum, and forms: small, by their own page, as text."""

import asyncio
import re
from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request

BODY_MAX = 64 * 1024
"""The most that a form, or a request to the API, may send, in bytes."""
UPDATE_MAX = 256 * 1024
"""The most that Telegram may send, in bytes: a long message stands several times in an update."""
BODY_SECONDS = 30
"""How long a body may take to come in, in seconds."""
FIELDS_MAX = 200
IDEMPOTENCY_KEY = re.compile("[0-9a-f]{32}")
"""What a form of the desk carries as `once` that adds a step: its id, so that it is added once."""
_CHECKED = "yes"
"""What a ticked box sends."""


class FormButton(StrEnum):
    """Which button sent a form that has several, as its field "do" says."""

    SEND = "send"
    CHANGE = "change"
    PASTE = "paste"
    CODE = "code"


def is_checked(form: Mapping[str, str], name: str) -> bool:
    """Return whether a box of a form was ticked."""
    return form.get(name) == _CHECKED


class Refusal(StrEnum):
    """Why a page does not take a request; the page says it in words of its own."""

    NOT_FROM_HERE = "not_from_here"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    OLD_FORM = "old_form"
    TOO_OFTEN = "too_often"
    BUSY = "busy"
    LOST = "lost"
    LINK_ENDED = "link_ended"
    INVITATION_ENDED = "invitation_ended"
    CODE_ENDED = "code_ended"


ENDED = (Refusal.LINK_ENDED, Refusal.INVITATION_ENDED, Refusal.CODE_ENDED)
"""Of a link that opens nothing any more: from a chat, to an officer's page, or behind a code."""


class Refused(Exception):
    """A request that is not taken; `reason` is the key of the words that say why.

    `retry_after` is in how many seconds it may be sent again, 0 where waiting does not help.
    """

    def __init__(self, status: int, reason: str, retry_after: int = 0) -> None:
        super().__init__(reason)
        self.status, self.reason, self.retry_after = status, reason, retry_after

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that the answer carries because of it."""
        return {"Retry-After": str(self.retry_after)} if self.retry_after else {}


def parse_int(text: str, default: int = 0) -> int:
    """Return the number that a short text says, or another one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else default


async def read_body(http: Request, max_bytes: int = BODY_MAX) -> bytes:
    """Return the whole body; what is too large is not read to its end.

    Raises Refused for what is too large or takes longer than BODY_SECONDS, and ClientDisconnect
    when the sender goes.
    """
    if parse_int(http.headers.get("content-length", "0"), max_bytes + 1) > max_bytes:
        raise Refused(413, Refusal.TOO_LARGE)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in http.stream():
                body += chunk
                if len(body) > max_bytes:
                    raise Refused(413, Refusal.TOO_LARGE)
    except TimeoutError:
        raise Refused(408, Refusal.TOO_SLOW) from None
    return bytes(body)


async def read_form(http: Request) -> dict[str, str]:
    """Return the fields of a form of our own pages, the last of each name.

    Raises Refused for what another site posts (of which nothing is read), for what is too large
    or too slow, and for what is no form.
    """
    if not is_same_origin(http):
        raise Refused(403, Refusal.NOT_FROM_HERE)
    body = await read_body(http)
    kind = http.headers.get("content-type", "").split(";")[0].strip().lower()
    if body and kind != "application/x-www-form-urlencoded":
        raise Refused(413, Refusal.TOO_LARGE)
    try:
        text = body.decode("ascii", "strict")
        fields = parse_qs(text, True, errors="replace", max_num_fields=FIELDS_MAX)
    except ValueError:
        raise Refused(413, Refusal.TOO_LARGE) from None
    return {name: values[-1] for name, values in fields.items()}


def is_same_origin(http: Request) -> bool:
    """Return whether a page of this site sent the request, as far as the browser tells."""
    site = http.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = http.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == http.headers.get("host", "")
