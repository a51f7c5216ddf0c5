"""Health and readiness: what a monitor and a load balancer are told, within five seconds."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from bot.web import health
from storage import heartbeat
from storage.database import Database
from tests.harness.app import build_app
from tests.harness.clock import FakeClock
from tests.harness.pages_app import PagesApp, open_pages


@pytest.fixture
async def pages(database: Database, clock: FakeClock) -> AsyncIterator[PagesApp]:
    """Give the pages of a program that has read all its content."""
    program = build_app(database)
    program.runtime.is_warm = True
    async with open_pages(program, clock) as made:
        yield made


async def told(pages: PagesApp, path: str) -> tuple[int, str]:
    """Return what a page of monitoring says."""
    answer = await pages.browser().get(path)
    return answer.status_code, answer.text


async def test_health_is_that_the_sweep_goes_on(pages: PagesApp) -> None:
    assert await told(pages, "/health") == (200, "ok")
    pages.clock.advance(minutes=5, seconds=1)
    assert await told(pages, "/health") == (503, "the sweep has stopped")
    await pages.database.write(heartbeat.record)
    assert await told(pages, "/health") == (200, "ok")


async def test_it_is_ready_once_all_content_is_read(pages: PagesApp) -> None:
    assert await told(pages, "/ready") == (200, "ready")
    pages.running.runtime.is_warm = False
    assert await told(pages, "/ready") == (503, "the content is being read")


async def test_it_is_not_ready_for_tables_of_another_release(pages: PagesApp) -> None:
    with pages.database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert await told(pages, "/ready") == (503, "the tables are of another release")
    assert await told(pages, "/health") == (200, "ok")


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_a_database_that_does_not_answer_is_said(
    pages: PagesApp, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert timedelta(seconds=health.DATABASE_TIMEOUT) < timedelta(seconds=5)
    monkeypatch.setattr(health, "DATABASE_TIMEOUT", 0.0)
    assert await told(pages, path) == (503, "the database is busy")
