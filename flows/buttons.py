"""What stands on a button: a verb, what it is about, and the step at which it was shown."""

import re
from dataclasses import dataclass

from flows import wording
from flows.conversation import Button, ButtonRows, Conversation

MAX_BYTES = 64
"""Telegram's limit for what a button may carry."""

_ID_PATTERN = re.compile(r"([a-z_]{1,16})((?::[a-z0-9_]{1,32}){0,2})~([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class ButtonPress:
    """A button's id, read back."""

    verb: str
    args: tuple[str, ...]
    prompt_id: int


def button(
    conversation: Conversation, label: str, verb: str, *args: str, style: str = ""
) -> Button:
    """Return a button; its id carries only names of ours, never a person's words."""
    return Button(label, f"{':'.join((verb, *args))}~{conversation.prompt_id}", style=style)


def button_for(
    conversation: Conversation, key: str, verb: str, *args: str, style: str = ""
) -> Button:
    """Return a button whose label is the wording under `key`."""
    return button(conversation, wording.say(conversation.language, key), verb, *args, style=style)


def parse_button_id(button_id: str) -> ButtonPress | None:
    """Return what a pressed id means, or None for one that we never made."""
    found = _ID_PATTERN.fullmatch(button_id)
    if not found:
        return None
    return ButtonPress(found[1], tuple(found[2].split(":")[1:]), int(found[3]))


def in_rows(buttons: list[Button], columns: int = 1) -> ButtonRows:
    """Return the buttons in rows of `across`."""
    return tuple(tuple(buttons[i : i + columns]) for i in range(0, len(buttons), columns))


def navigation_row(conversation: Conversation) -> tuple[Button, ...]:
    """Return the row that stands under every question: back, questions, leave."""
    return (
        button_for(conversation, "scenes.asking.last_row_back", "back"),
        button_for(conversation, "scenes.asking.last_row_questions", "questions"),
        button_for(conversation, "scenes.asking.last_row_leave", "leave"),
    )
