"""Turns one raw Telegram update into what was heard; what cannot be read raises at once."""

from telegram import CallbackQuery, Chat, ChatMember, ChatMemberUpdated, Message, Update, User

from bot.channel_interface import Body, ChatEvent, InboundEvent
from flows import inputs

ATTACHMENT_KINDS = (
    *("voice", "video_note", "video", "audio", "photo", "animation", "sticker", "document"),
    *("location", "venue", "contact", "dice", "poll", "game", "story"),
)
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

    Raises whatever the library raises for an update that it cannot read, and TypeError for one
    that holds something else where words or a number belong: the library does not look.
    """
    arrived = _parse_update(raw)
    if arrived is not None and not _has_valid_types(arrived):
        raise TypeError("not an update")
    return arrived


def _has_valid_types(inbound: InboundEvent) -> bool:
    heard = inbound.user_input
    words = (_text_of(heard), heard.sender.profile_name, heard.sender.language) if heard else ()
    numbers = (inbound.address, inbound.message_id)
    return all(
        one is None or isinstance(one, str) for one in (*words, inbound.callback_id)
    ) and all(one is None or one.removeprefix("-").isdecimal() for one in numbers)


def _text_of(user_input: inputs.Input) -> str:
    match user_input:
        case (
            inputs.TypedText(text)
            | inputs.MessageEdit(text)
            | inputs.ButtonPress(text)
            | inputs.SharedNumber(text)
        ):
            return text
        case inputs.Attachment(_, caption):
            return caption
        case inputs.FormSubmission():
            return ""


def _parse_update(raw: Body) -> InboundEvent | None:
    update = Update.de_json(raw, None)
    if update.callback_query:
        return _button_event(update.callback_query)
    if update.my_chat_member:
        return _membership_event(update.my_chat_member)
    message = update.message or update.edited_message
    if message is None:
        return None
    if message.chat.type != Chat.PRIVATE:
        return InboundEvent(str(message.chat.id), chat_event=ChatEvent.ELSEWHERE)
    heard = _message_input(message, edited=update.edited_message is not None)
    event = InboundEvent(str(message.chat.id), heard, message_id=str(message.message_id))
    return event if heard else None


def _message_input(message: Message, edited: bool) -> inputs.Input | None:
    sender = message.from_user
    if sender is None or sender.is_bot:
        return None
    id, about = str(message.message_id), _sender_of(sender)
    if message.text is not None:
        read = inputs.MessageEdit if edited else inputs.TypedText
        return read(message.text, message_id=id, sender=about)
    if edited and message.caption is None:
        return None
    contact = message.contact
    if contact and contact.user_id == sender.id:
        given = contact.phone_number
        number = given if given.startswith(("+", "0")) else f"+{given}"
        return inputs.SharedNumber(number, message_id=id, sender=about)
    thing = next((one for one in ATTACHMENT_KINDS if getattr(message, one, None)), "")
    if not thing and _is_service_message(message):
        return None
    return inputs.Attachment(thing or "other", message.caption or "", message_id=id, sender=about)


def _sender_of(user: User) -> inputs.Sender:
    return inputs.Sender(
        user.first_name, can_share_number=True, can_open_page=True, language=user.language_code
    )


def _is_service_message(message: Message) -> bool:
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


def _button_event(query: CallbackQuery) -> InboundEvent | None:
    message = query.message
    if message is not None and message.chat.type != Chat.PRIVATE:
        return InboundEvent(str(message.chat.id), chat_event=ChatEvent.ELSEWHERE)
    id = str(message.message_id) if message else None
    heard = inputs.ButtonPress(query.data or "", message_id=id, sender=_sender_of(query.from_user))
    return InboundEvent(str(query.from_user.id), heard, callback_id=query.id)


def _membership_event(change: ChatMemberUpdated) -> InboundEvent | None:
    address, left = str(change.chat.id), change.new_chat_member.status in _LEFT_STATUSES
    if change.chat.type == Chat.PRIVATE:
        event = ChatEvent.BLOCKED if left else ChatEvent.UNBLOCKED
        return InboundEvent(address, chat_event=event)
    return None if left else InboundEvent(address, chat_event=ChatEvent.ELSEWHERE)


def _nested_dict(raw: object, key: str) -> Body:
    found = raw.get(key) if isinstance(raw, dict) else None
    return found if isinstance(found, dict) else {}
