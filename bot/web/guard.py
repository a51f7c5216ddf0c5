"""What desk, chat and officer pages have in common: the request, its form, and what refuses it."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.runtime import Runtime
from bot.web import forms
from bot.web.forms import BodyTooLarge
from storage.serialization import dumps


class FormRefused(Exception):
    """A form that is not taken; `reason` is the key of the words that say why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRequest(ABC):
    """One request, at the time `now`; `form` is what it posts."""

    runtime: Runtime
    http: Request
    now: datetime
    form: Mapping[str, str] = field(default_factory=dict)

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
    def client_ip(self) -> str:
        """Return the address on the network that the request came from."""
        return self.http.client.host if self.http.client else ""

    def redirect(self, path: str) -> Response:
        """Send the browser on to another page."""
        return RedirectResponse(path, 303)


def check_origin(http: Request) -> None:
    """Raise FormRefused when another site posted the form."""
    if not forms.is_same_origin(http):
        raise FormRefused(403, "not_from_here")


async def read_form(http: Request) -> dict[str, str]:
    """Return the fields of a form; raise FormRefused when it is too large, or no form."""
    try:
        return await forms.read_form_body(http)
    except (BodyTooLarge, forms.MalformedForm):
        raise FormRefused(413, "too_large") from None


def check_csrf(request: WebRequest) -> None:
    """Raise FormRefused when the form is not from this browser and its sign-in."""
    if not request.has_valid_csrf:
        raise FormRefused(403, "old_form")
