"""What processes on one database tell each other of what each keeps in memory only.

Whoever may use the database could listen and speak too, so each message is sealed. Nothing of it is
stored: a process that was away has missed it, and a message may be lost with its connection. That
is enough for rate limits and presence, which are forgotten at each start anyway.
"""

import asyncio
import base64
import json
import logging
from collections import Counter
from collections.abc import Callable
from enum import StrEnum

from storage.vault import Vault, VaultError

log = logging.getLogger("rj.peers")
_CONTEXT = "peer message"
GATHER_SECONDS = 0.05
"""Seconds during which messages are gathered before they are sent as one."""
MAX_WAITING = 1_000
"""How many different messages may wait; more are left out: when the database is away, or a file."""


class PeerTopic(StrEnum):
    """What a message is about."""

    RATE_LIMIT_HIT = "rate_limit_hit"
    PRESENCE = "presence"


class PeerMessages:
    """The messages of one process that are waiting to be sent, and who takes those of others."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._waiting: Counter[tuple[str, ...]] = Counter()
        self._something_waits = asyncio.Event()
        self._handlers: dict[str, Callable[..., object]] = {}

    def handle(self, topic: PeerTopic, handler: Callable[..., object]) -> None:
        """Have `handler(count, *details)` called for messages of others on a topic."""
        self._handlers[topic] = handler

    def send(self, topic: PeerTopic, *details: str) -> None:
        """Have a message sent; never waits. The same one several times is sent with its count."""
        if len(self._waiting) < MAX_WAITING:
            self._waiting[topic, *details] += 1
            self._something_waits.set()

    async def next_batch(self) -> list[str]:
        """Return what is to be sent, once there is something."""
        await self._something_waits.wait()
        await asyncio.sleep(GATHER_SECONDS)
        batch = [self._seal([count, *message]) for message, count in self._waiting.items()]
        self._waiting.clear()
        self._something_waits.clear()
        return batch

    def receive(self, message: str) -> None:
        """Take a message of another process; leave one of a stranger, or on an unknown topic."""
        try:
            told = self._vault.unseal(base64.b64decode(message, validate=True), _CONTEXT)
        except (ValueError, VaultError):
            log.warning("message_of_a_stranger")
            return
        count, topic, *details = json.loads(told)
        if handler := self._handlers.get(topic):
            handler(count, *details)

    def _seal(self, message: list[object]) -> str:
        return base64.b64encode(self._vault.seal(json.dumps(message), _CONTEXT)).decode()
