"""The Telegram channel, met over HTTP: what comes, what goes, and all that can go wrong."""

pytest_plugins = ("tests.rig_fixtures",)

from tests.rig import Rig, goes
from tests.the_way import way
from tests.telegram_server import TelegramServer

async def test_the_way(rig: Rig, server: TelegramServer) -> None:
    amina = server.person("Amina")
    await goes(rig, amina, way())
    print(amina.shown())
    assert 0
