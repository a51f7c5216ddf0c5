"""A loopback Telegram for the tests: strict as the real Bot API, played by people in a test.

    with TelegramServer() as server:
        maya = server.person("Maya")          # give the bot server.token, .api_url and .file_url
        maya.opens_link("leaflet")
        maya.presses("Yes", timeout=5)
        assert "Thank you" in maya.settled().last.text

Waiting blocks the thread: where the bot runs in the same event loop, wait by asyncio.to_thread.
Where Telegram publishes no figure or no words, the stricter reading is taken. Not played: inline
mode, payments, business, channels, media other than documents, and markup other than HTML.
"""

from tests.telegram_server.account import ShownEvent, Toast
from tests.telegram_server.screen import ScreenButton, ScreenMessage
from tests.telegram_server.server import ApiCall, TelegramServer
from tests.telegram_server.state import BotApiError
from tests.telegram_server.users import TelegramGroup, TelegramUser

__all__ = [
    "ApiCall",
    "BotApiError",
    "ScreenButton",
    "ScreenMessage",
    "ShownEvent",
    "TelegramGroup",
    "TelegramServer",
    "TelegramUser",
    "Toast",
]
