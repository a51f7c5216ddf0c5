"""Tells Telegram the bot's commands and descriptions, in every language on offer."""

import telegram

from flows import wording
from flows.content_files import load_language


async def publish(bot: telegram.Bot, languages: tuple[str, ...]) -> list[str]:
    """Set all of it, again and again without harm; return a plain line for each thing set."""
    done = []
    for language in languages:
        code = None if language == wording.FIRST_LANGUAGE else language
        commands = _commands(language, "commands")
        await bot.set_my_commands(commands, telegram.BotCommandScopeDefault(), code)
        await bot.set_my_name(wording.say(language, "telegram.name"), code)
        await bot.set_my_description(wording.say(language, "telegram.description"), code)
        short = wording.say(language, "telegram.short_description")
        await bot.set_my_short_description(short, code)
        done.append(f"{language}: {len(commands)} commands, name, description, short description")
    await bot.set_chat_menu_button(menu_button=telegram.MenuButtonCommands())
    done.append("menu button: commands")
    return done


async def give_officer_commands(bot: telegram.Bot, chat: int) -> None:
    """Give an invited officer's chat the officers' commands."""
    commands = _commands(wording.FIRST_LANGUAGE, "officer_commands")
    await bot.set_my_commands(commands, telegram.BotCommandScopeChat(chat))


async def take_officer_commands(bot: telegram.Bot, chat: int) -> None:
    """Give a revoked officer's chat the commands that everybody has."""
    await bot.delete_my_commands(telegram.BotCommandScopeChat(chat))


def _commands(language: str, table: str) -> list[telegram.BotCommand]:
    return [
        telegram.BotCommand(name, wording.say(language, f"telegram.{table}.{name}"))
        for name in load_language(language)["telegram"][table]
    ]
