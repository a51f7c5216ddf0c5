"""Which channels there are, by the settings."""

from bot.channel_interface import Channel
from bot.channels.email import EmailChannel
from bot.channels.page import PageChannel
from bot.channels.telegram import RawBot, TelegramChannel
from bot.channels.typed import ManualEntryChannel
from bot.channels.web import WebChannel
from bot.channels.webhook import WebhookChannel
from bot.pipeline.alerts import BROKER_CHANNEL, WEBHOOK_CHANNEL
from bot.settings import Settings
from storage.database import Database


def build_channels(
    settings: Settings, database: Database, bot: RawBot | None
) -> dict[str, Channel]:
    """Return the channels that the settings give something to do, by name."""
    channels: dict[str, Channel] = {
        "web": WebChannel(database),
        "page": PageChannel(),
        "typed": ManualEntryChannel(),
    }
    if bot:
        channels[TelegramChannel.name] = TelegramChannel(bot, settings.staff_telegram_chat)
    if settings.staff_email or settings.manager_email:
        channels["email"] = EmailChannel(settings)
    if settings.webhook_url:
        channels[WEBHOOK_CHANNEL] = WebhookChannel(settings, database.clock)
    if settings.events_url:
        # Its library is not loaded, which takes a second, where there is no broker.
        from bot.channels.broker import BrokerChannel

        channels[BROKER_CHANNEL] = BrokerChannel(settings)
    return channels


def alert_channels(settings: Settings) -> tuple[str, ...]:
    """Return the names of the channels by which staff are alerted."""
    by_chat = ("telegram",) if settings.staff_telegram_chat and settings.telegram_bot_token else ()
    return (*by_chat, *(("email",) if settings.staff_email else ()))
