"""The methods that send, change and delete messages, refusing what the Bot API refuses."""

from collections.abc import Callable
from typing import Any

from tests.telegram_server.account import Account, Chat, Post
from tests.telegram_server.api.entities import read_text, width
from tests.telegram_server.api.markup import read_inline_markup, read_markup
from tests.telegram_server.api.parameters import Upload, fields, objects, whole_number, words
from tests.telegram_server.state import BotApiError, Json

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
DELETE_AT_ONCE = 100
DELETABLE_SECONDS = 48 * 60 * 60
OPTIONS = ("parse_mode", "disable_notification", "protect_content", "link_preview_options")
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly "
    "the same as a current content and reply markup of the message"
)


def send_message(account: Account, given: Json) -> Json:
    """Send words to a chat."""
    chat = open_chat(account, given)
    text, entities = read_text(
        words(given, "text"), words(given, "parse_mode"), objects(given, "entities")
    )
    if not text:
        raise _bad_request("message text is empty")
    if width(text) > TEXT_LIMIT:
        raise _bad_request("message is too long")
    return _send(account, chat, given, _with_entities("text", text, entities))


def send_document(account: Account, given: Json) -> Json:
    """Send a file with an optional caption."""
    chat = open_chat(account, given)
    file = given.get("document")
    if isinstance(file, str) and file.startswith("attach://"):
        file = given.get(file.removeprefix("attach://"))
    if not isinstance(file, (str, Upload)) or not file:
        raise _bad_request("there is no document in the request")
    name = file.name if isinstance(file, Upload) else file
    size = len(file.content) if isinstance(file, Upload) else 0
    document = {
        "file_id": f"document-{name}",
        "file_unique_id": f"unique-{name}",
        "file_name": name,
        "file_size": size,
    }
    caption = _read_caption(given)
    return _send(account, chat, given, {"document": document, **caption})


def edit_message_text(account: Account, given: Json) -> Json:
    """Change the words of a message of the bot's own; without a keyboard it loses its keyboard."""
    post = _editable(account, given)
    text, entities = read_text(
        words(given, "text"), words(given, "parse_mode"), objects(given, "entities")
    )
    if "text" not in post.content:
        raise _bad_request("there is no text in the message to edit")
    if not text:
        raise _bad_request("message text is empty")
    if width(text) > TEXT_LIMIT:
        raise _bad_request("message is too long")
    content = _with_entities("text", text, entities)
    return _edit(account, post, content, given)


def edit_message_caption(account: Account, given: Json) -> Json:
    """Change the caption of a message of the bot's own."""
    post = _editable(account, given)
    if "text" in post.content:
        raise _bad_request("there is no caption in the message to edit")
    kept = {
        name: value
        for name, value in post.content.items()
        if name not in ("caption", "caption_entities")
    }
    return _edit(account, post, kept | _read_caption(given), given)


def edit_message_reply_markup(account: Account, given: Json) -> Json:
    """Change only the buttons under a message of the bot's own."""
    post = _editable(account, given)
    return _edit(account, post, post.content, given)


def delete_message(account: Account, given: Json) -> bool:
    """Delete one message, for everybody."""
    chat = open_chat(account, given)
    post = chat.posts.get(whole_number(given, "message_id"))
    if post is None:
        raise _bad_request("message to delete not found")
    _check_deletable(account, post)
    _remove(account, post)
    return True


def delete_messages(account: Account, given: Json) -> bool:
    """Delete up to 100 messages, skipping missing ones; one that may not go stops all."""
    chat = open_chat(account, given)
    numbers = objects(given, "message_ids")
    if not numbers:
        raise _bad_request("message identifiers are not specified")
    if len(numbers) > DELETE_AT_ONCE:
        raise _bad_request("too many message identifiers specified")
    posts = [chat.posts[number] for number in dict.fromkeys(numbers) if number in chat.posts]
    for post in posts:
        _check_deletable(account, post)
    for post in posts:
        _remove(account, post)
    return True


MESSAGE_METHODS: dict[str, Callable[[Account, Json], Any]] = {
    "sendMessage": send_message,
    "sendDocument": send_document,
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
}


def find_chat(account: Account, given: Json) -> Chat:
    """Return the chat a call names; raises Refused when the bot never heard of it."""
    number = given.get("chat_id")
    if number in (None, ""):
        raise _bad_request("chat_id is empty")
    chat = account.chats.get(number) if isinstance(number, int) else None
    if chat is None:
        raise _bad_request("chat not found")
    if chat.migrated_to is not None:
        said = "Bad Request: group chat was upgraded to a supergroup chat"
        raise BotApiError(400, said, migrate_to=chat.migrated_to)
    return chat


def open_chat(account: Account, given: Json) -> Chat:
    """Return the chat a call names if the bot may write there; raises Refused if not."""
    chat = find_chat(account, given)
    if not chat.known:
        raise BotApiError(403, "Forbidden: bot can't initiate conversation with a user")
    if chat.blocked:
        raise BotApiError(403, "Forbidden: bot was blocked by the user")
    if chat.bot_was_removed:
        raise BotApiError(403, "Forbidden: bot was kicked from the supergroup chat")
    if not chat.bot_is_member:
        raise BotApiError(403, "Forbidden: bot is not a member of the supergroup chat")
    return chat


def _send(account: Account, chat: Chat, given: Json, content: Json) -> Json:
    markup = read_markup(given, chat.private)
    reply_to = _replied_to(chat, given)
    options = {name: given[name] for name in OPTIONS if given.get(name)}
    post = account.add_post(
        chat, account.as_user(), content, markup=markup, options=options, reply_to=reply_to
    )
    return post.as_json()


def _replied_to(chat: Chat, given: Json) -> Post | None:
    wanted = fields(given, "reply_parameters")
    if not wanted:
        return None
    post = chat.posts.get(whole_number(wanted, "message_id"))
    if post is None and not wanted.get("allow_sending_without_reply"):
        raise _bad_request("message to be replied not found")
    return post


def _read_caption(given: Json) -> Json:
    caption, entities = read_text(
        words(given, "caption"), words(given, "parse_mode"), objects(given, "caption_entities")
    )
    if width(caption) > CAPTION_LIMIT:
        raise _bad_request("message caption is too long")
    found = _with_entities("caption", caption, entities) if caption else {}
    if "entities" in found:
        found["caption_entities"] = found.pop("entities")
    return found


def _with_entities(name: str, text: str, entities: list[Json]) -> Json:
    return {name: text, "entities": entities} if entities else {name: text}


def _editable(account: Account, given: Json) -> Post:
    chat = open_chat(account, given)
    post = chat.posts.get(whole_number(given, "message_id"))
    if post is None:
        raise _bad_request("message to edit not found")
    if not post.from_bot or (post.markup and "inline_keyboard" not in post.markup):
        raise _bad_request("message can't be edited")
    return post


def _edit(account: Account, post: Post, content: Json, given: Json) -> Json:
    markup = read_inline_markup(given)
    if (content, markup) == (post.content, post.markup):
        raise _bad_request(NOT_MODIFIED)
    post.content, post.markup = content, markup
    post.options["parse_mode"] = given.get("parse_mode")
    post.edit_date = int(account.world.clock().timestamp())
    account.log_event("edit", post.chat, post)
    account.notify_changed(post.chat)
    return post.as_json()


def _check_deletable(account: Account, post: Post) -> None:
    age = account.world.clock().timestamp() - post.date
    others = not post.chat.private and not post.from_bot and not post.chat.bot_is_admin
    fresh_dice = post.chat.private and "dice" in post.content and age < DELETABLE_SECONDS / 2
    if age >= DELETABLE_SECONDS or others or fresh_dice:
        raise _bad_request("message can't be deleted for everyone")


def _remove(account: Account, post: Post) -> None:
    post.chat.remove(post)
    account.log_event("deleted", post.chat, post)
    account.notify_changed(post.chat)


def _bad_request(why: str) -> BotApiError:
    return BotApiError(400, f"Bad Request: {why}")
