"""What Telegram shows outside the conversation: set again without harm, and never telling."""

from collections.abc import Iterable

import pytest
from telegram import BotCommandScopeChat

from bot.channels.telegram.publish import publish
from flows.service import service
from flows.wording import say
from storage.chats import officers
from storage.database import Database
from tests.harness.telegram_app import TelegramApp
from tests.support.cast import SAM
from tests.telegram_server import TelegramServer

TELLING = ("victim", "crime", "offender", "police", "abuse", "restorative")


def shown(server: TelegramServer) -> Iterable[str]:
    """Return all that a bystander can see: names, descriptions, commands."""
    account = server.account()
    for kept in (account.names, account.descriptions, account.short_descriptions):
        yield from kept.values()
    for commands in account.commands.values():
        yield from (f"{one['command']} {one['description']}" for one in commands)


async def test_publishing_twice_is_the_same_as_once(
    rig: TelegramApp, server: TelegramServer
) -> None:
    assert rig.running.bot
    first = await publish(rig.running.bot, service().languages)
    kept = sorted(shown(server))
    assert await publish(rig.running.bot, service().languages) == first
    assert sorted(shown(server)) == kept
    assert server.account().menu_buttons == {None: {"type": "commands"}}


async def test_nothing_published_says_what_the_bot_is_for(
    rig: TelegramApp, server: TelegramServer
) -> None:
    assert rig.running.bot
    await publish(rig.running.bot, service().languages)
    told = " ".join(shown(server)).lower()
    assert [word for word in TELLING if word in told] == []
    assert "999" in server.account().descriptions[""]


async def test_every_language_has_its_own_commands_and_texts(
    rig: TelegramApp, server: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rig.running.bot
    await publish(rig.running.bot, ("en", "en"))
    account = server.account()
    assert list(account.commands) == [("default", "")], "the first language is for everybody"
    monkeypatch.setattr("flows.wording.FIRST_LANGUAGE", "pt")
    await publish(rig.running.bot, ("en",))
    assert set(account.commands) == {("default", ""), ("default", "en")}
    assert set(account.descriptions) == set(account.short_descriptions) == {"", "en"}


async def test_an_invited_officer_gets_the_officers_commands_and_nobody_else(
    rig: TelegramApp, server: TelegramServer, database: Database
) -> None:
    assert rig.running.bot
    assert SAM.officer
    with database.unit(rig.now()) as unit:
        code = officers.invite_officer(unit, SAM.officer)
    sam, maya = server.person("Sam"), server.person("Maya")
    sam.opens_link(f"i_{code}")
    maya.opens_link()
    await rig.settle()
    theirs = await rig.running.bot.get_my_commands(BotCommandScopeChat(sam.chat_id))
    assert ("refer", say("en", "telegram.officer_commands.refer")) in [
        (one.command, one.description) for one in theirs
    ]
    assert not await rig.running.bot.get_my_commands(BotCommandScopeChat(maya.chat_id))
