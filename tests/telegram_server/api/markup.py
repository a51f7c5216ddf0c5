"""Checks the keyboards a bot sends, as strictly as Telegram does."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tests.telegram_server.state import BotApiError, Json

ROW_LIMIT = 8
INLINE_LIMIT = 100
REPLY_LIMIT = 300
DATA_BYTES = 64
COPY_LIMIT = 256
PLACEHOLDER_LIMIT = 64
STYLES = (None, "danger", "success", "primary")
ACTIONS = (
    "callback_data",
    "url",
    "copy_text",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "callback_game",
    "pay",
)


def read_markup(given: Json, private: bool) -> Json | None:
    """Return the checked reply_markup, None when there is none; raises Refused when it is wrong."""
    markup = given.get("reply_markup")
    if not markup:
        return None
    if not isinstance(markup, dict):
        raise _bad_markup("can't parse reply keyboard markup JSON object")
    if "inline_keyboard" in markup:
        return _inline(markup)
    if "keyboard" in markup:
        _check_rows(markup["keyboard"], REPLY_LIMIT, lambda key: _check_key(key, private))
    elif not (markup.get("remove_keyboard") or markup.get("force_reply")):
        raise _bad_markup("object expected as reply markup")
    if len(markup.get("input_field_placeholder") or "") > PLACEHOLDER_LIMIT:
        raise _bad_markup("input field placeholder is too long")
    return markup


def read_inline_markup(given: Json) -> Json | None:
    """Return the inline keyboard of an edit, None when there is none; raises Refused."""
    markup = read_markup(given, private=True)
    if markup is not None and "inline_keyboard" not in markup:
        raise _bad_markup("inline keyboard expected")
    return markup


def _inline(markup: Json) -> Json | None:
    rows = markup["inline_keyboard"]
    _check_rows(rows, INLINE_LIMIT, _check_button)
    kept = [row for row in rows if row]
    return {"inline_keyboard": kept} if kept else None


def _check_rows(rows: Any, limit: int, check: Callable[[Any], None]) -> None:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise _bad_markup("field of keyboard must be an Array of Arrays")
    if any(len(row) > ROW_LIMIT for row in rows):
        raise _bad_markup(f"reply markup has more than {ROW_LIMIT} buttons in a row")
    if sum(map(len, rows)) > limit:
        raise _bad_markup("reply markup is too long")
    for row in rows:
        for button in row:
            check(button)


def _check_button(button: Any) -> None:
    _check_look(button)
    chosen = [action for action in ACTIONS if button.get(action) not in (None, False)]
    if not chosen:
        raise _bad_markup("Text buttons are unallowed in the inline keyboard")
    if len(chosen) > 1:
        raise _bad_markup(f"inline keyboard button has more than one action: {', '.join(chosen)}")
    action = chosen[0]
    value = button[action]
    if action == "callback_data":
        if not isinstance(value, str) or not 1 <= len(value.encode()) <= DATA_BYTES:
            raise BotApiError(400, "Bad Request: BUTTON_DATA_INVALID")
    elif action == "copy_text":
        if not isinstance(value, dict) or not 1 <= len(value.get("text") or "") <= COPY_LIMIT:
            raise BotApiError(400, "Bad Request: BUTTON_COPY_TEXT_INVALID")
    elif action == "url":
        _check_url(value, schemes=("http", "https", "tg", "tel", "mailto"))
    elif action == "web_app":
        _check_url(value.get("url"), schemes=("https",))


def _check_key(key: Any, private: bool) -> None:
    if isinstance(key, str):
        key = {"text": key}
    _check_look(key)
    if not private and (key.get("request_contact") or key.get("request_location")):
        raise _bad_markup("phone number and location can be requested in private chats only")


def _check_look(button: Any) -> None:
    if not isinstance(button, dict):
        raise _bad_markup("can't parse keyboard button: expected an Object")
    text = button.get("text")
    if not isinstance(text, str) or not text.strip():
        raise _bad_markup("keyboard button text must be a non-empty String")
    if button.get("style") not in STYLES:
        raise _bad_markup("keyboard button has an unknown style")


def _check_url(url: Any, schemes: tuple[str, ...]) -> None:
    parts = urlsplit(url if isinstance(url, str) else "")
    if parts.scheme not in schemes:
        raise _bad_markup(
            f"inline keyboard button URL '{url}' is invalid: Unsupported URL protocol"
        )
    if parts.scheme.startswith("http") and "." not in (parts.hostname or ""):
        raise _bad_markup(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")


def _bad_markup(why: str) -> BotApiError:
    return BotApiError(400, f"Bad Request: {why}")
