"""Reads the bodies of requests up to a maximum, and forms: small, by their own page, as text."""

from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request

BODY_MAX = 64 * 1024
"""The most that any form may send, in bytes."""
FIELDS_MAX = 200
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


def parse_int(text: str, default: int = 0) -> int:
    """Return the number that a short text says, or another one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else default


class BodyTooLarge(ValueError):
    """A request sent more than may be sent there; the rest of it is not read."""


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return the whole body; raise BodyTooLarge, or ClientDisconnect when the sender goes."""
    if parse_int(request.headers.get("content-length", "0")) > max_bytes:
        raise BodyTooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise BodyTooLarge
    return bytes(body)


class MalformedForm(ValueError):
    """What was sent is not a form."""


async def read_form_body(request: Request) -> dict[str, str]:
    """Return the fields of a form, the last of each name; raise BodyTooLarge or MalformedForm."""
    body = await read_body(request, BODY_MAX)
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if body and kind != "application/x-www-form-urlencoded":
        raise MalformedForm
    return {name: values[-1] for name, values in _parse_body(body).items()}


def is_same_origin(request: Request) -> bool:
    """Return whether a page of this site sent the request, as far as the browser tells."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")


def _parse_body(body: bytes) -> dict[str, list[str]]:
    try:
        return parse_qs(
            body.decode("ascii", "strict"),
            keep_blank_values=True,
            errors="replace",
            max_num_fields=FIELDS_MAX,
        )
    except ValueError:
        raise MalformedForm from None
