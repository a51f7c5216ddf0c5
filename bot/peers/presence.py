"""Presence: who else has a referral open now; advisory, in the memory of each process."""

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.peers.messages import PeerMessages, PeerTopic

PRESENCE_TTL = timedelta(seconds=30)


class PresenceTracker:
    """Who looked at which referral in the last half minute."""

    def __init__(self, clock: Callable[[], datetime], peers: PeerMessages) -> None:
        self._clock, self._peers = clock, peers
        self._last_seen: dict[str, dict[str, datetime]] = {}
        peers.handle(PeerTopic.PRESENCE, self._note)

    def touch(self, reference: str, name: str) -> None:
        """Note that somebody looks, here and in the other processes."""
        self._note(1, reference, name)
        self._peers.send(PeerTopic.PRESENCE, reference, name)

    def _note(self, _: int, reference: str, name: str) -> None:
        now = self._clock()
        self._last_seen[reference] = {**self._last_seen.get(reference, {}), name: now}
        self._prune(now)

    def other_viewers(self, reference: str, viewer: str) -> list[str]:
        """Return who else looks, by name."""
        now = self._clock()
        seen = self._last_seen.get(reference, {}).items()
        return sorted(name for name, at in seen if name != viewer and abs(now - at) <= PRESENCE_TTL)

    def _prune(self, now: datetime) -> None:
        if len(self._last_seen) > 200:
            seen = self._last_seen.items()
            self._last_seen = {k: v for k, v in seen if now - max(v.values()) <= PRESENCE_TTL}
