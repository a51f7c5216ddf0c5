"""The updates a bot has not confirmed yet: long polls, offsets, and what a webhook is due."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.telegram_server.state import BotApiError, Json, ServerState

FIRST_UPDATE_ID = 500_000_001
KEPT_SECONDS = 24 * 60 * 60
LONGEST_BACKOFF = 1.0
LONGEST_POLL = 50
ONLY_WHEN_ASKED = {"chat_member", "message_reaction", "message_reaction_count"}
ONE_INSTANCE = "make sure that only one bot instance is running"


@dataclass(eq=False)
class PendingUpdate:
    """An update that waits to be confirmed. `number` is what offsets are compared with."""

    number: int
    body: Json
    chat_id: int | None
    stored: float
    failures: int = 0
    not_before: float = 0.0


@dataclass
class Webhook:
    """Where updates are sent to, and how the last attempts went."""

    url: str
    secret: str
    max_connections: int
    last_error_date: int | None = None
    last_error_message: str | None = None


class UpdateQueue:
    """The queue of one bot. Every method wants the world's lock to be held."""

    def __init__(self, world: ServerState) -> None:
        self.webhook: Webhook | None = None
        self.allowed: list[str] = []
        self.taken_at: dict[int | None, float] = {}
        self._world = world
        self._queue: list[PendingUpdate] = []
        self._next = FIRST_UPDATE_ID
        self._poll_number = 0

    def add(self, kind: str, body: Json, chat_id: int) -> None:
        """Queue an update of a kind, unless the bot did not ask for that kind."""
        if kind in self.allowed or (not self.allowed and kind not in ONLY_WHEN_ASKED):
            self._append({"update_id": self._next, kind: body}, self._next, chat_id)

    def add_raw(self, raw: Mapping[str, Any]) -> Json:
        """Queue anything at all and return it, with an update_id when it had none."""
        body = {"update_id": self._next, **raw}
        given = body["update_id"]
        number = given if type(given) is int else self._next
        self._append(body, number, _chat_of(body))
        return body

    def pending(self) -> list[PendingUpdate]:
        """Return what is not confirmed, oldest first, without what is over 24 hours old."""
        oldest = self._world.clock().timestamp() - KEPT_SECONDS
        if self._queue and self._queue[0].stored < oldest:
            self._queue = [waiting for waiting in self._queue if waiting.stored >= oldest]
        return self._queue

    def waits_for(self, chat_id: int) -> bool:
        """Return whether anything from this chat is not confirmed."""
        return any(waiting.chat_id == chat_id for waiting in self.pending())

    def poll(self, offset: int, limit: int, timeout: int, allowed: list[str] | None) -> list[Json]:
        """Return waiting updates, waiting up to `timeout` seconds for one; raises Refused 409."""
        self._refuse_beside_webhook()
        self._poll_number += 1
        mine = self._poll_number
        if allowed is not None:
            self.allowed = allowed
        self._confirm(offset)
        self._world.changed.notify_all()
        deadline = time.monotonic() + min(max(timeout, 0), LONGEST_POLL)
        run_number = self._world.run_number
        while True:
            self._refuse_beside_webhook()
            if mine != self._poll_number:
                raise _conflict(f"terminated by other getUpdates request; {ONE_INSTANCE}")
            left = deadline - time.monotonic()
            stopped = not self._world.running or run_number != self._world.run_number
            if self.pending() or left <= 0 or stopped:
                return [waiting.body for waiting in self._queue[: min(max(limit, 1), 100)]]
            self._world.changed.wait(left)

    def set_webhook(self, webhook: Webhook | None, allowed: list[str] | None, drop: bool) -> None:
        """Send updates to this address from now on, or to none; ends a running poll."""
        self.webhook = webhook
        if allowed is not None:
            self.allowed = allowed
        if drop:
            self._queue.clear()
        for waiting in self._queue:
            waiting.failures, waiting.not_before = 0, 0.0
        self._world.changed.notify_all()

    def due(self) -> tuple[PendingUpdate | None, float | None]:
        """Return the next update for the webhook, or None and the seconds until one is due."""
        if self.webhook is None:
            return None, None
        now = time.monotonic()
        held: set[int | None] = set()
        soonest: float | None = None
        for waiting in self.pending():
            if waiting.chat_id in held:
                continue
            if waiting.not_before <= now:
                return waiting, None
            held.add(waiting.chat_id)
            soonest = min(waiting.not_before, soonest or waiting.not_before)
        return None, None if soonest is None else soonest - now

    def delivered(self, waiting: PendingUpdate) -> None:
        """Destroy an update that the webhook took."""
        if waiting in self._queue:
            self._queue.remove(waiting)
            self._note_taken([waiting])
        self._world.changed.notify_all()

    def failed(self, waiting: PendingUpdate, why: str) -> None:
        """Put an update off that the webhook did not take; its chat waits with it."""
        backoff = self._world.webhook_backoff * 2 ** min(waiting.failures, 16)
        waiting.failures += 1
        waiting.not_before = time.monotonic() + min(backoff, LONGEST_BACKOFF)
        if self.webhook is not None:
            self.webhook.last_error_date = int(self._world.clock().timestamp())
            self.webhook.last_error_message = why

    def _append(self, body: Json, number: int, chat_id: int | None) -> None:
        self._queue.append(PendingUpdate(number, body, chat_id, self._world.clock().timestamp()))
        self._next = max(self._next, number + 1)
        self._world.changed.notify_all()

    def _confirm(self, offset: int) -> None:
        kept = self._queue
        if offset > 0:
            kept = [waiting for waiting in self._queue if waiting.number >= offset]
        elif offset < 0:
            kept = self._queue[offset:]
        if len(kept) < len(self._queue):
            staying = set(map(id, kept))
            self._note_taken([w for w in self._queue if id(w) not in staying])
        self._queue = kept

    def _note_taken(self, gone: list[PendingUpdate]) -> None:
        self.taken_at |= dict.fromkeys((waiting.chat_id for waiting in gone), time.monotonic())

    def _refuse_beside_webhook(self) -> None:
        if self.webhook is not None:
            raise _conflict(
                "can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first"
            )


def _conflict(why: str) -> BotApiError:
    return BotApiError(409, f"Conflict: {why}")


def _chat_of(body: Json) -> int | None:
    for event in body.values():
        if isinstance(event, dict):
            message = event.get("message", event)
            chat = message.get("chat") if isinstance(message, dict) else None
            found = chat.get("id") if isinstance(chat, dict) else None
            if isinstance(found, int):
                return found
    return None
