"""Asks Telegram whether the bot is set up as the settings say; the token is never repeated."""

from telegram import Bot, WebhookInfo
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    TelegramError,
)

from bot.channels.telegram.channel import build_bot
from bot.channels.telegram.webhook import webhook_address
from bot.settings import Settings

Findings = tuple[list[str], list[str]]


async def check_telegram(settings: Settings) -> Findings:
    """Return plain lines, what is wrong and what to look at; both empty without a token.

    It never asks for updates: that would take them from a bot that is running.
    """
    if settings.telegram_bot_token is None:
        return [], []
    try:
        async with build_bot(settings) as bot:
            wrong, notes = _check_webhook(await bot.get_webhook_info(), settings)
            staff_wrong, staff_notes = await _check_staff_chat(bot, settings)
            return [*wrong, *staff_wrong], [*notes, *staff_notes]
    except InvalidToken:
        return ["Telegram does not know this token. Set TELEGRAM_BOT_TOKEN to the right one."], []
    except Conflict:
        return ["Another program receives for the same bot. Stop one of the two."], []
    except TelegramError as trouble:
        return [f"Telegram cannot be reached at TELEGRAM_API_URL ({type(trouble).__name__})."], []


def _check_webhook(info: WebhookInfo, settings: Settings) -> Findings:
    if settings.telegram_mode == "polling":
        taken_away = "Telegram sends messages to a web address. Polling ends that when it starts."
        return [], [taken_away] if info.url else []
    if info.url and info.url != webhook_address(settings.telegram_webhook_url or ""):
        return ["Telegram sends messages to another address than TELEGRAM_WEBHOOK_URL."], []
    notes = [] if info.url else ["The webhook is not set yet. The service sets it when it starts."]
    if info.last_error_date:
        notes.append(f"Telegram could not deliver at {info.last_error_date:%d %b %Y %H:%M} UTC.")
    return [], notes


async def _check_staff_chat(bot: Bot, settings: Settings) -> Findings:
    if settings.staff_telegram_chat is None:
        return [], []
    try:
        await bot.get_chat(settings.staff_telegram_chat)
    except ChatMigrated as moved:
        # The number is no secret: it opens nothing without the token.
        upgraded = "The staff chat became a supergroup. Alerts follow it; to keep it so, set "
        return [], [f"{upgraded}STAFF_TELEGRAM_CHAT={moved.new_chat_id}"]
    except (BadRequest, Forbidden):
        return ["The bot cannot write to STAFF_TELEGRAM_CHAT. Add the bot to that chat."], []
    return [], []
