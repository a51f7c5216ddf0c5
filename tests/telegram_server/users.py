"""The people of a test: they write, press, share, block, and read their screens."""

from typing import Any, Literal

from tests.telegram_server.account import Account, Chat, Post
from tests.telegram_server.api.entities import commands_in
from tests.telegram_server.screen import ChatView, ScreenMessage, key_label, screen_message
from tests.telegram_server.state import Json

Kind = Literal[
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
]
LONGEST_MESSAGE = 4096
SERVICE_NOTES = ("new_chat_members", "migrate_to_chat_id", "migrate_from_chat_id")
"""Notes of Telegram's own in a group, which reach every bot in it."""
STRANGER = {"phone_number": "+447700900123", "first_name": "Somebody", "last_name": "Else"}


class ChatActor(ChatView):
    """What anybody can do in a chat with the bot; `user` says who does it."""

    def _write(
        self, user: Json, content: Json, reply_to: ScreenMessage | None = None
    ) -> ScreenMessage:
        answered = self.chat.posts.get(reply_to.id) if reply_to else None
        post = self.account.add_post(self.chat, user, content, reply_to=answered)
        if self._reaches_bot(post):
            self.account.updates.add("message", post.as_json(), self.chat.id)
        return screen_message(post)

    def _say(self, user: Json, text: str, reply_to: ScreenMessage | None = None) -> ScreenMessage:
        assert text.strip(), "nobody can send an empty message"
        with self.world.changed:
            self._check_open()
            parts = range(0, len(text), LONGEST_MESSAGE)
            sent = [
                self._write(user, _typed(text[at : at + LONGEST_MESSAGE]), reply_to) for at in parts
            ]
            return sent[-1]

    def _rewrite(self, message: ScreenMessage, new_text: str) -> ScreenMessage:
        with self.world.changed:
            self._check_open()
            post = self.chat.posts[message.id]
            assert not post.from_bot, "people can edit only their own messages"
            post.content = _typed(new_text)
            post.edit_date = int(self.world.clock().timestamp())
            self.account.notify_changed(self.chat)
            if self._reaches_bot(post):
                self.account.updates.add("edited_message", post.as_json(), self.chat.id)
            return screen_message(post)

    def _press(self, user: Json, label: str) -> Json | None:
        """Press what bears the label; return the button if it does its work on the phone."""
        with self.world.changed:
            self._check_open()
            for post in self._newest_first():
                for button in (button for row in post.inline_rows for button in row):
                    if button["text"] == label:
                        return self._press_button(user, post, button)
                for key in self._keys_of(post):
                    if key_label(key) == label:
                        return self._press_key(user, key)
            raise AssertionError(f"no button {label!r} among {self.labels}; {self.shown()}")

    @property
    def labels(self) -> list[str]:
        """All labels that could be pressed, newest message first."""
        with self.world.changed:
            return [
                key_label(button)
                for post in self._newest_first()
                for row in [*post.inline_rows, self._keys_of(post)]
                for button in row
            ]

    def _keys_of(self, post: Post) -> list[Any]:
        if post is not self.chat.keyboard_from or not post.markup:
            return []
        return [key for row in post.markup["keyboard"] for key in row]

    def _press_button(self, user: Json, post: Post, button: Json) -> Json | None:
        if button.get("callback_data") is None:
            return button
        self._press_data(user, button["callback_data"], button["text"], post.id)
        return None

    def _press_key(self, user: Json, key: Any) -> Json | None:
        if isinstance(key, dict) and (key.get("request_contact") or key.get("request_location")):
            return key
        self._write(user, _typed(key_label(key)))
        return None

    def _press_data(self, user: Json, data: str, label: str, message_id: int) -> None:
        query = self.account.add_query(self.chat, label)
        post = self.chat.posts.get(message_id)
        gone = {"chat": self.chat.as_json(), "message_id": message_id, "date": 0}
        body = {
            "id": query.id,
            "from": user,
            "message": post.as_json() if post else gone,
            "chat_instance": str(self.chat.id * 7_919),
            "data": data,
        }
        self.account.updates.add("callback_query", body, self.chat.id)
        self.account.notify_changed(self.chat)

    def _bot_status(self, by: Json, old: str, new: str) -> None:
        date = int(self.world.clock().timestamp())
        body = {
            "chat": self.chat.as_json(),
            "from": by,
            "date": date,
            "old_chat_member": self._member(old),
            "new_chat_member": self._member(new),
        }
        self.account.updates.add("my_chat_member", body, self.chat.id)
        self.account.notify_changed(self.chat)

    def _member(self, status: str) -> Json:
        member: Json = {"user": self.account.as_user(), "status": status}
        return member | ({"until_date": 0} if status == "kicked" else {})

    def _reaches_bot(self, post: Post) -> bool:
        return True

    def _check_open(self) -> None:
        assert not self.chat.blocked, "the person blocked the bot and must unblock it first"


class TelegramUser(ChatActor):
    """Somebody in a private chat with the bot."""

    def __init__(self, account: Account, chat: Chat, user: Json, phone: str) -> None:
        super().__init__(account, chat)
        self.user = user
        self.phone = phone
        self.clipboard = ""
        self.opened: list[str] = []

    def says(self, text: str, reply_to: ScreenMessage | None = None) -> ScreenMessage:
        """Write to the bot; what is longer than 4096 characters goes as several messages."""
        self.chat.wrote_first = True
        return self._say(self.user, text, reply_to)

    def opens_link(self, payload: str = "") -> ScreenMessage:
        """Come by a link to the bot and press Start."""
        return self.says(f"/start {payload}".strip())

    def edits(self, message: ScreenMessage, new_text: str) -> ScreenMessage:
        """Change the words of an own message."""
        return self._rewrite(message, new_text)

    def presses(self, label: str, timeout: float = 0) -> None:
        """Press the newest button or key with this label, waiting for it up to `timeout` seconds.

        Raises AssertionError, naming the labels there are, when there is none.
        """
        if timeout:
            self.wait_for(lambda chat: label in chat.labels, timeout)
        done_on_phone = self._press(self.user, label)
        if done_on_phone is None:
            return
        if done_on_phone.get("request_contact"):
            self.shares_own_number()
        elif done_on_phone.get("request_location"):
            self.sends("location")
        elif copied := done_on_phone.get("copy_text"):
            self.clipboard = copied["text"]
        else:
            page = done_on_phone.get("web_app") or done_on_phone
            self.opened.append(page.get("url", ""))

    def presses_id(self, data: str, message: ScreenMessage | None = None) -> None:
        """Press with raw data, also of a message that is gone; by default the newest of the bot."""
        with self.world.changed:
            self._check_open()
            number = message.id if message else self.last_from_bot.id
            self._press_data(self.user, data, data, number)

    def shares_own_number(self, number: str = "") -> ScreenMessage:
        """Answer a key that asks for the own number; raises AssertionError without such a key."""
        with self.world.changed:
            asked = self.chat.keyboard_from
            keys = self._keys_of(asked) if asked else []
            wanted = any(isinstance(key, dict) and key.get("request_contact") for key in keys)
            assert wanted, f"the bot did not ask for a number; screen:\n{self.shown()}"
            contact = {
                "phone_number": number or self.phone,
                "first_name": self.user["first_name"],
                "user_id": self.user["id"],
            }
            return self._attach({"contact": contact})

    def sends_contact_of_somebody_else(self, known_to_telegram: bool = True) -> ScreenMessage:
        """Share a card from the address book, with or without a Telegram number in it."""
        theirs = {"user_id": self.user["id"] + 1_000_000} if known_to_telegram else {}
        return self._attach({"contact": STRANGER | theirs})

    def sends(self, kind: Kind, caption: str = "") -> ScreenMessage:
        """Send something that is not words."""
        number = next(self.account.file_numbers)
        return self._attach(attachment(kind, number) | ({"caption": caption} if caption else {}))

    def blocks_the_bot(self) -> None:
        """Stop the bot; it hears of it and can write no more."""
        with self.world.changed:
            self._check_open()
            self.chat.blocked = True
            self._bot_status(self.user, "member", "kicked")

    def unblocks_the_bot(self) -> None:
        """Let the bot write again."""
        with self.world.changed:
            self.chat.blocked = False
            self._bot_status(self.user, "kicked", "member")

    def _attach(self, content: Json) -> ScreenMessage:
        with self.world.changed:
            self._check_open()
            self.chat.wrote_first = True
            return self._write(self.user, content)


class TelegramGroup(ChatActor):
    """A group chat; the bot hears only commands, mentions and replies unless it is an admin."""

    def says(
        self, person: TelegramUser, text: str, reply_to: ScreenMessage | None = None
    ) -> ScreenMessage:
        """Let a member write to the group."""
        return self._say(person.user, text, reply_to)

    def presses(self, person: TelegramUser, label: str) -> None:
        """Let a member press a button; raises AssertionError when there is none."""
        self._press(person.user, label)

    def adds_the_bot(self, by: TelegramUser) -> None:
        """Let a member add the bot."""
        with self.world.changed:
            self.chat.bot_is_member, self.chat.bot_was_removed = True, False
            self._bot_status(by.user, "left", "member")
            self._write(by.user, {"new_chat_members": [self.account.as_user()]})

    def removes_the_bot(self, by: TelegramUser) -> None:
        """Let a member throw the bot out."""
        with self.world.changed:
            self.chat.bot_is_member, self.chat.bot_was_removed = False, True
            self._bot_status(by.user, "member", "kicked")

    def becomes_supergroup(self, by: TelegramUser) -> "TelegramGroup":
        """Upgrade the group; return what it is from now on, under an id of its own."""
        with self.world.changed:
            upgraded = Chat(self.chat.id - 1_000_000, "supergroup", self.chat.names)
            upgraded.bot_is_admin = self.chat.bot_is_admin
            self.account.chats[upgraded.id] = upgraded
            new = TelegramGroup(self.account, upgraded)
            self._write(by.user, {"migrate_to_chat_id": upgraded.id})
            new._write(by.user, {"migrate_from_chat_id": self.chat.id})
            self.chat.migrated_to = upgraded.id
            return new

    def _reaches_bot(self, post: Post) -> bool:
        if not self.chat.bot_is_member:
            return False
        replied = post.reply_to is not None and post.reply_to.from_bot
        spoken_to = post.text.startswith("/") or f"@{self.account.username}" in post.text
        service = any(note in post.content for note in SERVICE_NOTES)
        return self.chat.bot_is_admin or replied or spoken_to or service


def attachment(kind: Kind, number: int) -> Json:
    """Return the content of a message of this kind, as Telegram describes it."""
    file: Json = {"file_id": f"{kind}-{number}", "file_unique_id": f"u{number}", "file_size": 2048}
    size = {"width": 320, "height": 240}
    shapes: dict[str, Any] = {
        "voice": file | {"duration": 3, "mime_type": "audio/ogg"},
        "photo": [file | size],
        "document": file | {"file_name": "letter.pdf", "mime_type": "application/pdf"},
        "sticker": file | size | {"type": "regular", "is_animated": False, "is_video": False},
        "location": {"latitude": 51.2724, "longitude": 0.5235},
        "video": file | size | {"duration": 4, "mime_type": "video/mp4"},
        "video_note": file | {"length": 240, "duration": 4},
        "dice": {"emoji": "\N{GAME DIE}", "value": 4},
        "poll": _poll(number),
        "audio": file | {"duration": 9, "mime_type": "audio/mpeg", "title": "Song"},
        "animation": file | size | {"duration": 2, "mime_type": "video/mp4"},
    }
    found: Json = {kind: shapes[kind]}
    return found | {"document": file} if kind == "animation" else found


def _poll(number: int) -> Json:
    options = [
        {"text": text, "voter_count": 0, "persistent_id": f"{number}-{text}"}
        for text in ("Tea", "Coffee")
    ]
    return {
        "id": str(number),
        "question": "Tea or coffee?",
        "options": options,
        "total_voter_count": 0,
        "is_closed": False,
        "is_anonymous": True,
        "type": "regular",
        "allows_multiple_answers": False,
        "allows_revoting": True,
        "members_only": False,
    }


def _typed(text: str) -> Json:
    trimmed = text.strip()
    commands = commands_in(trimmed)
    return {"text": trimmed} | ({"entities": commands} if commands else {})
