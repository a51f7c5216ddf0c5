"""Who may open a page of the chat: a browser that is in a conversation, or anybody."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from bot.runtime import Runtime
from bot.web import cookies
from bot.web.forms import ENDED, Refusal, Refused
from bot.web.guard import WebRequest, WebRoute
from bot.web.templates import render_page
from flows import wording
from flows.dialogue.form import is_form_field
from flows.service import service
from storage.chats import browser_sessions

CHAT_COOKIE = "chat"
DATABASE_TIMEOUT = 5.0
"""Seconds that a page waits for a busy database before it says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest(WebRequest):
    """One request. `address` is whose conversation this browser is in, None for none."""

    address: str | None = None

    @property
    def csrf_binding(self) -> tuple[str, ...]:
        """Return what the CSRF token is bound to: this browser's own conversation."""
        return ("chat form", self.token)

    @property
    def chat_address(self) -> str:
        """Return the address of the conversation; raise LookupError outside of one."""
        if self.address is None:
            raise LookupError("this browser is in no conversation")
        return self.address

    @property
    def code(self) -> str:
        """Return the code that the address of a link carries."""
        return str(self.http.path_params.get("code", ""))

    @property
    def language(self) -> str:
        """Return the language that the browser asks for, if we speak it, else the first one."""
        asked = self.http.headers.get("accept-language", "")[:35]
        return wording.supported_language(asked.split(",")[0].split(";")[0].strip())

    def render(self, name: str, status: int = 200, language: str = "", **values: Any) -> Response:
        """Return a page, of the chat or of forms; inside it `request` is this request."""
        own = {"request": self, "once": secrets.token_urlsafe(12), "exit_to": service().exit_url}
        return render_page(name, {**own, **values}, status, language or self.language)


Handler = Callable[[ChatRequest], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRoute(WebRoute[ChatRequest]):
    """One route of the chat: where, how, who may, and what answers.

    Where `needs_session`, only browsers that are in a conversation get an answer. Without
    `looks_up_session` the answer does not wait for the database to say who is there.
    """

    handler: Handler
    needs_session: bool = True
    looks_up_session: bool = True
    cookie: str = CHAT_COOKIE

    def begin(self, runtime: Runtime, http: Request) -> ChatRequest:
        """Return the request, in no conversation yet."""
        return ChatRequest(
            runtime=runtime,
            http=http,
            now=runtime.clock(),
            token=cookies.read_cookie(http, self.cookie, runtime.secure),
            database_timeout=DATABASE_TIMEOUT,
        )

    async def identify(self, request: ChatRequest) -> ChatRequest:
        """Return the request with its conversation; writes only to refresh last-seen."""
        token = request.token
        if not token or not self.looks_up_session:
            return request
        found = await request.read(browser_sessions.peek_session, token)
        address = found[0] if found else None
        if found and request.now - found[1] > browser_sessions.LAST_SEEN_INTERVAL:
            address = await request.write_chats(browser_sessions.session_address, token)
        return replace(request, address=address)

    async def authorise(self, request: ChatRequest) -> Response:
        """Answer the request; raise Refused where it must be in a conversation and is not."""
        if self.needs_session:
            if request.address is None and request.http.method == "GET" and not request.token:
                return request.redirect("/")
            if request.address is None:
                raise Refused(410, Refusal.LOST)
            request.check_csrf()
        return await self.handler(request)

    def refusal_page(self, request: ChatRequest, refused: Refused) -> Response:
        """Return the page that says why not, with the words that were typed.

        When busy, and where questions were answered, they are in a form to be sent again, once.
        """
        again = refused.reason == Refusal.BUSY or any(map(is_form_field, request.form))
        response = request.render(
            "form/ended.html" if refused.reason in ENDED else "web/trouble.html",
            refused.status,
            why=refused.reason,
            hour=refused.retry_after >= 3600,
            again=request.resendable_form if again else {},
            words="" if again else request.form.get("say", ""),
        )
        if refused.reason == Refusal.LOST:
            cookies.delete_cookie(response, CHAT_COOKIE, request.runtime.secure)
        return response
