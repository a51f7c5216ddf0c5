"""What one process measures of itself. Everything happens on one loop, and is gone with it."""

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Seconds: up to which the durations of a histogram are counted, each with those before it."""


class LedWork(StrEnum):
    """What one process alone does at a time. DELIVER is led for each channel apart."""

    RECEIVE = "receive"
    DELIVER = "deliver"
    SWEEP = "sweep"


@dataclass(slots=True)
class DurationHistogram:
    """How many durations fell in each bin between BOUNDS, and their sum in seconds."""

    bins: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def observe(self, seconds: float, times: int = 1) -> None:
        """Count a duration; `times` for how many things it is that of."""
        self.bins[bisect_left(BOUNDS, seconds)] += times
        self.total += seconds * times


@dataclass(slots=True)
class Measurements:
    """What one process has measured since it began.

    `answers` is from an input's arrival until its answer was committed, `batches` how long a
    transaction of answers took. `polls_telegram`: the process is one of those that may poll;
    `telegram_answered_at` is when Telegram last answered its poll. `leads` holds what it does
    alone, with its channel or "".
    """

    answers: DurationHistogram = field(default_factory=DurationHistogram)
    batches: DurationHistogram = field(default_factory=DurationHistogram)
    polls_telegram: bool = False
    telegram_answered_at: datetime | None = None
    leads: set[tuple[LedWork, str]] = field(default_factory=set)

    @contextmanager
    def leading(self, work: LedWork, channel: str = "") -> Iterator[None]:
        """Note for the block that this process does something that no other one does meanwhile."""
        self.leads.add((work, channel))
        try:
            yield
        finally:
            self.leads.discard((work, channel))
