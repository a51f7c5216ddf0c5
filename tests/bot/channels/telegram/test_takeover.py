"""Staff are alerted when another program receives what people send to the bot."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from telegram import Bot
from telegram.error import TelegramError

from bot.channels.telegram import build_bot, receive, takeover, webhook
from storage.database import Database
from tests.harness.app import build_app, build_settings
from tests.harness.serving import started
from tests.harness.telegram_app import STAFF_CHAT_ID, WEBHOOK_SECRET, telegram_settings
from tests.support.ports import free_port
from tests.telegram_server import TelegramServer, TelegramUser

PATIENCE = 60.0
"""Seconds until what does not happen counts as a failure."""
FOREIGN_URL = "http://127.0.0.1:9/elsewhere"


@asynccontextmanager
async def serving(
    server: TelegramServer, database: Database, **more: object
) -> AsyncIterator[TelegramUser]:
    """Run the whole program with a staff chat; give who reads that chat."""
    desk = server.person("Duty desk", chat_id=STAFF_CHAT_ID)
    desk.chat.wrote_first = True
    ready = asyncio.Event()
    settings = telegram_settings(server, staff_telegram_chat=STAFF_CHAT_ID, port=free_port())
    async with started(build_app(database, **{**settings, **more}), ready.set):
        await ready.wait()
        yield desk


def somebody_else(server: TelegramServer) -> Bot:
    """Return the client of a program that has got hold of the token."""
    return build_bot(build_settings(**telegram_settings(server)))


async def called(server: TelegramServer, method: str, times: int) -> None:
    """Wait until a method of the Bot API was called so often."""
    await asyncio.to_thread(server.wait_for_call, method, times, PATIENCE)


async def answered(person: TelegramUser) -> None:
    """Wait until the bot has written to a person."""
    await alerted(person, "")


async def alerted(reader: TelegramUser, words: str) -> None:
    """Wait until the bot has written words to somebody."""
    await asyncio.to_thread(reader.wait_for, lambda one: alert_count(one, words) > 0, PATIENCE)


def alert_count(reader: TelegramUser, words: str) -> int:
    """Return how many messages of the bot hold these words."""
    return sum(words in message.text for message in reader.screen if message.from_bot)


async def test_a_second_poller_is_reported_once_and_nobody_is_forgotten(
    server: TelegramServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive, "LONG_POLL_SECONDS", 1)
    amina = server.person("Amina")
    async with serving(server, database) as desk, somebody_else(server) as other:
        for _ in range(2):
            await called(server, "getUpdates", len(server.calls_of("getUpdates")) + 1)
            with pytest.raises(TelegramError):
                await other.get_updates(timeout=30)
        await alerted(desk, "Another program takes messages")
        amina.says("/start")
        await answered(amina)
        assert alert_count(desk, "Another program takes messages") == 1


async def test_a_webhook_that_somebody_sets_is_taken_back_and_reported(
    server: TelegramServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive, "LONG_POLL_SECONDS", 1)
    amina = server.person("Amina")
    async with serving(server, database) as desk, somebody_else(server) as other:
        await called(server, "getUpdates", 2)
        await other.set_webhook(FOREIGN_URL)
        amina.says("/start")
        await answered(amina)
        await alerted(desk, "another address")


async def test_a_webhook_of_before_is_ended_without_a_word(
    server: TelegramServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive, "LONG_POLL_SECONDS", 1)
    amina = server.person("Amina")
    async with somebody_else(server) as other:
        await other.set_webhook(FOREIGN_URL)
    async with serving(server, database) as desk:
        amina.says("/start")
        await answered(amina)
        assert alert_count(desk, "") == 0


async def test_a_webhook_that_is_moved_away_is_set_again_and_reported(
    server: TelegramServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "WATCH_SECONDS", 0.2)
    amina, port = server.person("Amina"), free_port()
    more = {
        "telegram_mode": "webhook",
        "telegram_webhook_url": f"http://127.0.0.1:{port}",
        "telegram_webhook_secret": WEBHOOK_SECRET,
        "port": port,
    }
    async with serving(server, database, **more) as desk, somebody_else(server) as other:
        await called(server, "setWebhook", 1)
        await other.set_webhook(FOREIGN_URL)
        amina.says("/start")
        await answered(amina)
        await other.delete_webhook()
        await called(server, "setWebhook", 4)
        await alerted(desk, "another address")
        assert alert_count(desk, "another address") == 1


async def test_what_goes_on_is_reported_again_after_an_hour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reported: list[takeover.Takeover] = []

    async def report(found: takeover.Takeover) -> None:
        reported.append(found)

    monitor = takeover.TakeoverMonitor(report)
    for _ in range(3):
        await monitor.report(takeover.Takeover.POLLER)
    assert len(reported) == 1
    monkeypatch.setattr(takeover, "REPEAT_SECONDS", 0.0)
    await monitor.report(takeover.Takeover.POLLER)
    assert len(reported) == 2
