"""The Telegram channel: the only folder that knows python-telegram-bot."""

from bot.channels.telegram.channel import TelegramChannel, build_bot, connect

__all__ = ["TelegramChannel", "build_bot", "connect"]
