"""The Telegram channel: the only folder that knows python-telegram-bot."""

from bot.channels.telegram.channel import RawBot, TelegramChannel, build_bot, connect

__all__ = ["RawBot", "TelegramChannel", "build_bot", "connect"]
