"""The only file that knows `limits`: how often something may be done, by whom."""

import math
import time
from collections.abc import Callable

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from bot.peers.messages import PeerMessages, PeerTopic

CLOCK_TOLERANCE = 10.0
"""Seconds that the clock may be put back before all that was counted is forgotten."""


class RateLimiter:
    """Counts in this process, and soon in its peers; a rule is written as "10/minute".

    What is counted for whom is kept and told under its `fingerprint` only.
    """

    def __init__(self, fingerprint: Callable[[str], str], peers: PeerMessages) -> None:
        self._fingerprint, self._peers = fingerprint, peers
        peers.handle(PeerTopic.RATE_LIMIT_HIT, self._count_elsewhere)
        self._counts = MemoryStorage()
        self._strategy = MovingWindowRateLimiter(self._counts)
        self._latest = 0.0
        self._rules: dict[str, RateLimitItem] = {}

    def allow(self, rule: str, *keys: str) -> bool:
        """Count one more and return whether it was still within the rule."""
        key = self._key(keys)
        allowed = self._strategy.hit(self._rule(rule), key)
        if allowed:
            self._peers.send(PeerTopic.RATE_LIMIT_HIT, rule, key)
        return allowed

    def would_allow(self, rule: str, *keys: str) -> bool:
        """Return whether one more would be within the rule; counts nothing."""
        return self._strategy.test(self._rule(rule), self._key(keys))

    def retry_after(self, rule: str, *keys: str) -> int:
        """Return in how many seconds one more will be within the rule; 0 when it is now."""
        if self.would_allow(rule, *keys):
            return 0
        again = self._strategy.get_window_stats(self._rule(rule), self._key(keys)).reset_time
        return max(1, math.ceil(again - time.time()))

    def _count_elsewhere(self, count: int, rule: str, key: str) -> None:
        for _ in range(count):
            self._strategy.hit(self._rule(rule), key)

    def _key(self, keys: tuple[str, ...]) -> str:
        return self._fingerprint("\0".join(keys))

    def _rule(self, rule: str) -> RateLimitItem:
        now = time.time()
        if now < self._latest - CLOCK_TOLERANCE:
            # The clock was put back: what was counted ahead of it would count until it is there.
            self._counts.reset()
        self._latest = now
        return self._rules.setdefault(rule, parse(rule))
