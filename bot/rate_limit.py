"""The only file that knows `limits`: how often something may be done, by whom."""

import math
import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter


class RateLimiter:
    """Counts in this process; a rule is written as "10/minute"."""

    def __init__(self) -> None:
        self._strategy = MovingWindowRateLimiter(MemoryStorage())
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
        return self._rules.setdefault(rule, parse(rule))
