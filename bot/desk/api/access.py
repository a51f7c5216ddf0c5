"""Access to the JSON API: a working token, rate limits, a body limit; else a problem document."""

import hashlib

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.runtime import Runtime
from bot.web.forms import Refused, read_body
from bot.web.guard import BUSY_ERRORS, check_rate, database_busy
from flows.wording import FIRST_LANGUAGE, say
from storage import logbook
from storage.accounts import api_keys
from storage.accounts.api_keys import ApiKeyInfo

PER_KEY, PER_FAILED_ADDRESS = "120/minute", "20/minute"
"""How often one key may ask, and how many wrong tokens of one address are looked at."""


def problem_response(refused: Refused, fields: tuple[str, ...] = ()) -> Response:
    """Return what went wrong as RFC 9457 says: a code and plain words, nothing of the request."""
    status, code = refused.status, refused.reason
    title = say(FIRST_LANGUAGE, f"desk.api.{code}")
    told = {"type": "about:blank", "title": title, "status": status, "code": code}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else refused.headers
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
        try:
            scope["api_key"] = await self._authenticate(request)
            body = await read_body(request)
        except Refused as refused:
            await problem_response(refused)(scope, receive, send)
        except BUSY_ERRORS as problem:
            await problem_response(database_busy(problem))(scope, receive, send)
        except ClientDisconnect:
            return  # nobody is there to be answered
        else:
            await self.app(scope, _replay_body(body, receive), send)

    async def _authenticate(self, request: Request) -> ApiKeyInfo:
        """Return whose token came with a request; raise Refused if it may not go on.

        Wrong tokens are counted by address; a right one is never held up by them.
        """
        runtime = self._runtime
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        address = request.client.host if request.client else ""
        key = None
        if kind.lower() == "bearer" and token:
            key = await runtime.database.write(api_keys.authenticate_api_key, token.strip())
        if key:
            check_rate(runtime.limiter, PER_KEY, "api", key.id, reason="often")
            return key
        hashed = hashlib.sha256(address.encode()).hexdigest()
        check_rate(runtime.limiter, PER_FAILED_ADDRESS, "api_wrong", hashed, reason="often")
        await runtime.database.write(
            logbook.add_logbook_line, "nobody", "api", reason="token", refused=True
        )
        raise Refused(401, "token")


def _replay_body(body: bytes, receive: Receive) -> Receive:
    """Return a way to receive a body once more, and then what comes after it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Message:
        return waiting.pop() if waiting else await receive()

    return give
