"""The only file that knows `limits`: how often something may be done, by whom."""

import math
import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter


class Limiter:
    """Counts in this process; a rule is written as "10/minute"."""

    def __init__(self) -> None:
        self._counted = MovingWindowRateLimiter(MemoryStorage())
        self._rules: dict[str, RateLimitItem] = {}

    def may(self, rule: str, *whose: str) -> bool:
        """Count one more and return whether it was still within the rule."""
        return self._counted.hit(self._rule(rule), *whose)

    def left(self, rule: str, *whose: str) -> bool:
        """Return whether one more would be within the rule; counts nothing."""
        return self._counted.test(self._rule(rule), *whose)

    def wait(self, rule: str, *whose: str) -> int:
        """Return in how many seconds one more will be within the rule; 0 when it is now."""
        if self.left(rule, *whose):
            return 0
        again = self._counted.get_window_stats(self._rule(rule), *whose).reset_time
        return max(1, math.ceil(again - time.time()))

    def _rule(self, rule: str) -> RateLimitItem:
        return self._rules.setdefault(rule, parse(rule))
