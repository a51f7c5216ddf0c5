"""The same conversation in a browser."""

from bot.channels.web.channel import WebChannel
from bot.channels.web.guard import Web
from bot.channels.web.routes import routes

__all__ = ["Web", "WebChannel", "routes"]
