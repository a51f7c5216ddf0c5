"""How fast messages may go out: to one chat, and by one channel."""

from dataclasses import dataclass, field
from datetime import datetime

from flows.vocabulary import OutboxKind
from storage.chats.outbox import OutboxItem, OutboxPriority

MESSAGES_PER_CHAT, CHAT_BURST = 1.0, 4.0
MESSAGES_PER_CHANNEL, CHANNEL_BURST = 30.0, 30.0
"""Telegram's advice: one message a second to a chat, thirty a second in all. Messages a second."""
_RATE_LIMITED_KINDS = (OutboxKind.SAY, OutboxKind.ALERT)


@dataclass(slots=True)
class _TokenBucket:
    rate: float
    burst: float
    tokens: float
    refilled_at: datetime

    def seconds_until_token(self, now: datetime) -> float:
        """Return the seconds until there is one to take; 0.0 when there is."""
        passed = max(0.0, (now - self.refilled_at).total_seconds())
        self.tokens, self.refilled_at = min(self.burst, self.tokens + passed * self.rate), now
        return max(0.0, (1 - self.tokens) / self.rate)


@dataclass(slots=True)
class SendRateLimits:
    """How much may be sent to a chat, and by a channel, right now."""

    buckets: dict[str, _TokenBucket] = field(default_factory=dict)

    def acquire(self, row: OutboxItem, now: datetime) -> float:
        """Return the seconds that a row must wait; 0.0 takes its place in the count."""
        if row.kind not in _RATE_LIMITED_KINDS or row.priority == OutboxPriority.URGENT:
            return 0.0
        both = (
            self._bucket(f"{row.channel}/{row.chat_id}", MESSAGES_PER_CHAT, CHAT_BURST, now),
            self._bucket(row.channel, MESSAGES_PER_CHANNEL, CHANNEL_BURST, now),
        )
        seconds = max(bucket.seconds_until_token(now) for bucket in both)
        if not seconds:
            for bucket in both:
                bucket.tokens -= 1
        return seconds

    def _bucket(self, name: str, rate: float, burst: float, now: datetime) -> _TokenBucket:
        if len(self.buckets) > 10_000:
            self.buckets.clear()
        return self.buckets.setdefault(name, _TokenBucket(rate, burst, burst, now))
