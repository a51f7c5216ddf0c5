"""What a person sees: the messages of a chat as they stand now, and ways to wait for them."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self, TypeVar

from tests.telegram_server.account import Account, Chat, Post, Toast
from tests.telegram_server.state import Json

T = TypeVar("T")


class ScreenButton(NamedTuple):
    """One button under a message."""

    label: str
    data: str | None = None
    url: str | None = None
    copy_text: str | None = None
    style: str | None = None


@dataclass(frozen=True)
class ScreenMessage:
    """One message as it stood when it was looked at; `date` in seconds since 1970."""

    id: int
    from_bot: bool
    kind: str
    text: str
    buttons: tuple[tuple[ScreenButton, ...], ...]
    keyboard: tuple[tuple[str, ...], ...]
    edited: bool
    date: int
    entities: tuple[Json, ...]
    parse_mode: str | None
    protected: bool
    silent: bool
    force_reply: bool
    placeholder: str | None

    @property
    def labels(self) -> list[str]:
        """The labels of its buttons, or of the keyboard it brought, in reading order."""
        if self.buttons:
            return [button.label for row in self.buttons for button in row]
        return [label for row in self.keyboard for label in row]

    def __str__(self) -> str:
        """Return the message on a few lines, for a test that fails."""
        who = "bot" if self.from_bot else "person"
        edited = " (edited)" if self.edited else ""
        rows = [[button.label for button in row] for row in self.buttons]
        shown = [f"{self.id} {who}{edited}: {self.text or '<' + self.kind + '>'}"]
        shown += ["    " + "  ".join(f"[{label}]" for label in row) for row in rows]
        return "\n".join(shown)


def key_label(key: str | Json) -> str:
    """Return the label of a key of a reply keyboard."""
    return key if isinstance(key, str) else str(key["text"])


def screen_message(post: Post) -> ScreenMessage:
    """Return what a message looks like now."""
    markup = post.markup or {}
    return ScreenMessage(
        id=post.id,
        from_bot=post.from_bot,
        kind=next(iter(post.content)),
        text=post.text,
        buttons=tuple(tuple(_button(button) for button in row) for row in post.inline_rows),
        keyboard=tuple(tuple(map(key_label, row)) for row in markup.get("keyboard", [])),
        edited=post.edit_date is not None,
        date=post.date,
        entities=tuple(post.content.get("entities", ())),
        parse_mode=post.options.get("parse_mode"),
        protected=bool(post.options.get("protect_content")),
        silent=bool(post.options.get("disable_notification")),
        force_reply=bool(markup.get("force_reply")),
        placeholder=markup.get("input_field_placeholder"),
    )


def _button(button: Json) -> ScreenButton:
    copied = button.get("copy_text") or {}
    url = button.get("url") or (button.get("web_app") or {}).get("url")
    return ScreenButton(
        button["text"], button.get("callback_data"), url, copied.get("text"), button.get("style")
    )


class ChatView:
    """A chat as the people in it see it."""

    def __init__(self, account: Account, chat: Chat) -> None:
        self.account = account
        self.chat = chat
        self.world = account.world

    @property
    def chat_id(self) -> int:
        """The number of the chat."""
        return self.chat.id

    @property
    def screen(self) -> list[ScreenMessage]:
        """The messages as they stand now, oldest first, without what was deleted."""
        with self.world.changed:
            return [screen_message(post) for post in self.chat.posts.values()]

    @property
    def last(self) -> ScreenMessage:
        """The newest message; raises AssertionError on an empty screen."""
        with self.world.changed:
            assert self.chat.posts, "there is no message on the screen"
            return screen_message(next(reversed(self.chat.posts.values())))

    @property
    def last_from_bot(self) -> ScreenMessage:
        """The newest message of the bot; raises AssertionError when there is none."""
        with self.world.changed:
            found = next((post for post in self._newest_first() if post.from_bot), None)
            assert found, "there is no message from the bot on the screen"
            return screen_message(found)

    @property
    def keyboard(self) -> list[list[str]]:
        """The keyboard under the typing field, as rows of labels."""
        with self.world.changed:
            post = self.chat.keyboard_from
            return [list(row) for row in screen_message(post).keyboard] if post else []

    @property
    def toasts(self) -> list[Toast]:
        """The answers to presses that had words, oldest first."""
        with self.world.changed:
            return list(self.chat.toasts)

    @property
    def actions(self) -> list[str]:
        """What the bot showed itself to be doing, such as typing."""
        with self.world.changed:
            return list(self.chat.actions)

    @property
    def spinning(self) -> list[str]:
        """The labels of presses the bot has not answered."""
        with self.world.changed:
            queries = self.account.queries.values()
            return [q.label for q in queries if q.chat is self.chat and not q.answered]

    def shown(self) -> str:
        """Return the whole screen as text."""
        return "\n".join(map(str, self.screen)) or "(an empty screen)"

    def wait_for(self, wanted: Callable[[Self], T], timeout: float = 5.0) -> T:
        """Return what `wanted` gives as soon as it is true; raises AssertionError after seconds."""
        deadline = time.monotonic() + timeout
        with self.world.changed:
            while not (found := wanted(self)):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"waited {timeout} s in vain; screen:\n{self.shown()}")
                self.world.changed.wait(left)
            return found

    def settled(self, quiet: float = 0.15, timeout: float = 10.0) -> Self:
        """Wait until the bot has taken all and changed nothing for `quiet` seconds; return self.

        Raises AssertionError when that does not come within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        with self.world.changed:
            while (left := self._seconds_to_calm(quiet)) > 0:
                until_deadline = deadline - time.monotonic()
                if until_deadline <= 0:
                    raise AssertionError(f"not settled after {timeout} s:\n{self.shown()}")
                self.world.changed.wait(min(left, until_deadline))
        return self

    def _seconds_to_calm(self, quiet: float) -> float:
        if self.account.updates.waits_for(self.chat.id):
            return float("inf")
        taken = self.account.updates.taken_at.get(self.chat.id, 0.0)
        return max(self.chat.changed_at, taken) + quiet - time.monotonic()

    def _newest_first(self) -> Iterator[Post]:
        return reversed(self.chat.posts.values())
