"""The same conversation in a browser."""

from bot.channels.web.channel import WebChannel

__all__ = ["WebChannel"]
