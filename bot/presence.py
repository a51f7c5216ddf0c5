"""Presence: who else has a referral open now; advisory, in the memory of this process only."""

from datetime import datetime, timedelta

PRESENCE_TTL = timedelta(seconds=30)


class PresenceTracker:
    """Who looked at which referral in the last half minute."""

    def __init__(self) -> None:
        self._last_seen: dict[str, dict[str, datetime]] = {}

    def touch(self, reference: str, name: str, now: datetime) -> None:
        """Note that somebody looks."""
        self._last_seen[reference] = {**self._last_seen.get(reference, {}), name: now}
        self._prune(now)

    def other_viewers(self, reference: str, viewer: str, now: datetime) -> list[str]:
        """Return who else looks, by name."""
        seen = self._last_seen.get(reference, {}).items()
        return sorted(name for name, at in seen if name != viewer and abs(now - at) <= PRESENCE_TTL)

    def _prune(self, now: datetime) -> None:
        if len(self._last_seen) > 200:
            seen = self._last_seen.items()
            self._last_seen = {k: v for k, v in seen if now - max(v.values()) <= PRESENCE_TTL}
