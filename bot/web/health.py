"""The health page for monitoring: ok, or 503 when the sweep has stopped."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bot.web.guard import BUSY_ERRORS, database_busy
from storage import heartbeat
from storage.database import Database

SWEEP_OVERDUE_AFTER = timedelta(minutes=5)
"""How long the sweep may stay away before it counts as stopped; it should run every minute."""
DATABASE_TIMEOUT = 5.0
"""Seconds that the page waits for the database."""


def health_route(database: Database, clock: Callable[[], datetime]) -> Route:
    """Return the page at /health; its answer is 503 once time was not swept for five minutes.

    It is 503 as well when the database is busy for DATABASE_TIMEOUT. A process that has just
    begun has as long again to sweep.
    """
    began = clock()

    async def health(_: Request) -> PlainTextResponse:
        try:
            async with asyncio.timeout(DATABASE_TIMEOUT):
                swept = await database.read(heartbeat.last_seen)
        except BUSY_ERRORS as problem:
            refused = database_busy(problem)
            return PlainTextResponse("the database is busy", refused.status, refused.headers)
        if is_overdue(swept or began, began, clock()):
            return PlainTextResponse("the sweep has stopped", 503)
        return PlainTextResponse("ok")

    return Route("/health", health)


def is_overdue(swept: datetime, started_at: datetime, now: datetime) -> bool:
    """Return whether both the last sweep and the start are longer ago than they may be."""
    return now - max(swept, started_at) > SWEEP_OVERDUE_AFTER
