"""A loopback Telegram and a bot that meets it, for each test; a pytest plugin, never imported."""

from collections.abc import AsyncIterator, Iterator

import pytest

from storage.database import Database
from storage.vault import Vault
from tests.rig import STAFF, START, Rig, rigged
from tests.telegram_server import TelegramServer


@pytest.fixture
def server() -> Iterator[TelegramServer]:
    """Give a loopback Telegram whose clock stands still until a test moves it."""
    with TelegramServer() as running:
        running.clock.freeze(START)
        yield running


@pytest.fixture
async def rig(
    server: TelegramServer, database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Rig]:
    """Give a bot with a staff chat; it meets people only when told to."""
    server.person("Duty desk", chat_id=STAFF).chat.wrote_first = True
    async with rigged(server, database, vault, monkeypatch, staff_telegram_chat=STAFF) as made:
        yield made
