"""Sends to Telegram what the outbox says, and turns its errors into ours."""

import asyncio
import logging
from itertools import count
from typing import Any

from telegram import Bot
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from bot.channel_interface import (
    Body,
    ChannelDown,
    ChatClosed,
    ChatEvent,
    InboundEvent,
    PermanentFailure,
    RateLimited,
)
from bot.channels.telegram.publish import give_officer_commands, take_officer_commands
from bot.channels.telegram.translate import translate
from bot.channels.telegram.transport import AiohttpRequest
from bot.settings import InvalidSettings, Settings
from flows.conversation import ButtonKind, ButtonStyle
from flows.vocabulary import OutboxKind

log = logging.getLogger("rj.telegram")
_STYLES: dict[str, str] = {ButtonStyle.SEND: "success", ButtonStyle.DANGER: "danger"}
_ALREADY_DONE_ERRORS = ("message is not modified", "query is too old", "query id is invalid")
_NOT_EDITABLE_ERRORS = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
)
_NO_PREVIEW = {"is_disabled": True}
DELETE_BATCH_SIZE = 100
"""How many messages one call may delete."""


class RawBot(Bot):
    """The library's client, which also takes and gives the Bot API's own JSON as it is.

    To build the library's objects from it, and it from them, is a third of the work of a turn.
    """

    async def call(self, method: str, parameters: Body) -> Any:
        """Call a method of the Bot API; return its result as JSON has it."""
        return await self._post(method, parameters)

    async def raw_updates(
        self, offset: int | None, update_types: list[str], seconds: int
    ) -> list[Body]:
        """Return what waits at Telegram, unread; wait up to `seconds` for something.

        The library's own method reads every update, so that one it cannot read loses the batch.
        """
        asked = {
            "offset": offset,
            "timeout": seconds,
            "limit": 100,
            "allowed_updates": update_types,
        }
        found = await self._post("getUpdates", asked, read_timeout=seconds + 20)
        return [update for update in found if isinstance(update, dict)]


def build_bot(settings: Settings) -> RawBot:
    """Return the library's client for the configured token and API."""
    if settings.telegram_bot_token is None:
        raise ValueError("there is no token")
    root = settings.telegram_api_url
    return RawBot(
        settings.telegram_bot_token.get_secret_value(),
        base_url=f"{root}/bot",
        base_file_url=f"{root}/file/bot",
        request=AiohttpRequest(connections=32, read_timeout=6),
        get_updates_request=AiohttpRequest(connections=1, read_timeout=45),
    )


async def connect(bot: Bot) -> None:
    """Wait until Telegram answers; raise InvalidSettings when it refuses the token."""
    for tries in count():
        try:
            await bot.initialize()
        except InvalidToken:
            unknown = "TELEGRAM_BOT_TOKEN is not a token that Telegram knows."
            raise InvalidSettings(unknown) from None
        except TelegramError as problem:
            log.warning("not_connected", extra={"code": type(problem).__name__})
            await asyncio.sleep(min(30, 2**tries))
        else:
            return


class TelegramChannel:
    """The channel named telegram; staff alerts go out through it too, to the staff chat."""

    name = "telegram"
    rate_limited = True

    def __init__(self, bot: RawBot, staff_chat: int | None = None) -> None:
        self._bot, self._staff_chat = bot, staff_chat

    def translate(self, body: Body) -> InboundEvent | None:
        """Return what a raw update means; a staff group is not left, as other groups are."""
        arrived = translate(body)
        elsewhere = arrived and arrived.chat_event == ChatEvent.ELSEWHERE
        is_staff_chat = arrived and elsewhere and arrived.address == str(self._staff_chat)
        return None if is_staff_chat else arrived

    async def send(self, address: str, kind: OutboxKind, body: Body) -> str | None:
        """Do what an outbox row says; return the id of a new message."""
        try:
            return await self._send(address, kind, body)
        except RetryAfter as wait:
            raise RateLimited(_retry_after_seconds(wait)) from None
        except Forbidden:
            raise ChatClosed from None
        except BadRequest as refused:
            if "chat not found" in refused.message.lower():
                raise ChatClosed from None
            raise PermanentFailure(f"{kind}_bad_request") from None
        except (NetworkError, InvalidToken) as problem:
            raise ChannelDown(type(problem).__name__) from None

    async def _send(self, address: str, kind: OutboxKind, body: Body) -> str | None:
        match kind:
            case OutboxKind.SAY:
                return await self._say(int(address), body)
            case OutboxKind.ACKNOWLEDGE:
                await self._acknowledge(body)
            case OutboxKind.CLEAR | OutboxKind.DELETE:
                await self._delete(int(address), body["messages"])
            case OutboxKind.OFFICER_COMMANDS:
                change = take_officer_commands if body.get("revoked") else give_officer_commands
                await change(self._bot, int(address))
            case OutboxKind.LEAVE_CHAT:
                await self._leave(int(body["address"]))
            case OutboxKind.ALERT if self._staff_chat is not None:
                await self._alert(self._staff_chat, body["text"])
            case _:
                raise PermanentFailure(f"unknown_{kind}")
        return None

    async def _alert(self, staff_chat: int, text: str) -> None:
        try:
            await self._bot.send_message(staff_chat, text)
        except ChatMigrated as moved:
            self._follow_staff_chat(moved)
            await self._bot.send_message(moved.new_chat_id, text)

    async def _leave(self, chat: int) -> None:
        """Leave a group, unless it is what the staff chat was upgraded to.

        Telegram is asked each time: what another process, or an earlier one, was told is not
        known here, and groups are seldom left.
        """
        if self._staff_chat is not None:
            try:
                await self._bot.get_chat(self._staff_chat)
            except ChatMigrated as moved:
                self._follow_staff_chat(moved)
            except (BadRequest, Forbidden):
                log.warning("staff_chat_unknown")
        if chat != self._staff_chat:
            await self._bot.leave_chat(chat)

    def _follow_staff_chat(self, moved: ChatMigrated) -> None:
        """The staff group became a supergroup, which has a number of its own."""
        log.warning("staff_chat_moved")  # rj doctor tells the new number
        self._staff_chat = moved.new_chat_id

    async def _say(self, chat: int, body: Body) -> str | None:
        if not body["edits_message_id"]:
            return await self._send_new(chat, body["text"], body)
        try:
            edit = {
                "chat_id": chat,
                "message_id": int(body["edits_message_id"]),
                "text": body["text"],
                "reply_markup": _inline_keyboard(body),
                "link_preview_options": _NO_PREVIEW,
            }
            await self._bot.call("editMessageText", edit)
        except (BadRequest, ValueError) as refused:
            said = str(refused).lower()
            if any(one in said for one in _ALREADY_DONE_ERRORS):
                return None
            editable = not any(one in said for one in _NOT_EDITABLE_ERRORS)
            if isinstance(refused, BadRequest) and editable:
                raise
            text = body["fallback_text"] if body["private"] else body["text"]
            return await self._send_new(chat, text, body)
        return None

    async def _send_new(self, chat: int, text: str, body: Body) -> str:
        message = {
            "chat_id": chat,
            "text": text,
            "reply_markup": _reply_markup(body),
            "disable_notification": True,
            "link_preview_options": _NO_PREVIEW,
        }
        sent = await self._bot.call("sendMessage", message)
        return str(sent["message_id"])

    async def _acknowledge(self, body: Body) -> None:
        answer = {"callback_query_id": body["press"], "text": body["toast"] or None}
        try:
            await self._bot.call("answerCallbackQuery", answer)
        except BadRequest as refused:
            if not any(one in refused.message.lower() for one in _ALREADY_DONE_ERRORS):
                raise

    async def _delete(self, chat: int, ids: list[str]) -> None:
        """Delete what can be: one message too old must not keep the others."""
        numbers = [int(id) for id in ids]
        for start in range(0, len(numbers), DELETE_BATCH_SIZE):
            some = numbers[start : start + DELETE_BATCH_SIZE]
            try:
                await self._bot.delete_messages(chat, some)
            except BadRequest:
                await asyncio.gather(
                    *(self._bot.delete_message(chat, id) for id in some), return_exceptions=True
                )


def _reply_markup(body: Body) -> Body | None:
    if body["clears_keyboard"]:
        return {"remove_keyboard": True}
    if any(_shares_number(button) for row in body["buttons"] for button in row):
        return _reply_keyboard(body)
    return _inline_keyboard(body)


def _shares_number(button: Body) -> bool:
    return bool(button["kind"] == ButtonKind.SHARE_NUMBER)


def _inline_keyboard(body: Body) -> Body | None:
    rows = [[_inline_button(one) for one in row if _is_allowed(one)] for row in body["buttons"]]
    kept = [row for row in rows if row]
    return {"inline_keyboard": kept} if kept else None


def _is_allowed(button: Body) -> bool:
    """Telegram opens pages of the open network only, and refuses the whole message otherwise."""
    return button["kind"] != ButtonKind.OPEN or str(button["id"]).startswith("https://")


def _inline_button(button: Body) -> Body:
    made: Body = {"text": button["label"]}
    if button["kind"] == ButtonKind.COPY:
        made["copy_text"] = {"text": button["id"]}
    elif button["kind"] == ButtonKind.OPEN:
        made["url"] = button["id"]
    else:
        made["callback_data"] = button["id"]
    if style := _STYLES.get(button["style"]):
        made["style"] = style
    return made


def _reply_keyboard(body: Body) -> Body:
    rows = [
        [{"text": one["label"], "request_contact": _shares_number(one)} for one in row]
        for row in body["buttons"]
        if row
    ]
    return {"keyboard": rows, "resize_keyboard": True, "one_time_keyboard": True}


def _retry_after_seconds(error: RetryAfter) -> float:
    after: Any = error._retry_after  # the public name warns about a coming change of its type
    return float(after.total_seconds())
