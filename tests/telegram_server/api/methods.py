"""All methods by name, and those about updates, webhooks, presses and chats."""

from collections.abc import Callable
from typing import Any

from tests.telegram_server.account import Account, Toast
from tests.telegram_server.api.messages import MESSAGE_METHODS, find_chat, open_chat
from tests.telegram_server.api.parameters import objects, whole_number, words
from tests.telegram_server.api.profile import PROFILE_METHODS
from tests.telegram_server.state import BotApiError, Json
from tests.telegram_server.updates import Webhook

Method = Callable[[Account, Json], Any]

TOAST_LIMIT = 200
SECRET_LETTERS = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
SECRET_LIMIT = 256
ACTIONS = {
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
}


def get_me(account: Account, given: Json) -> Json:
    """Return the bot itself."""
    return account.as_user() | {
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def get_updates(account: Account, given: Json) -> list[Json]:
    """Return waiting updates; a larger offset confirms and destroys the older ones."""
    allowed = objects(given, "allowed_updates") if "allowed_updates" in given else None
    limit = whole_number(given, "limit", 100)
    timeout = whole_number(given, "timeout")
    return account.updates.poll(whole_number(given, "offset"), limit, timeout, allowed)


def answer_callback_query(account: Account, given: Json) -> bool:
    """Answer a press once, while it is fresh."""
    text = words(given, "text")
    if len(text) > TOAST_LIMIT:
        raise BotApiError(400, "Bad Request: MESSAGE_TOO_LONG")
    query = account.queries.get(words(given, "callback_query_id"))
    life = account.world.query_life
    if query is None or query.answered or account.world.clock().timestamp() - query.asked > life:
        raise _bad("query is too old and response timeout expired or query ID is invalid")
    query.answered = True
    if text:
        query.chat.toasts.append(Toast(text, bool(given.get("show_alert"))))
        account.log_toast(query.chat, text)
    account.notify_changed(query.chat)
    return True


def send_chat_action(account: Account, given: Json) -> bool:
    """Show that the bot is busy."""
    chat = open_chat(account, given)
    action = words(given, "action")
    if action not in ACTIONS:
        raise _bad("wrong parameter action in request")
    chat.actions.append(action)
    account.notify_changed(chat)
    return True


def get_chat(account: Account, given: Json) -> Json:
    """Return what is known of a chat the bot has met."""
    chat = find_chat(account, given)
    if not chat.known:
        raise _bad("chat not found")
    return chat.as_json() | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": {
            "unlimited_gifts": False,
            "limited_gifts": False,
            "unique_gifts": False,
            "premium_subscription": False,
            "gifts_from_channels": False,
        },
    }


def leave_chat(account: Account, given: Json) -> bool:
    """Leave a group."""
    chat = open_chat(account, given)
    if chat.private:
        raise _bad("chat member status can't be changed in private chats")
    chat.bot_is_member = False
    account.notify_changed(chat)
    return True


def get_file(account: Account, given: Json) -> Json:
    """Return where a file could be fetched; tests count the calls."""
    file_id = words(given, "file_id")
    if not file_id:
        raise _bad("invalid file_id")
    path = f"files/{file_id}"
    return {"file_id": file_id, "file_unique_id": f"unique-{file_id}", "file_path": path}


def set_webhook(account: Account, given: Json) -> bool:
    """Send updates to an address from now on; an empty address ends it."""
    url = words(given, "url")
    secret = words(given, "secret_token")
    allowed = objects(given, "allowed_updates") if "allowed_updates" in given else None
    if not url:
        return delete_webhook(account, given)
    if not url.startswith(("https://", "http://127.0.0.1", "http://localhost", "http://[::1]")):
        raise _bad("bad webhook: An HTTPS URL must be provided for webhook")
    if len(secret) > SECRET_LIMIT:
        raise _bad("secret token is too long")
    if not set(secret) <= SECRET_LETTERS:
        raise _bad("secret token contains unallowed characters")
    webhook = Webhook(url, secret, min(max(whole_number(given, "max_connections", 40), 1), 100))
    account.updates.set_webhook(webhook, allowed, bool(given.get("drop_pending_updates")))
    return True


def delete_webhook(account: Account, given: Json) -> bool:
    """Go back to getUpdates."""
    account.updates.set_webhook(None, None, bool(given.get("drop_pending_updates")))
    return True


def get_webhook_info(account: Account, given: Json) -> Json:
    """Return where updates go, how many wait, and the last trouble."""
    webhook = account.updates.webhook
    found: Json = {
        "url": webhook.url if webhook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(account.updates.pending()),
    }
    if webhook:
        found["max_connections"] = webhook.max_connections
    if account.updates.allowed:
        found["allowed_updates"] = account.updates.allowed
    if webhook and webhook.last_error_date is not None:
        found["last_error_date"] = webhook.last_error_date
        found["last_error_message"] = webhook.last_error_message
    return found


METHODS: dict[str, Method] = {
    "getMe": get_me,
    "getUpdates": get_updates,
    "answerCallbackQuery": answer_callback_query,
    "sendChatAction": send_chat_action,
    "getChat": get_chat,
    "leaveChat": leave_chat,
    "getFile": get_file,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    **MESSAGE_METHODS,
    **PROFILE_METHODS,
}
NAMES = {name.lower(): name for name in METHODS}


def _bad(why: str) -> BotApiError:
    return BotApiError(400, f"Bad Request: {why}")
