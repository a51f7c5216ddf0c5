"""The health page for monitoring: ok, or 503 when the sweep has stopped."""

from collections.abc import Callable
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from storage import heartbeat
from storage.database import Database

SWEEP_OVERDUE_AFTER = timedelta(minutes=5)
"""How long the sweep may stay away before it counts as stopped; it should run every minute."""


def health_route(database: Database, clock: Callable[[], datetime]) -> Route:
    """Return the page at /health; its answer is 503 once time was not swept for five minutes.

    A process that has just begun has as long again to do it.
    """
    began = clock()

    async def health(_: Request) -> PlainTextResponse:
        swept = await database.read(heartbeat.last_seen)
        if is_overdue(swept or began, began, clock()):
            return PlainTextResponse("the sweep has stopped", 503)
        return PlainTextResponse("ok")

    return Route("/health", health)


def is_overdue(swept: datetime, started_at: datetime, now: datetime) -> bool:
    """Return whether both the last sweep and the start are longer ago than they may be."""
    return now - max(swept, started_at) > SWEEP_OVERDUE_AFTER
