"""The time Telegram believes it is: real by default, frozen or moved on by a test."""

import time
from datetime import UTC, datetime, timedelta


class TelegramClock:
    """Seconds since 1970. Long polls and waits run on real time and do not follow it."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._frozen: float | None = None

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return time.time() + self._ahead if self._frozen is None else self._frozen

    def freeze(self, at: datetime | None = None) -> None:
        """Stop the clock, now or at the aware time given."""
        self._frozen = self.now() if at is None else at.timestamp()

    def resume(self) -> None:
        """Let a frozen clock go on from where it stands."""
        if self._frozen is not None:
            self._ahead, self._frozen = self._frozen - time.time(), None

    def advance(
        self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0
    ) -> None:
        """Move the time on; a frozen clock stays frozen, at the later time."""
        step = timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days)
        if self._frozen is None:
            self._ahead += step.total_seconds()
        else:
            self._frozen += step.total_seconds()

    def today(self) -> datetime:
        """Return the same time as an aware UTC datetime."""
        return datetime.fromtimestamp(self.now(), UTC)
