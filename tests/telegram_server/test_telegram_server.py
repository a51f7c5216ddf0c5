"""Shows with the real library that the loopback Telegram is strict where Telegram is strict."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Any

import httpx
import pytest
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    CopyTextButton,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    KeyboardButton,
    MenuButtonCommands,
    MenuButtonWebApp,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    Update,
    WebAppInfo,
)
from telegram.error import (
    BadRequest,
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    NetworkError,
)
from telegram.error import RetryAfter as Flood
from telegram.ext import Application, CommandHandler, ContextTypes
from telegram.request import HTTPXRequest

from tests.telegram_server import TelegramServer, TelegramUser
from tests.telegram_server.users import Kind

KINDS: tuple[Kind, ...] = (
    "voice",
    "photo",
    "document",
    "sticker",
    "location",
    "video",
    "video_note",
    "dice",
    "poll",
    "audio",
    "animation",
)


@pytest.fixture
def server() -> Iterator[TelegramServer]:
    with TelegramServer() as running:
        yield running


@pytest.fixture
def maya(server: TelegramServer) -> TelegramUser:
    return server.person(first_name="Maya")


@pytest.fixture
async def bot(server: TelegramServer) -> AsyncIterator[Bot]:
    async with bot_for(server) as ready:
        yield ready


def bot_for(server: TelegramServer, token: str | None = None) -> Bot:
    """Return the real library's bot; without certificates to read, which takes its time."""
    plain = {"verify": False}
    return Bot(
        token or server.token,
        base_url=server.api_url,
        base_file_url=server.file_url,
        request=HTTPXRequest(httpx_kwargs=plain),
        get_updates_request=HTTPXRequest(httpx_kwargs=plain),
    )


def buttons(*labels: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup.from_column(
        [InlineKeyboardButton(label, callback_data=f"data {label}") for label in labels]
    )


def words_of(updates: Sequence[Update]) -> list[str | None]:
    """Return the words of the messages in some updates."""
    return [update.message.text for update in updates if update.message]


async def take_all(bot: Bot) -> tuple[Update, ...]:
    """Receive and confirm everything that waits."""
    found = await bot.get_updates()
    if found:
        await bot.get_updates(offset=found[-1].update_id + 1)
    return found


# Who the bot is, and where it may write


async def test_a_bot_learns_who_it_is(bot: Bot) -> None:
    assert bot.id == 123456
    assert bot.bot.is_bot
    assert bot.username == "bot123456_bot"


@pytest.mark.parametrize("token", ["nonsense", "123456:with spaces", "abc:DEF"])
async def test_a_token_of_another_shape_is_refused(server: TelegramServer, token: str) -> None:
    with pytest.raises(InvalidToken):
        async with bot_for(server, token):
            pass


async def test_each_token_is_a_bot_of_its_own(server: TelegramServer, bot: Bot) -> None:
    noor = server.person("Noor", token="777:other")
    noor.says("hello")
    async with bot_for(server, "777:other") as other:
        assert words_of(await other.get_updates()) == ["hello"]
    assert await bot.get_updates() == ()


async def test_an_unknown_method_is_not_found(server: TelegramServer, bot: Bot) -> None:
    with pytest.raises(EndPointNotFound):
        await bot.do_api_request("makeTea")


async def test_a_bot_writes_only_where_it_may(
    server: TelegramServer, bot: Bot, maya: TelegramUser
) -> None:
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.send_message(404, "hello")
    with pytest.raises(Forbidden, match="can't initiate conversation"):
        await bot.send_message(maya.chat_id, "hello")
    maya.says("hello")
    await bot.send_message(maya.chat_id, "Hello Maya")
    maya.blocks_the_bot()
    with pytest.raises(Forbidden, match="blocked by the user"):
        await bot.send_message(maya.chat_id, "Are you there?")
    maya.unblocks_the_bot()
    await bot.send_message(maya.chat_id, "Good to see you")
    assert [message.text for message in maya.screen] == ["hello", "Hello Maya", "Good to see you"]
    members = [update.my_chat_member for update in await take_all(bot) if update.my_chat_member]
    assert [str(change.new_chat_member.status) for change in members] == ["kicked", "member"]


# Updates


async def test_updates_stay_until_a_larger_offset_confirms_them(
    server: TelegramServer, bot: Bot, maya: TelegramUser
) -> None:
    for word in ("one", "two", "three"):
        maya.says(word)
    first, second, third = await bot.get_updates()
    assert [first.update_id + 1, second.update_id + 1] == [second.update_id, third.update_id]
    assert len(await bot.get_updates()) == 3
    assert await bot.get_updates(offset=second.update_id) == (second, third)
    assert len(server.pending) == 2
    assert len(await bot.get_updates(limit=1)) == 1
    assert await bot.get_updates(offset=third.update_id + 1) == ()
    assert server.pending == []


async def test_a_negative_offset_keeps_only_the_newest(bot: Bot, maya: TelegramUser) -> None:
    for word in ("one", "two", "three"):
        maya.says(word)
    kept = await bot.get_updates(offset=-1)
    assert words_of(kept) == ["three"]
    assert await bot.get_updates() == kept


async def test_no_more_than_a_hundred_at_once(bot: Bot, maya: TelegramUser) -> None:
    for number in range(120):
        maya.says(str(number))
    assert len(await bot.get_updates(limit=1000)) == 100


async def test_a_long_poll_ends_when_something_comes(bot: Bot, maya: TelegramUser) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=60))
    await asyncio.sleep(0.1)
    maya.says("hello")
    async with asyncio.timeout(30):
        assert len(await poll) == 1


async def test_a_long_poll_honours_its_time(bot: Bot) -> None:
    started = time.monotonic()
    assert await bot.get_updates(timeout=1) == ()
    assert time.monotonic() - started > 0.9


async def test_a_long_poll_ends_when_the_server_stops(server: TelegramServer, bot: Bot) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=60))
    await asyncio.to_thread(server.wait_for_call, "getUpdates")
    server.stop()
    async with asyncio.timeout(30):
        await asyncio.gather(poll, return_exceptions=True)


async def test_what_waits_outlives_a_stop_on_the_same_port(
    server: TelegramServer, bot: Bot, maya: TelegramUser
) -> None:
    maya.says("before")
    address = server.api_url
    server.stop()
    with pytest.raises(NetworkError):
        await bot.get_updates()
    maya.says("meanwhile")
    server.start()
    assert server.api_url == address
    assert len(await bot.get_updates()) == 2


async def test_a_second_poll_ends_the_first_with_a_conflict(
    server: TelegramServer, bot: Bot, maya: TelegramUser
) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=10))
    await asyncio.to_thread(server.wait_for_call, "getUpdates")
    async with bot_for(server) as other:
        second = asyncio.create_task(other.get_updates(timeout=10))
        with pytest.raises(Conflict, match="terminated by other getUpdates"):
            await first
        maya.says("hello")
        assert len(await second) == 1


async def test_only_kinds_asked_for_arrive_and_are_remembered(bot: Bot, maya: TelegramUser) -> None:
    await bot.get_updates(allowed_updates=["callback_query"])
    maya.says("hello")
    maya.says("again")
    await bot.send_message(maya.chat_id, "Ready?", reply_markup=buttons("Yes"))
    maya.presses("Yes")
    (only,) = await bot.get_updates()
    assert only.callback_query
    await bot.get_updates(offset=only.update_id + 1, allowed_updates=[])
    maya.says("now")
    assert len(await bot.get_updates()) == 1


async def test_updates_are_kept_a_day(server: TelegramServer, bot: Bot, maya: TelegramUser) -> None:
    maya.says("yesterday")
    server.clock.advance(hours=25)
    maya.says("today")
    assert words_of(await bot.get_updates()) == ["today"]


async def test_raw_updates_may_be_anything(
    server: TelegramServer, bot: Bot, maya: TelegramUser
) -> None:
    given = server.raw_update({"update_id": 900_000_000, "surprise": {"new": True}})
    filled = server.raw_update({"callback_query": {"id": "1"}})
    assert (given["update_id"], filled["update_id"]) == (900_000_000, 900_000_001)
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{server.api_url}{server.token}/getUpdates?limit=5")
    assert answer.json() == {"ok": True, "result": [given, filled]}


async def test_every_kind_of_message_is_one_the_library_understands(
    bot: Bot, maya: TelegramUser
) -> None:
    for kind in KINDS:
        maya.sends(kind)
    maya.sends_contact_of_somebody_else()
    messages = [update.message for update in await take_all(bot)]
    assert all(messages)
    for name, message in zip((*KINDS, "contact"), messages, strict=True):
        assert getattr(message, name), name
    assert [message.kind for message in maya.screen] == [*KINDS, "contact"]


async def test_an_edit_by_a_person_arrives_as_one(
    server: TelegramServer, bot: Bot, maya: TelegramUser
) -> None:
    said = maya.says("helo")
    maya.edits(said, "hello")
    _, edit = await take_all(bot)
    assert edit.edited_message
    assert (edit.edited_message.message_id, edit.edited_message.text) == (said.id, "hello")
    assert maya.last.edited


async def test_a_link_starts_with_its_payload(bot: Bot, maya: TelegramUser) -> None:
    maya.opens_link("leaflet_7")
    (update,) = await take_all(bot)
    assert update.message
    assert update.message.text == "/start leaflet_7"
    assert [str(entity.type) for entity in update.message.entities] == ["bot_command"]
    assert update.message.from_user
    assert update.message.from_user.language_code == "en"


# Messages of the bot


@pytest.mark.parametrize("text", [" \n ", "<b> </b>"])
async def test_empty_words_are_refused(bot: Bot, maya: TelegramUser, text: str) -> None:
    maya.says("hello")
    with pytest.raises(BadRequest, match="Message text is empty"):
        await bot.send_message(maya.chat_id, text, parse_mode="HTML")


async def test_4096_characters_fit_and_one_more_does_not(bot: Bot, maya: TelegramUser) -> None:
    maya.says("hello")
    await bot.send_message(maya.chat_id, f"<b>{'x' * 4096}</b>", parse_mode="HTML")
    with pytest.raises(BadRequest, match="Message is too long"):
        await bot.send_message(maya.chat_id, "x" * 4097)
    with pytest.raises(BadRequest, match="Message is too long"):
        await bot.send_message(maya.chat_id, "\N{GRINNING FACE}" * 2049)


async def test_html_becomes_words_and_entities(bot: Bot, maya: TelegramUser) -> None:
    maya.says("hello")
    html = '\N{GRINNING FACE} <b>Call</b> &lt;<a href="https://example.org/">us</a>&gt;\n'
    sent = await bot.send_message(maya.chat_id, html, parse_mode="HTML", protect_content=True)
    assert sent.text == "\N{GRINNING FACE} Call <us>"
    assert [sent.parse_entity(entity) for entity in sent.entities] == ["Call", "us"]
    assert sent.text_html == html.strip()
    assert maya.last.protected
    assert maya.last.parse_mode == "HTML"


@pytest.mark.parametrize("html", ["<b>open", "</b>", "<b><i>x</b></i>", "<p>x</p>", "1 < 2"])
async def test_broken_html_is_refused(bot: Bot, maya: TelegramUser, html: str) -> None:
    maya.says("hello")
    with pytest.raises(BadRequest, match="Can't parse entities"):
        await bot.send_message(maya.chat_id, html, parse_mode="HTML")


@pytest.mark.parametrize(
    ("button", "reason"),
    [
        (InlineKeyboardButton("x", callback_data="é" * 33), "Button_data_invalid"),
        (InlineKeyboardButton("x", callback_data=""), "Button_data_invalid"),
        (InlineKeyboardButton("x"), "Text buttons are unallowed"),
        (InlineKeyboardButton(" ", callback_data="1"), "text must be"),
        (InlineKeyboardButton("x", copy_text=CopyTextButton("x" * 257)), "copy_text"),
        (InlineKeyboardButton("x", callback_data="1", style="loud"), "unknown style"),
        (InlineKeyboardButton("x", url="http://localhost/"), "Wrong HTTP URL"),
        (InlineKeyboardButton("x", web_app=WebAppInfo("http://a.example/")), "URL protocol"),
    ],
)
async def test_wrong_buttons_are_refused(
    bot: Bot, maya: TelegramUser, button: InlineKeyboardButton, reason: str
) -> None:
    maya.says("hello")
    with pytest.raises(BadRequest, match=f"(?i){reason}"):
        await bot.send_message(maya.chat_id, "x", reply_markup=InlineKeyboardMarkup([[button]]))


@pytest.mark.parametrize(("rows", "columns"), [(1, 9), (101, 1)])
async def test_too_many_buttons_are_refused(
    bot: Bot, maya: TelegramUser, rows: int, columns: int
) -> None:
    maya.says("hello")
    row = [InlineKeyboardButton("x", callback_data="1")] * columns
    with pytest.raises(BadRequest, match=r"(?i)reply markup"):
        await bot.send_message(maya.chat_id, "x", reply_markup=InlineKeyboardMarkup([row] * rows))


async def test_buttons_at_their_limits_are_taken(bot: Bot, maya: TelegramUser) -> None:
    maya.says("hello")
    rows = [
        [InlineKeyboardButton("Send", callback_data="é" * 32, style="success")] * 8,
        [InlineKeyboardButton("Copy", copy_text=CopyTextButton("x" * 256))],
        [InlineKeyboardButton("Read", url="https://example.org/")],
    ]
    await bot.send_message(maya.chat_id, "x", reply_markup=InlineKeyboardMarkup(rows))
    assert maya.last.buttons[0][0].style == "success"
    maya.presses("Copy")
    maya.presses("Read")
    assert (maya.clipboard, maya.opened) == ("x" * 256, ["https://example.org/"])


async def test_edits_change_something_of_the_bots_own(
    server: TelegramServer, bot: Bot, maya: TelegramUser
) -> None:
    said = maya.says("hello")
    sent = await bot.send_message(maya.chat_id, "Ready?", reply_markup=buttons("Yes"))
    with pytest.raises(BadRequest, match="Message is not modified"):
        await sent.edit_text("Ready? ", reply_markup=buttons("Yes"))
    with pytest.raises(BadRequest, match="Message is not modified"):
        await sent.edit_reply_markup(buttons("Yes"))
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await bot.edit_message_text("x", maya.chat_id, 999)
    with pytest.raises(BadRequest, match="Message can't be edited"):
        await bot.edit_message_text("x", maya.chat_id, said.id)
    with pytest.raises(BadRequest, match="Message text is empty"):
        await sent.edit_text(" ")
    noor = server.person("Noor")
    noor.says("hello")
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await bot.edit_message_text("x", noor.chat_id, sent.message_id)
    await sent.edit_text("Thank you.")
    assert maya.last.edited
    assert (maya.last.text, maya.last.buttons) == ("Thank you.", ())
    assert [kind for kind, *_ in server.sent] == ["new", "edit"]
    assert "Thank you." not in server.log_text("new")
    assert "Thank you." in server.log_text("edit")


async def test_a_message_that_brought_a_keyboard_cannot_be_edited(
    bot: Bot, maya: TelegramUser
) -> None:
    maya.says("hello")
    keyboard = ReplyKeyboardMarkup([["Yes", "No"]], input_field_placeholder="Yes or no")
    sent = await bot.send_message(maya.chat_id, "Ready?", reply_markup=keyboard)
    assert maya.keyboard == [["Yes", "No"]]
    assert maya.last.placeholder == "Yes or no"
    with pytest.raises(BadRequest, match="can't be edited"):
        await sent.edit_text("x")
    maya.presses("No")
    assert maya.last.text == "No"
    await bot.send_message(maya.chat_id, "Thank you", reply_markup=ReplyKeyboardRemove())
    assert maya.keyboard == []
    await bot.send_message(maya.chat_id, "Your name?", reply_markup=ForceReply())
    assert maya.last.force_reply


async def test_a_number_is_shared_only_when_asked_for(bot: Bot, maya: TelegramUser) -> None:
    maya.says("hello")
    with pytest.raises(AssertionError, match="did not ask for a number"):
        maya.shares_own_number("+447700900982")
    key = KeyboardButton("Share my number", request_contact=True)
    await bot.send_message(maya.chat_id, "Your number?", reply_markup=ReplyKeyboardMarkup([[key]]))
    maya.shares_own_number("+447700900982")
    maya.sends_contact_of_somebody_else()
    _, own, other = (update.message for update in await take_all(bot))
    assert own and own.contact and other and other.contact
    assert (own.contact.user_id, own.contact.phone_number) == (maya.chat_id, "+447700900982")
    assert other.contact.user_id != maya.chat_id


async def test_a_file_with_words_arrives(bot: Bot, maya: TelegramUser) -> None:
    maya.says("hello")
    letter = InputFile(b"Dear Ma\xff\r\n\n", filename="letter.txt")
    sent = await bot.send_document(maya.chat_id, letter, caption="Your copy: caf\u00e9\nend")
    assert sent.document
    assert (sent.document.file_name, sent.document.file_size) == ("letter.txt", 11)
    assert (maya.last.kind, maya.last.text) == ("document", "Your copy: caf\u00e9\nend")
    await sent.edit_caption("Your own copy")
    with pytest.raises(BadRequest, match="caption is too long"):
        await bot.send_document(maya.chat_id, letter, caption="x" * 1025)


# Presses


async def test_a_press_is_answered_once(
    server: TelegramServer, bot: Bot, maya: TelegramUser
) -> None:
    maya.says("hello")
    await bot.send_message(maya.chat_id, "Ready?", reply_markup=buttons("Yes", "No"))
    maya.presses("Yes")
    _, update = await take_all(bot)
    query = update.callback_query
    assert query and query.message
    assert (query.data, query.message.message_id) == ("data Yes", maya.last.id)
    assert maya.spinning == ["Yes"]
    with pytest.raises(BadRequest, match=r"(?i)message_too_long"):
        await query.answer("x" * 201)
    await query.answer("Saved", show_alert=True)
    assert (maya.toasts, maya.spinning) == ([("Saved", True)], [])
    for number in (query.id, "12345"):
        with pytest.raises(BadRequest, match="Query is too old"):
            await bot.answer_callback_query(number)


async def test_an_old_press_can_no_longer_be_answered(
    server: TelegramServer, bot: Bot, maya: TelegramUser
) -> None:
    maya.says("hello")
    await bot.send_message(maya.chat_id, "Ready?", reply_markup=buttons("Yes"))
    maya.presses("Yes")
    _, update = await take_all(bot)
    assert update.callback_query
    server.clock.advance(hours=1)
    with pytest.raises(BadRequest, match="Query is too old"):
        await update.callback_query.answer()


async def test_a_press_on_what_is_not_there_names_what_is(bot: Bot, maya: TelegramUser) -> None:
    maya.says("hello")
    await bot.send_message(maya.chat_id, "Ready?", reply_markup=buttons("Yes", "No"))
    with pytest.raises(AssertionError, match=r"'Maybe' among \['Yes', 'No'\]"):
        maya.presses("Maybe")


async def test_the_newest_of_two_equal_buttons_is_pressed_and_old_ones_by_hand(
    bot: Bot, maya: TelegramUser
) -> None:
    maya.says("hello")
    old = await bot.send_message(maya.chat_id, "First?", reply_markup=buttons("Yes"))
    shown = maya.last
    new = await bot.send_message(maya.chat_id, "Second?", reply_markup=buttons("Yes"))
    maya.presses("Yes")
    await old.delete()
    maya.presses_id("forged", message=shown)
    _, pressed, forged = (update.callback_query for update in await take_all(bot))
    assert pressed and pressed.message and forged and forged.message
    assert pressed.message.message_id == new.message_id
    assert (forged.data, forged.message.is_accessible) == ("forged", False)


# Deleting


async def test_only_young_messages_are_deleted(
    server: TelegramServer, bot: Bot, maya: TelegramUser
) -> None:
    server.clock.freeze()
    old = maya.says("hello")
    server.clock.advance(hours=24)
    young = await bot.send_message(maya.chat_id, "Hello")
    server.clock.advance(hours=24)
    with pytest.raises(BadRequest, match="can't be deleted"):
        await bot.delete_message(maya.chat_id, old.id)
    with pytest.raises(BadRequest, match="can't be deleted"):
        await bot.delete_messages(maya.chat_id, [young.message_id, old.id])
    assert len(maya.screen) == 2
    assert await bot.delete_messages(maya.chat_id, [young.message_id, 998, 999])
    assert [message.id for message in maya.screen] == [old.id]
    with pytest.raises(BadRequest, match="Message to delete not found"):
        await young.delete()


async def test_up_to_a_hundred_are_deleted_at_once(bot: Bot, maya: TelegramUser) -> None:
    maya.says("hello")
    for wrong in ([], list(range(101))):
        with pytest.raises(BadRequest, match=r"(?i)message identifiers"):
            await bot.delete_messages(maya.chat_id, wrong)
    assert await bot.delete_messages(maya.chat_id, range(100))
    assert maya.screen == []


# How the bot presents itself


async def test_commands_have_scopes_and_languages(bot: Bot, maya: TelegramUser) -> None:
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.set_my_commands([("queue", "x")], BotCommandScopeChat(maya.chat_id))
    maya.says("hello")
    help_now, staff = BotCommand("help", "Get help now"), BotCommand("queue", "Show the queue")
    await bot.set_my_commands([help_now])
    await bot.set_my_commands([help_now], BotCommandScopeAllPrivateChats(), "pl")
    await bot.set_my_commands([staff], BotCommandScopeChat(maya.chat_id))
    assert await bot.get_my_commands() == (help_now,)
    assert await bot.get_my_commands(BotCommandScopeChat(maya.chat_id)) == (staff,)
    assert await bot.get_my_commands(BotCommandScopeAllPrivateChats(), "de") == ()
    await bot.delete_my_commands(BotCommandScopeAllPrivateChats(), "pl")
    assert await bot.get_my_commands(BotCommandScopeAllPrivateChats(), "pl") == ()


@pytest.mark.parametrize(
    ("command", "description"),
    [("Help", "x"), ("", "x"), ("he-lp", "x"), ("h" * 33, "x"), ("help", " "), ("help", "x" * 257)],
)
async def test_wrong_commands_are_refused(bot: Bot, command: str, description: str) -> None:
    with pytest.raises(BadRequest, match=r"(?i)bot_command"):
        await bot.set_my_commands([(command, description)])


async def test_names_and_descriptions_have_limits(bot: Bot) -> None:
    await bot.set_my_name("Kent")
    await bot.set_my_description("d" * 512)
    await bot.set_my_short_description("s" * 120)
    await bot.set_my_short_description("k", language_code="pl")
    assert (await bot.get_my_name()).name == "Kent"
    assert (await bot.get_my_short_description("pl")).short_description == "k"
    assert (await bot.get_my_description("pl")).description == "d" * 512
    with pytest.raises(BadRequest):
        await bot.set_my_name("n" * 65)
    with pytest.raises(BadRequest):
        await bot.set_my_description("d" * 513)
    with pytest.raises(BadRequest):
        await bot.set_my_short_description("s" * 121)
    with pytest.raises(BadRequest):
        await bot.set_my_name("n", language_code="english")


async def test_the_menu_button_is_kept(bot: Bot, maya: TelegramUser) -> None:
    maya.says("hello")
    page = MenuButtonWebApp("Form", WebAppInfo("https://example.org/"))
    await bot.set_chat_menu_button(maya.chat_id, page)
    assert await bot.get_chat_menu_button(maya.chat_id) == page
    assert await bot.get_chat_menu_button() == MenuButtonCommands()


async def test_chats_actions_and_files_are_known(
    server: TelegramServer, bot: Bot, maya: TelegramUser
) -> None:
    maya.says("hello")
    voice = maya.sends("voice")
    assert (await bot.get_chat(maya.chat_id)).first_name == "Maya"
    await bot.send_chat_action(maya.chat_id, "typing")
    assert maya.actions == ["typing"]
    with pytest.raises(BadRequest):
        await bot.send_chat_action(maya.chat_id, "dancing")
    assert server.calls_of("getFile") == []
    file = await bot.get_file(f"voice-{voice.id}")
    assert await file.download_as_bytearray()
    assert [len(server.calls_of(name)) for name in ("getFile", "download")] == [1, 1]


async def test_a_group_message_reaches_the_bot_only_when_addressed_to_it(
    server: TelegramServer, bot: Bot, maya: TelegramUser
) -> None:
    team = server.group("Team")
    with pytest.raises(Forbidden, match="not a member"):
        await bot.send_message(team.chat_id, "Hello")
    team.adds_the_bot(by=maya)
    team.says(maya, "good morning all")
    team.says(maya, "/start")
    added, joined, start = await take_all(bot)
    assert added.my_chat_member
    assert joined.message and joined.message.new_chat_members
    assert start.message and start.message.chat.type == "supergroup"
    await bot.leave_chat(team.chat_id)
    with pytest.raises(Forbidden):
        await bot.send_message(team.chat_id, "Hello")


# Webhooks


class Receiver:
    """A webhook that writes down what comes and answers as told, 200 by default."""

    def __init__(self) -> None:
        self.got: Queue[tuple[str, str | None, float]] = Queue()
        self.answers: list[int] = []
        self.url = ""

    def texts(self, number: int) -> list[str]:
        return [self.got.get(timeout=5)[0] for _ in range(number)]


@contextmanager
def receiver(port: int = 0) -> Iterator[Receiver]:
    told = Receiver()

    class Exchange(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            update = Update.de_json(json_of(body))
            assert update.message and update.message.text
            secret = self.headers.get("X-Telegram-Bot-Api-Secret-Token")
            told.got.put((update.message.text, secret, time.monotonic()))
            self.send_response(told.answers.pop(0) if told.answers else 200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Write no access log."""

    listening = ThreadingHTTPServer(("127.0.0.1", port), Exchange)
    told.url = f"http://127.0.0.1:{listening.server_address[1]}/hook"
    thread = Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        listening.shutdown()
        listening.server_close()


def json_of(body: bytes) -> dict[str, Any]:
    found = httpx.Response(200, content=body).json()
    assert isinstance(found, dict)
    return found


async def test_a_webhook_gets_updates_with_the_secret_and_polls_are_refused(
    server: TelegramServer, bot: Bot, maya: TelegramUser
) -> None:
    with receiver() as hook:
        maya.says("early")
        await bot.set_webhook(hook.url, secret_token="s3cret_-", max_connections=5)
        text, secret, _ = await asyncio.to_thread(hook.got.get, True, 5)
        assert (text, secret) == ("early", "s3cret_-")
        with pytest.raises(Conflict, match="webhook is active"):
            await bot.get_updates()
        await asyncio.to_thread(maya.settled, 0.02)
        assert server.pending == []
        info = await bot.get_webhook_info()
        assert (info.url, info.max_connections, info.pending_update_count) == (hook.url, 5, 0)
        await bot.delete_webhook()
        assert await bot.get_updates() == ()


async def test_setting_a_webhook_ends_a_running_poll(server: TelegramServer, bot: Bot) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=10))
    await asyncio.to_thread(server.wait_for_call, "getUpdates")
    await bot.set_webhook("https://example.org/hook")
    with pytest.raises(Conflict):
        await poll


async def test_a_webhook_is_told_again_in_order_until_it_takes_it(
    server: TelegramServer, bot: Bot, maya: TelegramUser
) -> None:
    noor = server.person("Noor")
    with receiver() as hook:
        hook.answers = [500, 302, 200]
        maya.says("one")
        maya.says("two")
        noor.says("other")
        await bot.set_webhook(hook.url)
        texts = await asyncio.to_thread(hook.texts, 5)
    assert set(texts) == {"one", "two", "other"}
    assert [text for text in texts if text != "other"][-2:] == ["one", "two"]
    assert texts.count("two") == 1
    info = await bot.get_webhook_info()
    assert info.last_error_message
    assert info.last_error_message.startswith("Wrong response from the webhook")


async def test_a_webhook_that_is_away_gets_all_when_it_is_back(
    server: TelegramServer, bot: Bot, maya: TelegramUser
) -> None:
    with receiver() as hook:
        url = hook.url
    await bot.set_webhook(url)
    maya.says("while you were out")
    await asyncio.sleep(0.15)
    assert len(server.pending) == 1
    with receiver(int(url.split(":")[2].split("/")[0])) as hook:
        assert await asyncio.to_thread(hook.texts, 1) == ["while you were out"]


@pytest.mark.parametrize(
    ("url", "secret", "reason"),
    [
        ("http://example.org/", "", "https url"),
        ("https://example.org/", "with space", "unallowed"),
        ("https://example.org/", "x" * 257, "too long"),
    ],
)
async def test_a_wrong_webhook_is_refused(bot: Bot, url: str, secret: str, reason: str) -> None:
    with pytest.raises(BadRequest, match=reason):
        await bot.set_webhook(url, secret_token=secret)


# Faults


async def test_a_flood_says_how_long_to_wait(
    server: TelegramServer, bot: Bot, maya: TelegramUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "true")
    noor = server.person("Noor")
    maya.says("hello")
    noor.says("hello")
    server.fail_next("sendMessage", retry_after=7, times=2, chat_id=maya.chat_id)
    await bot.send_message(noor.chat_id, "unhurt")
    for _ in range(2):
        with pytest.raises(Flood) as caught:
            await bot.send_message(maya.chat_id, "x")
        assert caught.value.retry_after == timedelta(seconds=7)
    await bot.send_message(maya.chat_id, "x")
    assert maya.last.text == "x"
    assert [call.parameters["chat_id"] for call in server.calls_of("sendMessage")] == [
        noor.chat_id,
        *[maya.chat_id] * 3,
    ]


async def test_errors_on_demand_until_healed(
    server: TelegramServer, bot: Bot, maya: TelegramUser
) -> None:
    maya.says("hello")
    server.fail_next("*", 502, times=None)
    for _ in range(3):
        with pytest.raises(NetworkError, match="Bad Gateway"):
            await bot.send_message(maya.chat_id, "x")
    server.clear_faults()
    server.fail_next("getUpdates", 409)
    with pytest.raises(Conflict):
        await bot.get_updates()
    assert len(await bot.get_updates()) == 1


async def test_a_lost_answer_has_its_effect_and_a_lost_call_has_none(
    server: TelegramServer, bot: Bot, maya: TelegramUser
) -> None:
    maya.says("hello")
    server.fail_next("sendMessage", "drop_before")
    with pytest.raises(NetworkError):
        await bot.send_message(maya.chat_id, "never came")
    server.fail_next("sendMessage", "drop")
    with pytest.raises(NetworkError):
        await bot.send_message(maya.chat_id, "came")
    assert [message.text for message in maya.screen] == ["hello", "came"]


async def test_a_late_answer_holds_up_nobody_else(
    server: TelegramServer, bot: Bot, maya: TelegramUser
) -> None:
    maya.says("hello")
    server.fail_next("sendMessage", None, delay=2.0)
    slow = asyncio.create_task(bot.send_message(maya.chat_id, "slow"))
    await asyncio.to_thread(maya.wait_for, lambda chat: chat.last.text == "slow")
    await bot.send_message(maya.chat_id, "quick")
    assert not slow.done()
    await slow


# Bodies, speed, and a whole bot


def test_all_three_kinds_of_body_are_read(server: TelegramServer, maya: TelegramUser) -> None:
    maya.says("hello")
    url = f"{server.api_url}{server.token}/SENDMESSAGE"
    keyboard = '{"inline_keyboard":[[{"text":"Yes","callback_data":"1"}]]}'
    form = {"chat_id": str(maya.chat_id), "text": "42", "reply_markup": keyboard}
    httpx.post(url, data=form)
    httpx.post(url, data=form, files={"extra": ("a.txt", b"x")})
    httpx.post(
        url,
        json={
            "chat_id": maya.chat_id,
            "text": "42",
            "reply_markup": httpx.Response(200, text=keyboard).json(),
        },
    )
    shapes = [(message.text, message.labels) for message in maya.screen[1:]]
    assert shapes == [("42", ["Yes"])] * 3
    assert server.calls[0].parameters["chat_id"] == maya.chat_id
    broken = httpx.post(url, content=b"{", headers={"Content-Type": "application/json"})
    assert broken.json() == {
        "ok": False,
        "error_code": 400,
        "description": "Bad Request: can't parse JSON object",
    }
    surrogate = b'{"chat_id": 1001, "text": "\\ud83d"}'
    for content in (surrogate, b'{"text": "\xff"}'):
        refused = httpx.post(url, content=content, headers={"Content-Type": "application/json"})
        assert refused.json()["description"] == "Bad Request: strings must be encoded in UTF-8"


async def test_thousands_of_updates_are_quick(server: TelegramServer, bot: Bot) -> None:
    people = [server.person(f"Person {number}") for number in range(50)]
    started = time.process_time()
    for number in range(2_000):
        people[number % 50].says(f"message {number}")
    received = 0
    offset = None
    while found := await bot.get_updates(offset=offset, limit=100):
        received += len(found)
        offset = found[-1].update_id + 1
    assert received == 2_000
    assert time.process_time() - started < 5


async def test_a_whole_bot_talks_to_maya(server: TelegramServer, maya: TelegramUser) -> None:
    async def greet(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.effective_message
        await update.effective_message.reply_text("Hello Maya", reply_markup=buttons("Go on"))

    application = Application.builder().bot(bot_for(server)).build()
    application.add_handler(CommandHandler("start", greet))
    async with application:
        assert application.updater
        await application.updater.start_polling(timeout=10)
        await application.start()
        maya.opens_link()
        said = await asyncio.to_thread(maya.wait_for, lambda chat: chat.labels)
        assert said == ["Go on"]
        await asyncio.to_thread(maya.settled)
        assert server.pending == []
        assert maya.last_from_bot.text == "Hello Maya"
        maya.blocks_the_bot()
        server.stop()
        await application.updater.stop()
        await application.stop()


def test_waiting_in_vain_shows_the_screen(maya: TelegramUser) -> None:
    maya.says("hello")
    with pytest.raises(AssertionError, match="1 person: hello"):
        maya.wait_for(lambda chat: chat.last.from_bot, timeout=0.05)
    with pytest.raises(AssertionError, match="not settled"):
        maya.settled(timeout=0.05)


def test_people_do_only_what_people_can(maya: TelegramUser) -> None:
    with pytest.raises(AssertionError, match="empty"):
        maya.says("  ")
    assert len(maya.says("x" * 5000).text) == 904
    maya.blocks_the_bot()
    with pytest.raises(AssertionError, match="unblock"):
        maya.says("hello")
