"""Turns one raw Telegram update into what was heard; what cannot be read raises at once."""

from typing import TypeVar

from telegram import Chat, ChatMember

from bot.channel_interface import Body, ChatEvent, InboundEvent
from flows import inputs

T = TypeVar("T")

ATTACHMENT_KINDS = (
    *("voice", "video_note", "video", "audio", "photo", "animation", "sticker", "document"),
    *("location", "venue", "contact", "dice", "poll", "game", "story"),
)
SERVICE_NOTES = (
    *("pinned_message", "message_auto_delete_timer_changed", "write_access_allowed"),
    *("users_shared", "chat_shared", "connected_website", "proximity_alert_triggered"),
)
"""Telegram's own notes about the chat (a pinned message, a timer), which nobody has written."""
_LEFT_STATUSES = (ChatMember.LEFT, ChatMember.BANNED)


def chat_id_of(raw: Body) -> str:
    """Return which chat a raw update is about, as far as can be seen without reading it whole."""
    for kind in ("message", "edited_message", "my_chat_member"):
        chat = _nested_dict(_nested_dict(raw, kind), "chat")
        if chat.get("id") is not None:
            return str(chat["id"])
    return str(_nested_dict(_nested_dict(raw, "callback_query"), "from").get("id", ""))


def translate(raw: Body) -> InboundEvent | None:
    """Return what a raw update means, None for what we do not listen to.

    Raises KeyError or TypeError for an update that lacks what the Bot API says is always there,
    or holds something else where words or a number belong. Only what is used is read: to build
    the library's own objects takes three times as long as the whole rest of this.
    """
    if query := _optional(raw, "callback_query", dict):
        return _button_event(query)
    if change := _optional(raw, "my_chat_member", dict):
        return _membership_event(change)
    edited = _optional(raw, "edited_message", dict)
    message = _optional(raw, "message", dict) or edited
    if message is None:
        return None
    address, is_private = _chat_of(message)
    if not is_private:
        return InboundEvent(address, chat_event=ChatEvent.ELSEWHERE)
    id = _number(message, "message_id")
    heard = _message_input(message, id, edited=message is edited)
    return InboundEvent(address, heard, message_id=id) if heard else None


def _message_input(message: Body, id: str, edited: bool) -> inputs.Input | None:
    sender = _optional(message, "from", dict)
    if sender is None or sender.get("is_bot"):
        return None
    about = _sender_of(sender)
    text, caption = _optional(message, "text", str), _optional(message, "caption", str)
    if text is not None:
        read = inputs.MessageEdit if edited else inputs.TypedText
        return read(text, message_id=id, sender=about)
    if edited and caption is None:
        return None
    contact = _optional(message, "contact", dict)
    if contact and contact.get("user_id") == sender["id"]:
        given = _required(contact, "phone_number", str)
        number = given if given.startswith(("+", "0")) else f"+{given}"
        return inputs.SharedNumber(number, message_id=id, sender=about)
    thing = next((one for one in ATTACHMENT_KINDS if message.get(one)), "")
    if not thing and any(message.get(note) for note in SERVICE_NOTES):
        return None
    return inputs.Attachment(thing or "other", caption or "", message_id=id, sender=about)


def _sender_of(user: Body) -> inputs.Sender:
    _number(user, "id")
    return inputs.Sender(
        _required(user, "first_name", str),
        can_share_number=True,
        can_open_page=True,
        language=_optional(user, "language_code", str),
    )


def _button_event(query: Body) -> InboundEvent | None:
    message = _optional(query, "message", dict)
    if message is not None:
        address, is_private = _chat_of(message)
        if not is_private:
            return InboundEvent(address, chat_event=ChatEvent.ELSEWHERE)
    id = _number(message, "message_id") if message else None
    sender = _required(query, "from", dict)
    pressed = _optional(query, "data", str) or ""
    heard = inputs.ButtonPress(pressed, message_id=id, sender=_sender_of(sender))
    return InboundEvent(_number(sender, "id"), heard, callback_id=_required(query, "id", str))


def _membership_event(change: Body) -> InboundEvent | None:
    address, is_private = _chat_of(change)
    left = _required(_required(change, "new_chat_member", dict), "status", str) in _LEFT_STATUSES
    if is_private:
        event = ChatEvent.BLOCKED if left else ChatEvent.UNBLOCKED
        return InboundEvent(address, chat_event=event)
    return None if left else InboundEvent(address, chat_event=ChatEvent.ELSEWHERE)


def _chat_of(holder: Body) -> tuple[str, bool]:
    """Return the chat's number, and whether it is one with a single person."""
    chat = _required(holder, "chat", dict)
    return _number(chat, "id"), _required(chat, "type", str) == Chat.PRIVATE


def _required(raw: Body, key: str, kind: type[T]) -> T:
    found = raw[key]
    if not isinstance(found, kind):
        raise TypeError("not an update")
    return found


def _optional(raw: Body, key: str, kind: type[T]) -> T | None:
    return None if raw.get(key) is None else _required(raw, key, kind)


def _number(raw: Body, key: str) -> str:
    found = _required(raw, key, int)
    if isinstance(found, bool):
        raise TypeError("not an update")
    return str(found)


def _nested_dict(raw: object, key: str) -> Body:
    found = raw.get(key) if isinstance(raw, dict) else None
    return found if isinstance(found, dict) else {}
