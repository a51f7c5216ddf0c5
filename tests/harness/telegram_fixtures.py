"""A loopback Telegram and a bot that meets it, for each test; a pytest plugin, never imported."""

import contextlib
import io
import logging
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from bot.log import start_logging
from storage.database import Database
from tests.harness.clock import FakeClock
from tests.harness.telegram_app import STAFF_CHAT_ID, TelegramApp, open_telegram_app
from tests.telegram_server import TelegramServer


@pytest.fixture
def server(clock: FakeClock) -> Iterator[TelegramServer]:
    """Give a loopback Telegram on the clock of the test."""
    with TelegramServer(clock=clock) as running:
        yield running


@pytest.fixture
async def rig(
    server: TelegramServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[TelegramApp]:
    """Give a bot with a staff chat; it meets people only when told to."""
    server.person("Duty desk", chat_id=STAFF_CHAT_ID).chat.wrote_first = True
    async with open_telegram_app(
        server, database, monkeypatch, staff_telegram_chat=STAFF_CHAT_ID
    ) as made:
        yield made


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Log as the program does, at its most talkative; give what returns all that was written."""
    root, written = logging.getLogger(), io.StringIO()
    handlers, level, raises = root.handlers, root.level, logging.raiseExceptions
    with contextlib.redirect_stderr(written):
        start_logging("DEBUG")

    def read() -> str:
        told = capsys.readouterr()
        return written.getvalue() + told.out + told.err

    yield read
    root.handlers, logging.raiseExceptions = handlers, raises
    root.setLevel(level)
