"""The methods about how a bot presents itself: names, descriptions, commands, menu button."""

import re
from collections.abc import Callable
from typing import Any

from tests.telegram_server.account import Account
from tests.telegram_server.api.parameters import fields, objects, words
from tests.telegram_server.state import BotApiError, Json

NAME_LIMIT = 64
DESCRIPTION_LIMIT = 512
SHORT_DESCRIPTION_LIMIT = 120
COMMANDS_LIMIT = 100
COMMAND = re.compile(r"[a-z0-9_]{1,32}")
COMMAND_DESCRIPTION_LIMIT = 256
LANGUAGE = re.compile(r"(?:[a-z]{2})?")
WIDE_SCOPES = ("default", "all_private_chats", "all_group_chats", "all_chat_administrators")
CHAT_SCOPES = ("chat", "chat_administrators", "chat_member")
MENU_KINDS = ("commands", "web_app", "default")


def set_my_name(account: Account, given: Json) -> bool:
    """Set or, when empty, remove the name in one language or for all."""
    _set_words(account.names, given, "name", NAME_LIMIT)
    account.names.setdefault("", f"Bot {account.id}")
    return True


def set_my_description(account: Account, given: Json) -> bool:
    """Set or remove what an empty chat shows."""
    return _set_words(account.descriptions, given, "description", DESCRIPTION_LIMIT)


def set_my_short_description(account: Account, given: Json) -> bool:
    """Set or remove what the bot's page and shared links show."""
    limit = SHORT_DESCRIPTION_LIMIT
    return _set_words(account.short_descriptions, given, "short_description", limit)


def get_my_name(account: Account, given: Json) -> Json:
    """Return the name in a language, else the one for all."""
    return {"name": _get_words(account.names, given)}


def get_my_description(account: Account, given: Json) -> Json:
    """Return the description in a language, else the one for all."""
    return {"description": _get_words(account.descriptions, given)}


def get_my_short_description(account: Account, given: Json) -> Json:
    """Return the short description in a language, else the one for all."""
    return {"short_description": _get_words(account.short_descriptions, given)}


def set_my_commands(account: Account, given: Json) -> bool:
    """Set the commands of one scope and language."""
    commands = objects(given, "commands")
    place = _scope(account, given), _language(given)
    if len(commands) > COMMANDS_LIMIT:
        raise BotApiError(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
    kept = [_checked_command(command) for command in commands]
    if kept:
        account.commands[place] = kept
    else:
        account.commands.pop(place, None)
    return True


def delete_my_commands(account: Account, given: Json) -> bool:
    """Remove the commands of one scope and language."""
    account.commands.pop((_scope(account, given), _language(given)), None)
    return True


def get_my_commands(account: Account, given: Json) -> list[Json]:
    """Return the commands set for exactly this scope and language."""
    return account.commands.get((_scope(account, given), _language(given)), [])


def set_chat_menu_button(account: Account, given: Json) -> bool:
    """Set the button beside the typing field, for one person or for all."""
    button = fields(given, "menu_button") or {"type": "default"}
    if button.get("type") not in MENU_KINDS:
        raise BotApiError(400, "Bad Request: MenuButton has unsupported type")
    account.menu_buttons[_menu_chat(account, given)] = button
    return True


def get_chat_menu_button(account: Account, given: Json) -> Json:
    """Return the button of one person, else the one for all."""
    usual = account.menu_buttons.get(None, {"type": "commands"})
    return account.menu_buttons.get(_menu_chat(account, given), usual)


PROFILE_METHODS: dict[str, Callable[[Account, Json], Any]] = {
    "setMyName": set_my_name,
    "getMyName": get_my_name,
    "setMyDescription": set_my_description,
    "getMyDescription": get_my_description,
    "setMyShortDescription": set_my_short_description,
    "getMyShortDescription": get_my_short_description,
    "setMyCommands": set_my_commands,
    "deleteMyCommands": delete_my_commands,
    "getMyCommands": get_my_commands,
    "setChatMenuButton": set_chat_menu_button,
    "getChatMenuButton": get_chat_menu_button,
}


def _set_words(kept: dict[str, str], given: Json, name: str, limit: int) -> bool:
    text = words(given, name).strip()
    if len(text) > limit:
        raise BotApiError(400, f"Bad Request: {name} is too long")
    language = _language(given)
    if text:
        kept[language] = text
    else:
        kept.pop(language, None)
    return True


def _get_words(kept: dict[str, str], given: Json) -> str:
    return kept.get(_language(given), kept.get("", ""))


def _language(given: Json) -> str:
    code = words(given, "language_code")
    if not LANGUAGE.fullmatch(code):
        raise BotApiError(400, "Bad Request: invalid language code specified")
    return code


def _checked_command(command: Any) -> Json:
    if not isinstance(command, dict):
        raise BotApiError(400, "Bad Request: expected an Object as a BotCommand")
    name = str(command.get("command", "")).removeprefix("/")
    description = str(command.get("description", "")).strip()
    if not COMMAND.fullmatch(name):
        raise BotApiError(400, "Bad Request: BOT_COMMAND_INVALID")
    if not 1 <= len(description) <= COMMAND_DESCRIPTION_LIMIT:
        raise BotApiError(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": name, "description": description}


def _scope(account: Account, given: Json) -> str:
    scope = fields(given, "scope") or {"type": "default"}
    kind = scope.get("type")
    if kind in WIDE_SCOPES:
        return str(kind)
    if kind not in CHAT_SCOPES:
        raise BotApiError(400, "Bad Request: BotCommandScope has unsupported type")
    chat = account.chats.get(scope.get("chat_id", 0))
    if chat is None or not chat.known:
        raise BotApiError(400, "Bad Request: chat not found")
    return f"{kind} {scope['chat_id']} {scope.get('user_id', '')}"


def _menu_chat(account: Account, given: Json) -> int | None:
    number = given.get("chat_id")
    if number is None:
        return None
    chat = account.chats.get(number) if isinstance(number, int) else None
    if chat is None or not (chat.known and chat.private):
        raise BotApiError(400, "Bad Request: chat not found")
    return chat.id
