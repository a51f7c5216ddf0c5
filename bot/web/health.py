"""The pages for monitoring: health, readiness, and metrics for whoever has the token."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.monitoring.figures import DatabaseFigures, read_figures
from bot.runtime import Runtime
from bot.web.guard import BUSY_ERRORS, database_busy
from bot.web.headers import SecuredApp
from storage import heartbeat
from storage.revisions import newest_revision, stored_revision
from storage.unit import Unit

SWEEP_OVERDUE_AFTER = timedelta(minutes=5)
"""How long the sweep may stay away before it counts as stopped; it should run every minute."""
DATABASE_TIMEOUT = 4.0
"""Seconds that a page waits for the database, so that it answers within five."""

Answer = Callable[[], Awaitable[Response]]


def monitoring_routes(runtime: Runtime) -> list[Route]:
    """Return /health and /ready, and /metrics where METRICS_TOKEN is set."""
    routes = [Route("/health", _within_time(_health(runtime)))]
    routes.append(Route("/ready", _within_time(_readiness(runtime))))
    if token := runtime.settings.metrics_token:
        routes.append(Route("/metrics", _metrics(runtime, token.get_secret_value())))
    return routes


def monitoring_app(runtime: Runtime) -> Starlette:
    """Return these pages alone, for a process without others."""
    return SecuredApp(routes=[*monitoring_routes(runtime)])


def is_overdue(swept: datetime, started_at: datetime, now: datetime) -> bool:
    """Return whether both the last sweep and the start are longer ago than they may be."""
    return now - max(swept, started_at) > SWEEP_OVERDUE_AFTER


def _within_time(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """Answer 503 when the database is busy for DATABASE_TIMEOUT."""

    async def answered(_: Request) -> Response:
        try:
            async with asyncio.timeout(DATABASE_TIMEOUT):
                return await answer()
        except BUSY_ERRORS as problem:
            refused = database_busy(problem)
            return PlainTextResponse("the database is busy", refused.status, refused.headers)

    return answered


def _health(runtime: Runtime) -> Answer:
    """Answer 503 once time was not swept for five minutes.

    A process that has just begun has as long again to sweep.
    """
    began = runtime.clock()

    async def health() -> Response:
        swept = await runtime.database.read(heartbeat.last_seen)
        if is_overdue(swept or began, began, runtime.clock()):
            return PlainTextResponse("the sweep has stopped", 503)
        return PlainTextResponse("ok")

    return health


def _readiness(runtime: Runtime) -> Answer:
    """Answer 503 until all content is read, and while the schema is not this program's."""

    async def ready() -> Response:
        if not runtime.is_warm:
            return PlainTextResponse("the content is being read", 503)
        if await runtime.database.read(_schema) != newest_revision():
            return PlainTextResponse("the tables are of another release", 503)
        return PlainTextResponse("ready")

    return ready


def _schema(unit: Unit) -> str | None:
    return stored_revision(unit.conn)


def _metrics(runtime: Runtime, token: str) -> Callable[[Request], Awaitable[Response]]:
    # The library takes longer to import than most of the rest, and few ask for this page.
    from bot.monitoring.exposition import CONTENT_TYPE, Observed, render_metrics

    wanted, began, reading = f"Bearer {token}".encode(), runtime.clock(), _FigureReader(runtime)

    async def metrics(request: Request) -> Response:
        given = request.headers.get("authorization", "").encode()
        if not secrets.compare_digest(given, wanted):
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        figures = await reading.read()
        observed = Observed(
            runtime.measurements, figures, runtime.channels.keys(), began, runtime.clock()
        )
        return Response(render_metrics(observed), media_type=CONTENT_TYPE)

    return metrics


class _FigureReader:
    """Reads the figures, at most once at a time: who asks meanwhile is told what that one finds.

    So a database that does not answer costs one reader thread, however often it is asked.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._reading: asyncio.Future[DatabaseFigures] | None = None

    async def read(self) -> DatabaseFigures | None:
        """Return the figures, None when the database has no time for them."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(self._runtime.database.read(read_figures))
            # Whoever asked may be gone by the time that it fails.
            self._reading.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        await asyncio.wait([self._reading], timeout=DATABASE_TIMEOUT)
        try:
            if self._reading.done():
                return self._reading.result()
            raise TimeoutError
        except BUSY_ERRORS as problem:
            database_busy(problem)
            return None
