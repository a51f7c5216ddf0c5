"""One process: what it waits for at its start, and what ends it."""

import asyncio

import httpx
import pytest

from bot.serve import run
from bot.settings import InvalidSettings
from flows.dialogue import dispatch
from storage.database import Database
from tests.harness.app import build_app
from tests.harness.serving import started
from tests.harness.telegram_app import WEBHOOK_SECRET, telegram_settings
from tests.support.ports import free_port
from tests.telegram_server import TelegramServer

PATIENCE = 30.0


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
