"""Access to the JSON API: a working token, rate limits, a body limit; else a problem document."""

import hashlib

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.runtime import Runtime
from bot.web.forms import BodyTooLarge, read_body
from flows.wording import FIRST_LANGUAGE, say
from storage import logbook
from storage.accounts import api_keys
from storage.accounts.api_keys import ApiKeyInfo

PER_KEY, PER_FAILED_ADDRESS = "120/minute", "20/minute"
"""How often one key may ask, and how many wrong tokens of one address are looked at."""
BODY_MAX = 16 * 1024


class ApiError(Exception):
    """What was asked cannot be; it carries codes, never what was sent."""

    def __init__(self, status: int, code: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(code)
        self.status, self.code, self.fields = status, code, fields


def problem_response(
    status: int, code: str, fields: tuple[str, ...] = (), retry_after: int = 0
) -> Response:
    """Return what went wrong as RFC 9457 says: a code and plain words, nothing of the request."""
    title = say(FIRST_LANGUAGE, f"desk.api.{code}")
    told = {"type": "about:blank", "title": title, "status": status, "code": code}
    headers = {"Cache-Control": "no-store"}
    if retry_after:
        headers["Retry-After"] = str(retry_after)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = {**told, "fields": list(fields)}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


class ApiTokenMiddleware:
    """Lets requests with a working token through to the app, and says whose it is."""

    def __init__(self, app: ASGIApp, runtime: Runtime) -> None:
        self.app, self._runtime = app, runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does, or say why not."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        found = await self._authenticate(request)
        if isinstance(found, Response):
            await found(scope, receive, send)
            return
        try:
            body = await read_body(request, BODY_MAX)
        except BodyTooLarge:
            await problem_response(413, "too_large")(scope, receive, send)
            return
        except ClientDisconnect:
            return  # nobody is there to be answered
        scope["api_key"] = found
        await self.app(scope, _replay_body(body, receive), _no_store(send))

    async def _authenticate(self, request: Request) -> ApiKeyInfo | Response:
        """Return whose token came with a request, or why it may not go on.

        Wrong tokens are counted by address; a right one is never held up by them.
        """
        runtime = self._runtime
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        address = request.client.host if request.client else ""
        key = None
        if kind.lower() == "bearer" and token:
            key = await runtime.database.write(api_keys.authenticate_api_key, token.strip())
        if key and not runtime.limiter.allow(PER_KEY, "api", key.id):
            return problem_response(429, "often", retry_after=60)
        if key:
            return key
        if not runtime.limiter.allow(
            PER_FAILED_ADDRESS, "api_wrong", hashlib.sha256(address.encode()).hexdigest()
        ):
            return problem_response(429, "often", retry_after=60)
        await runtime.database.write(
            logbook.add_logbook_line, "nobody", "api", reason="token", refused=True
        )
        return problem_response(401, "token")


def _replay_body(body: bytes, receive: Receive) -> Receive:
    """Return a way to receive a body once more, and then what comes after it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Message:
        return waiting.pop() if waiting else await receive()

    return give


def _no_store(send: Send) -> Send:
    """Return a way to send that tells everybody to keep nothing."""

    async def give(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"cache-control", b"no-store")]
        await send(message)

    return give
