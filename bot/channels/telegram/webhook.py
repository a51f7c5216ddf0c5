"""Gets raw updates by webhook: saved first, then 200. Alone in this folder knows `starlette`."""

import asyncio
import hmac
import json
import logging

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from telegram import Bot
from telegram.error import BadRequest, TelegramError

from bot.channels.telegram.receive import ALLOWED_UPDATES, SaveArrivals, arrival_of
from bot.channels.telegram.takeover import Takeover, TakeoverMonitor
from bot.settings import InvalidSettings
from bot.web.forms import UPDATE_MAX, Refused, read_body

log = logging.getLogger("rj.telegram")
PATH = "/telegram"
WATCH_SECONDS = 30.0
"""Seconds between looks whether Telegram still sends updates here."""
_MAX_UPDATE_ID = 2**63
_SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105


def webhook_route(secret: str, save: SaveArrivals) -> Route:
    """Return the endpoint for Telegram's updates: 403 without the secret, 413 over 256 KB."""

    async def receive(request: Request) -> Response:
        given = request.headers.get(_SECRET_HEADER, "").encode()
        if not hmac.compare_digest(given, secret.encode()):
            return Response(status_code=403)
        try:
            body = await read_body(request, UPDATE_MAX)
        except ClientDisconnect:
            return Response(status_code=400)
        except Refused as refused:
            return Response(status_code=refused.status)
        update = _parse_update(body)
        if update is None:
            return Response(status_code=400)
        await save([arrival_of(update)])
        return Response(status_code=200)

    return Route(PATH, receive, methods=["POST"])


async def set_webhook(bot: Bot, url: str, secret: str) -> None:
    """Tell Telegram where to send updates, with the secret it must bring.

    Raises InvalidSettings when Telegram does not take the address.
    """
    try:
        await bot.set_webhook(webhook_address(url), None, 10, ALLOWED_UPDATES, secret_token=secret)
    except BadRequest:
        refused = "TELEGRAM_WEBHOOK_URL is not an address that Telegram takes updates to."
        raise InvalidSettings(refused) from None


def webhook_address(url: str) -> str:
    """Return where Telegram posts updates to, at a service reached at `url`."""
    return f"{url.rstrip('/')}{PATH}"


async def watch_webhook(bot: Bot, url: str, secret: str, monitor: TakeoverMonitor) -> None:
    """Look for ever whether Telegram sends updates here; take them back and report when not."""
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        try:
            info = await bot.get_webhook_info()
            if info.url == webhook_address(url):
                continue
            await set_webhook(bot, url, secret)
        except TelegramError as problem:
            log.warning("webhook_not_checked", extra={"code": type(problem).__name__})
            continue
        await monitor.report(Takeover.WEBHOOK)


def _parse_update(body: bytes) -> dict[str, object] | None:
    if body.count(b"{") + body.count(b"[") > 5_000:
        return None
    try:
        update = json.loads(body)
    except (ValueError, RecursionError):
        return None
    number = update.get("update_id") if isinstance(update, dict) else None
    return update if type(number) is int and 0 <= number < _MAX_UPDATE_ID else None
