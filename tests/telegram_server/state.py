"""What every part of the server shares: its lock and clock, and the way it says no."""

import threading
from typing import Any

from tests.harness.clock import FakeClock

Json = dict[str, Any]


class BotApiError(Exception):
    """Telegram says no: an error code, its words, seconds to wait for a 429, a group's new id."""

    def __init__(
        self,
        code: int,
        description: str,
        retry_after: int | None = None,
        migrate_to: int | None = None,
    ) -> None:
        super().__init__(description)
        self.migrate_to = migrate_to
        self.code = code
        self.description = description
        self.retry_after = retry_after


class ServerState:
    """What every part of the server shares: one lock, one clock, and whether it runs."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.changed = threading.Condition()
        self.run_number = 0
        self.running = False
        self.query_life = 600.0
        self.webhook_timeout = 10.0
        self.webhook_backoff = 0.05
