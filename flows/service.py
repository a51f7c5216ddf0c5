"""What the service has set for itself: names, numbers, hours, promises (service.toml)."""

from dataclasses import dataclass
from datetime import time
from functools import cache

from flows import content_files


@dataclass(frozen=True, slots=True)
class Service:
    """The service's own settings. Hours are local to `zone`; `days` count Monday as 0."""

    confirmed: bool
    zone: str
    languages: tuple[str, ...]
    names: dict[str, str]
    days: tuple[int, ...]
    opens: time
    closes: time
    windows: dict[str, tuple[time, time]]
    promise_by: time
    promise_days: dict[str, int]
    draft_hours: int
    lock_minutes: int
    receipt_days: int
    chat_clear_hours: int
    danger_quiet_minutes: int
    page_minutes: int
    adult_age: int
    queues: dict[str, str]
    districts: dict[str, str]
    exit_url: str

    def provider(self, queue: str) -> str:
        """Return the name of whoever works this queue."""
        return self.names[self.queues[queue]]


@cache
def service() -> Service:
    """Return the settings in content/service.toml; raise KeyError when one is missing."""
    told = content_files.load_toml("service.toml")
    promise = dict(told["promise"])
    return Service(
        confirmed=told["confirmed_by_service"],
        zone=told["zone"],
        languages=tuple(told["languages"]),
        names=dict(told["names"]),
        days=tuple(told["hours"]["days"]),
        opens=time.fromisoformat(told["hours"]["opens"]),
        closes=time.fromisoformat(told["hours"]["closes"]),
        windows={part: _parse_window(hours) for part, hours in told["windows"].items()},
        promise_by=time.fromisoformat(promise.pop("by")),
        promise_days=promise,
        adult_age=told["ages"]["adult"],
        queues=dict(told["queues"]),
        districts=dict(told["districts"]),
        exit_url=told["exit"]["to"],
        **told["keeps"],
    )


def _parse_window(hours: list[str]) -> tuple[time, time]:
    opens, closes = map(time.fromisoformat, hours)
    return opens, closes
