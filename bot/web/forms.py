"""Reads what a form sent: small, by its own page, as plain text."""

from urllib.parse import urlsplit

from starlette.requests import Request

BODY_MAX = 64 * 1024
"""The most that any form may send, in bytes."""
FIELDS_MAX = 200


class FormTooLarge(ValueError):
    """A form sent more than any form of ours can."""


class MalformedForm(ValueError):
    """What was sent is not a form."""


async def read_form_body(request: Request, max_bytes: int = BODY_MAX) -> dict[str, str]:
    """Return the fields of a form, the last of each name; raise TooLarge or Unreadable."""
    several = await read_multi_form_body(request, max_bytes)
    return {name: values[-1] for name, values in several.items()}


async def read_multi_form_body(request: Request, max_bytes: int = BODY_MAX) -> dict[str, list[str]]:
    """Return the fields of a form with all their values; raise TooLarge or Unreadable."""
    if parse_int(request.headers.get("content-length", "0")) > max_bytes:
        raise FormTooLarge
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise FormTooLarge
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if body and kind != "application/x-www-form-urlencoded":
        raise MalformedForm
    return _parse_body(body)


def is_same_origin(request: Request) -> bool:
    """Return whether a page of this site sent the request, as far as the browser tells."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")


def parse_int(text: str, default: int = 0) -> int:
    """Return the number that a short text says, or another one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else default


def _parse_body(body: bytes) -> dict[str, list[str]]:
    from urllib.parse import parse_qs

    try:
        return parse_qs(
            body.decode("ascii", "strict"),
            keep_blank_values=True,
            errors="replace",
            max_num_fields=FIELDS_MAX,
        )
    except ValueError:
        raise MalformedForm from None
