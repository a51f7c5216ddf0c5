"""The only file that knows `limits`: how often something may be done, by whom."""

import math
import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

CLOCK_TOLERANCE = 10.0
"""Seconds that the clock may be put back before all that was counted is forgotten."""


class RateLimiter:
    """Counts in this process; a rule is written as "10/minute"."""

    def __init__(self) -> None:
        self._counts = MemoryStorage()
        self._strategy = MovingWindowRateLimiter(self._counts)
        self._latest = 0.0
        self._rules: dict[str, RateLimitItem] = {}

    def allow(self, rule: str, *keys: str) -> bool:
        """Count one more and return whether it was still within the rule."""
        return self._strategy.hit(self._rule(rule), *keys)

    def would_allow(self, rule: str, *keys: str) -> bool:
        """Return whether one more would be within the rule; counts nothing."""
        return self._strategy.test(self._rule(rule), *keys)

    def retry_after(self, rule: str, *keys: str) -> int:
        """Return in how many seconds one more will be within the rule; 0 when it is now."""
        if self.would_allow(rule, *keys):
            return 0
        again = self._strategy.get_window_stats(self._rule(rule), *keys).reset_time
        return max(1, math.ceil(again - time.time()))

    def _rule(self, rule: str) -> RateLimitItem:
        now = time.time()
        if now < self._latest - CLOCK_TOLERANCE:
            # The clock was put back: what was counted ahead of it would count until it is there.
            self._counts.reset()
        self._latest = now
        return self._rules.setdefault(rule, parse(rule))
