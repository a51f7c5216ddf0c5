"""The Telegram channel: the only folder that knows python-telegram-bot."""

from telegram import Bot

from bot.channels.telegram.channel import TelegramChannel, build_bot, connect

__all__ = ["Bot", "TelegramChannel", "build_bot", "connect"]
