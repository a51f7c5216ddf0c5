"""Tells another system of a new referral: signed, and nothing personal in it."""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime

import httpx

from bot.channel_interface import Body, InboundEvent, PermanentFailure, TemporaryFailure
from bot.settings import Settings
from flows.vocabulary import OutboxKind

TIMEOUT_SECONDS = 10


class WebhookChannel:
    """The channel named webhook: it only goes out, to the one address that the service set.

    What an answer says is never read, no redirect is followed, and no proxy is asked.
    """

    name = "webhook"
    rate_limited = False

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        secret = settings.webhook_secret
        self._url = settings.webhook_url or ""
        self._secret = secret.get_secret_value() if secret else ""
        self._clock = clock

    def translate(self, body: Body) -> InboundEvent | None:
        """Return None: nothing comes in this way."""
        return None

    async def send(self, address: str, kind: OutboxKind, body: Body) -> str | None:
        """Send one event; raises TemporaryFailure, or what the network raises, to be retried."""
        if kind != OutboxKind.REFERRAL:
            raise PermanentFailure(f"webhook_{kind}")
        said = json.dumps(body, separators=(",", ":")).encode()
        stamp = str(int(self._clock().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "X-RJ-Event": str(body["event"]),
            "X-RJ-Timestamp": stamp,
            "X-RJ-Signature": sign_payload(self._secret, stamp, said),
        }
        client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False)
        asked = client.stream("POST", self._url, content=said, headers=headers)
        async with client, asked as answer:
            if not answer.is_success:
                raise TemporaryFailure(f"http_{answer.status_code}")
        return None


def sign_payload(secret: str, timestamp: str, body: bytes) -> str:
    """Return what X-RJ-Signature holds: over the time stamp, a dot, and the body's own bytes."""
    mac = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={mac.hexdigest()}"
