"""Gets raw updates by webhook: saved first, then 200. Alone in this folder knows `starlette`."""

import hmac
import json

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from telegram import Bot

from bot.channels.telegram.receive import LISTENS_FOR, Keep, arrival

PATH = "/telegram"
BODY_MAX = 256 * 1024
_NUMBERS = 2**63
_HEADER = "X-Telegram-Bot-Api-Secret-Token"


def route(secret: str, keep: Keep) -> Route:
    """Return the endpoint for Telegram's updates: 403 without the secret, 413 over 256 KB."""

    async def receive(request: Request) -> Response:
        given = request.headers.get(_HEADER, "").encode()
        if not hmac.compare_digest(given, secret.encode()):
            return Response(status_code=403)
        try:
            body = await _capped(request)
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            return Response(status_code=413)
        update = _read(body)
        if update is None:
            return Response(status_code=400)
        await keep([arrival(update)])
        return Response(status_code=200)

    return Route(PATH, receive, methods=["POST"])


async def set_webhook(bot: Bot, url: str, secret: str) -> None:
    """Tell Telegram where to send updates, with the secret it must bring."""
    await bot.set_webhook(
        f"{url.rstrip('/')}{PATH}",
        secret_token=secret,
        allowed_updates=LISTENS_FOR,
        max_connections=10,
    )


async def _capped(request: Request) -> bytes | None:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX:
            return None
    return bytes(body)


def _read(body: bytes) -> dict[str, object] | None:
    if body.count(b"{") + body.count(b"[") > 5_000:
        return None
    try:
        update = json.loads(body)
    except (ValueError, RecursionError):
        return None
    number = update.get("update_id") if isinstance(update, dict) else None
    return update if type(number) is int and 0 <= number < _NUMBERS else None
