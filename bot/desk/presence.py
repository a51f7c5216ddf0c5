"""Who else has a referral open just now: a courtesy, kept in this process only."""

from datetime import datetime, timedelta

SEEN_FOR = timedelta(seconds=30)


class Viewing:
    """Who looked at which referral in the last half minute."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, datetime]] = {}

    def note(self, reference: str, who: str, now: datetime) -> None:
        """Note that somebody looks."""
        self._seen[reference] = {**self._seen.get(reference, {}), who: now}
        self._forget(now)

    def others(self, reference: str, who: str, now: datetime) -> list[str]:
        """Return who else looks, by name."""
        seen = self._seen.get(reference, {})
        return sorted(name for name, at in seen.items() if name != who and now - at <= SEEN_FOR)

    def _forget(self, now: datetime) -> None:
        if len(self._seen) > 200:
            seen = self._seen.items()
            self._seen = {k: v for k, v in seen if now - max(v.values()) <= SEEN_FOR}
