"""The same conversation in a browser."""

from bot.channels.web.channel import WebChannel
from bot.channels.web.routes import routes

__all__ = ["WebChannel", "routes"]
