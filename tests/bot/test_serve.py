"""One process: what it waits for at its start, and what ends it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest

from bot.serve import Program, run
from bot.settings import InvalidSettings
from flows.dialogue import dispatch
from storage.database import Database
from tests.harness.app import build_app
from tests.harness.serving import started
from tests.harness.telegram_app import WEBHOOK_SECRET, telegram_settings
from tests.support.ports import free_port
from tests.telegram_server import TelegramServer

PATIENCE = 30.0
METRICS_TOKEN = "a-token-of-a-test"


async def test_pages_are_served_while_telegram_is_away_and_it_joins_when_it_is_back(
    database: Database,
) -> None:
    with TelegramServer() as server:
        server.stop()
        port, ready = free_port(), asyncio.Event()
        program = build_app(database, port=port, **telegram_settings(server))
        async with started(program, ready.set), httpx.AsyncClient(follow_redirects=True) as browser:
            async with asyncio.timeout(PATIENCE):
                await ready.wait()
            served = await browser.get(f"http://127.0.0.1:{port}/")
            assert served.status_code == httpx.codes.OK
            server.start()
            maya = server.person("Maya")
            maya.says("/start")
            await asyncio.to_thread(maya.wait_for, lambda chat: chat.last.from_bot, PATIENCE)


async def test_a_bot_without_pages_serves_what_monitoring_reads(database: Database) -> None:
    with TelegramServer() as server:
        server.stop()
        port = free_port()
        monitored: dict[str, object] = {"metrics_port": port, "metrics_token": METRICS_TOKEN}
        program = build_app(database, **telegram_settings(server, **monitored))
        bearer = {"Authorization": f"Bearer {METRICS_TOKEN}"}
        async with running(program), httpx.AsyncClient(headers=bearer) as monitor:
            address = f"http://127.0.0.1:{port}"
            away = {'rj_leads{channel="",work="receive"} 0.0', "rj_telegram_poll_age_seconds 0.0"}
            async with asyncio.timeout(PATIENCE):
                await until_told(monitor, f"{address}/metrics", away)
            server.start()
            wanted = {
                'rj_leads{channel="",work="receive"} 1.0',
                'rj_leads{channel="telegram",work="deliver"} 1.0',
                'rj_leads{channel="",work="sweep"} 1.0',
                "rj_telegram_poll_age_seconds 0.0",
            }
            async with asyncio.timeout(PATIENCE):
                await until_told(monitor, f"{address}/metrics", wanted)
                await until_told(monitor, f"{address}/ready", {"ready"})
            maya = server.person("Maya")
            maya.says("/start")
            await asyncio.to_thread(maya.wait_for, lambda chat: chat.last.from_bot, PATIENCE)
            assert program.runtime.measurements.telegram_answered_at
            for path in ("/", "/desk/", "/chat"):
                assert (await monitor.get(address + path)).status_code == httpx.codes.NOT_FOUND
    assert program.runtime.measurements.leads == set()


async def until_told(monitor: httpx.AsyncClient, url: str, lines: set[str]) -> None:
    """Return once a page says all these lines."""
    while True:
        with contextlib.suppress(httpx.ConnectError):  # nothing listens yet
            if lines <= set((await monitor.get(url)).text.splitlines()):
                return
        await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def running(program: Program) -> AsyncIterator[None]:
    """Run what `rj bot` does; end it with the block."""
    task = asyncio.create_task(run(program, conversation=True, pages=False))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    ("method", "error", "named"),
    [("getMe", 401, "TELEGRAM_BOT_TOKEN"), ("setWebhook", 400, "TELEGRAM_WEBHOOK_URL")],
)
async def test_what_telegram_refuses_ends_the_program_and_is_named(
    database: Database, method: str, error: int, named: str
) -> None:
    with TelegramServer() as server:
        server.fail_next(method, error)
        program = build_app(
            database,
            **telegram_settings(
                server,
                telegram_mode="webhook",
                telegram_webhook_url="https://intake.example.org",
                telegram_webhook_secret=WEBHOOK_SECRET,
            ),
        )
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(InvalidSettings, match=named):
                await run(program, conversation=True, pages=False)


async def test_content_without_sense_ends_the_program(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise ValueError("no such wording")

    monkeypatch.setattr(dispatch, "warm_up", refuse)
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(ValueError, match="no such wording"):
            await run(build_app(database), conversation=True, pages=False)
