"""What stands on a button: a verb, what it is about, and the step at which it was shown."""

import re
from dataclasses import dataclass

from flows import wording
from flows.conversation import Button, Conversation, Rows

MAX_BYTES = 64
"""Telegram's limit for what a button may carry."""

_ID = re.compile(r"([a-z_]{1,16})((?::[a-z0-9_]{1,32}){0,2})~([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Press:
    """A button's id, read back."""

    verb: str
    args: tuple[str, ...]
    step: int


def button(
    conversation: Conversation, label: str, verb: str, *args: str, style: str = ""
) -> Button:
    """Return a button; its id carries only names of ours, never a person's words."""
    return Button(label, f"{':'.join((verb, *args))}~{conversation.step}", style=style)


def said(conversation: Conversation, key: str, verb: str, *args: str, style: str = "") -> Button:
    """Return a button whose label is the wording under `key`."""
    return button(conversation, wording.say(conversation.language, key), verb, *args, style=style)


def read(pressed: str) -> Press | None:
    """Return what a pressed id means, or None for one that we never made."""
    found = _ID.fullmatch(pressed)
    if not found:
        return None
    return Press(found[1], tuple(found[2].split(":")[1:]), int(found[3]))


def in_rows(buttons: list[Button], across: int = 1) -> Rows:
    """Return the buttons in rows of `across`."""
    return tuple(tuple(buttons[i : i + across]) for i in range(0, len(buttons), across))


def last_row(conversation: Conversation) -> tuple[Button, ...]:
    """Return the row that stands under every question: back, questions, leave."""
    return (
        said(conversation, "scenes.asking.last_row_back", "back"),
        said(conversation, "scenes.asking.last_row_questions", "questions"),
        said(conversation, "scenes.asking.last_row_leave", "leave"),
    )
