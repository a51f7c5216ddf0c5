"""The clock of the tests: one for each, shared by the program and whatever it talks to."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
"""A Monday morning."""


class FakeClock:
    """Tells an aware UTC time when called: it stands still until moved, or ticks as real time does.

    Waits on a socket or a condition take real time and do not follow it.
    """

    def __init__(self, at: datetime | None = START) -> None:
        """Stand still at a time, or tick when there is none."""
        self._frozen = at
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        """Return the time."""
        return self._frozen or datetime.now(UTC) + self._ahead

    def set(self, at: datetime) -> None:
        """Stand still at a time."""
        self._frozen = at

    def freeze(self) -> None:
        """Stand still from now on."""
        self._frozen = self()

    def advance(self, delta: timedelta = timedelta(), /, **by: float) -> None:
        """Move on by a span, or by names of timedelta: advance(minutes=5)."""
        step = delta + timedelta(**by)
        if self._frozen:
            self._frozen += step
        else:
            self._ahead += step
