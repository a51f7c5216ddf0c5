"""What Telegram keeps for one bot: its chats, messages, questions pressed and everything sent."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal, NamedTuple

from tests.telegram_server.state import Json, ServerState
from tests.telegram_server.updates import UpdateQueue

FIRST_MESSAGE_ID = 1
FIRST_QUERY_ID = 7_000_000_000_000_001


class Toast(NamedTuple):
    """The answer to a press: a short notice on top of the chat, or a box to close."""

    text: str
    alert: bool


class ShownEvent(NamedTuple):
    """Something that reached people from the bot, in the order in which it did."""

    kind: Literal["new", "edit", "toast", "deleted"]
    chat_id: int
    message_id: int | None
    text: str
    labels: tuple[str, ...]


@dataclass(eq=False)
class Post:
    """One message in a chat, from a person or from the bot."""

    chat: "Chat"
    id: int
    sender: Json
    date: int
    content: Json
    markup: Json | None = None
    options: Json = field(default_factory=dict)
    edit_date: int | None = None
    reply_to: "Post | None" = None

    @property
    def from_bot(self) -> bool:
        """Whether the bot wrote it."""
        return bool(self.sender["is_bot"])

    @property
    def text(self) -> str:
        """The words of it: text or caption."""
        return str(self.content.get("text") or self.content.get("caption") or "")

    @property
    def inline_rows(self) -> list[list[Json]]:
        """The rows of buttons under it."""
        rows: list[list[Json]] = (self.markup or {}).get("inline_keyboard", [])
        return rows

    def as_json(self) -> Json:
        """Return the message as Telegram shows it to the bot."""
        found = {
            "message_id": self.id,
            "from": self.sender,
            "chat": self.chat.as_json(),
            "date": self.date,
            **self.content,
        }
        if self.edit_date is not None:
            found["edit_date"] = self.edit_date
        if self.inline_rows:
            found["reply_markup"] = self.markup
        if self.options.get("protect_content"):
            found["has_protected_content"] = True
        if self.reply_to is not None:
            answered = self.reply_to.as_json()
            answered.pop("reply_to_message", None)
            found["reply_to_message"] = answered
        return found


@dataclass(eq=False)
class Chat:
    """One private chat or group, with what can be seen in it."""

    id: int
    kind: Literal["private", "supergroup"]
    names: Json
    posts: dict[int, Post] = field(default_factory=dict)
    wrote_first: bool = False
    blocked: bool = False
    bot_is_member: bool = True
    bot_was_removed: bool = False
    bot_is_admin: bool = False
    migrated_to: int | None = None
    keyboard_from: Post | None = None
    toasts: list[Toast] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    changed_at: float = field(default_factory=time.monotonic)

    @property
    def private(self) -> bool:
        """Whether it is a chat with one person."""
        return self.kind == "private"

    @property
    def known(self) -> bool:
        """Whether the bot has met it: a person must have written first."""
        return self.wrote_first or not self.private

    def as_json(self) -> Json:
        """Return the chat as Telegram shows it inside a message."""
        return {"id": self.id, "type": self.kind, **self.names}

    def show_keyboard(self, post: Post) -> None:
        """Change the keyboard under the typing field as this new message says."""
        markup = post.markup or {}
        if "keyboard" in markup:
            self.keyboard_from = post
        elif markup.get("remove_keyboard"):
            self.keyboard_from = None

    def remove(self, post: Post) -> None:
        """Delete a message and the keyboard it brought."""
        del self.posts[post.id]
        if self.keyboard_from is post:
            self.keyboard_from = None


@dataclass
class CallbackQuery:
    """A press that waits for its answer."""

    id: str
    chat: Chat
    label: str
    asked: float
    answered: bool = False


class Account:
    """One bot, found by its token."""

    def __init__(self, token: str, world: ServerState) -> None:
        self.token = token
        self.id = int(token.partition(":")[0])
        self.username = f"bot{self.id}_bot"
        self.names = {"": f"Bot {self.id}"}
        self.descriptions: dict[str, str] = {}
        self.short_descriptions: dict[str, str] = {}
        self.commands: dict[tuple[str, str], list[Json]] = {}
        self.menu_buttons: dict[int | None, Json] = {}
        self.chats: dict[int, Chat] = {}
        self.queries: dict[str, CallbackQuery] = {}
        self.sent: list[ShownEvent] = []
        self.file_numbers = count(1)
        self.world = world
        self.updates = UpdateQueue(world)
        self._next_message = FIRST_MESSAGE_ID

    def as_user(self) -> Json:
        """Return the bot as the author of a message."""
        return {
            "id": self.id,
            "is_bot": True,
            "first_name": self.names[""],
            "username": self.username,
        }

    def add_post(self, chat: Chat, sender: Json, content: Json, **more: Any) -> Post:
        """Put a new message into a chat and return it."""
        post = Post(
            chat, self._next_message, sender, int(self.world.clock().timestamp()), content, **more
        )
        self._next_message += 1
        chat.posts[post.id] = post
        if post.from_bot:
            chat.show_keyboard(post)
            self.log_event("new", chat, post)
        self.notify_changed(chat)
        return post

    def add_query(self, chat: Chat, label: str) -> CallbackQuery:
        """Remember a press that the bot has to answer, and return it."""
        number = str(FIRST_QUERY_ID + len(self.queries))
        self.queries[number] = CallbackQuery(number, chat, label, self.world.clock().timestamp())
        return self.queries[number]

    def log_event(self, kind: Literal["new", "edit", "deleted"], chat: Chat, post: Post) -> None:
        """Write down what people now see."""
        self.sent.append(ShownEvent(kind, chat.id, post.id, post.text, tuple(labels_of(post))))

    def log_toast(self, chat: Chat, text: str) -> None:
        """Write down the answer to a press."""
        self.sent.append(ShownEvent("toast", chat.id, None, text, ()))

    def notify_changed(self, chat: Chat) -> None:
        """Tell everybody who waits that this chat has changed."""
        chat.changed_at = time.monotonic()
        self.world.changed.notify_all()


def labels_of(post: Post) -> Iterator[str]:
    """Yield the labels of all buttons and keys a message brought."""
    markup = post.markup or {}
    for row in markup.get("inline_keyboard") or markup.get("keyboard") or []:
        for button in row:
            yield str(button if isinstance(button, str) else button["text"])
