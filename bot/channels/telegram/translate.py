"""Turns one raw Telegram update into what was heard; what cannot be read raises at once."""

from telegram import CallbackQuery, Chat, ChatMemberUpdated, Message, Update

from bot.channels import Arrived, Body
from flows.conversation import Heard, Hearing

THINGS = (
    "voice",
    "video_note",
    "video",
    "audio",
    "photo",
    "animation",
    "sticker",
    "document",
    "location",
    "venue",
    "contact",
    "dice",
    "poll",
    "game",
    "story",
)
_GONE = ("left", "kicked")


def chat_of(raw: Body) -> str:
    """Return which chat a raw update is about, as far as can be seen without reading it whole."""
    for kind in ("message", "edited_message", "my_chat_member"):
        chat = _inside(_inside(raw, kind), "chat")
        if chat.get("id") is not None:
            return str(chat["id"])
    return str(_inside(_inside(raw, "callback_query"), "from").get("id", ""))


def translate(raw: Body) -> Arrived | None:
    """Return what a raw update means, None for what we do not listen to.

    Raises whatever the library raises for an update that it cannot read, and TypeError for one
    that holds something else where words or a number belong: the library does not look.
    """
    arrived = _meant(raw)
    if arrived is not None and not _is_sound(arrived):
        raise TypeError("not an update")
    return arrived


def _is_sound(arrived: Arrived) -> bool:
    heard = arrived.heard
    words = (heard.text, heard.profile_name, heard.language) if heard else ()
    numbers = (arrived.address, arrived.message)
    return all(one is None or isinstance(one, str) for one in (*words, arrived.press)) and all(
        one is None or one.removeprefix("-").isdecimal() for one in numbers
    )


def _meant(raw: Body) -> Arrived | None:
    update = Update.de_json(raw, None)
    if update.callback_query:
        return _pressed(update.callback_query)
    if update.my_chat_member:
        return _member(update.my_chat_member)
    message = update.message or update.edited_message
    if message is None:
        return None
    if message.chat.type != Chat.PRIVATE:
        return Arrived(str(message.chat.id), event="elsewhere")
    heard = _heard(message, edited=update.edited_message is not None)
    return Arrived(str(message.chat.id), heard, message=str(message.message_id)) if heard else None


def _heard(message: Message, edited: bool) -> Heard | None:
    sender = message.from_user
    if sender is None or sender.is_bot:
        return None
    about: Body = {
        "message": str(message.message_id),
        "profile_name": sender.first_name,
        "language": sender.language_code,
        "can_share_number": True,
        "can_open_page": True,
    }
    if message.text is not None:
        return Heard(Hearing.EDITED if edited else Hearing.SAID, message.text, **about)
    if edited and message.caption is None:
        return None
    contact = message.contact
    if contact and contact.user_id == sender.id:
        return Heard(Hearing.SHARED_NUMBER, _dialled(contact.phone_number), **about)
    thing = next((one for one in THINGS if getattr(message, one, None)), "")
    if not thing and _is_a_notice(message):
        return None
    return Heard(Hearing.SENT, message.caption or "", thing or "other", **about)


def _is_a_notice(message: Message) -> bool:
    """Telegram's own notes about the chat (a pinned message, a timer) are not from the person."""
    return any(
        getattr(message, note, None)
        for note in (
            "pinned_message",
            "message_auto_delete_timer_changed",
            "write_access_allowed",
            "users_shared",
            "chat_shared",
            "connected_website",
            "proximity_alert_triggered",
        )
    )


def _dialled(number: str) -> str:
    return number if number.startswith(("+", "0")) else f"+{number}"


def _pressed(query: CallbackQuery) -> Arrived | None:
    message = query.message
    if message is not None and message.chat.type != Chat.PRIVATE:
        return Arrived(str(message.chat.id), event="elsewhere")
    heard = Heard(
        Hearing.PRESSED,
        query.data or "",
        message=str(message.message_id) if message else None,
        profile_name=query.from_user.first_name,
        language=query.from_user.language_code,
        can_share_number=True,
        can_open_page=True,
    )
    return Arrived(str(query.from_user.id), heard, press=query.id)


def _member(change: ChatMemberUpdated) -> Arrived | None:
    status = change.new_chat_member.status
    if change.chat.type == Chat.PRIVATE:
        return Arrived(str(change.chat.id), event="blocked" if status in _GONE else "unblocked")
    return None if status in _GONE else Arrived(str(change.chat.id), event="elsewhere")


def _inside(raw: object, key: str) -> Body:
    found = raw.get(key) if isinstance(raw, dict) else None
    return found if isinstance(found, dict) else {}
