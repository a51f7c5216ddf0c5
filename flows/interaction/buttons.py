"""Button ids: a verb, its argument, and the prompt id at which the button was shown."""

import re
from dataclasses import dataclass
from enum import StrEnum

from flows import wording
from flows.conversation import Button, ButtonRows, ButtonStyle, Conversation

MAX_BYTES = 64
"""Telegram's limit for what a button may carry."""


class ButtonVerb(StrEnum):
    """What a press means. The values stand in messages already sent: never change one."""

    LEAVE = "leave"
    QUESTIONS = "questions"
    PERSON = "person"
    PRIVACY = "privacy"
    CALL_ME = "call_me"
    RERENDER = "here"
    BACK = "back"
    RESTART = "again"
    CONFIRM_RESTART = "again_yes"
    DELETE = "delete"
    TOPIC_GROUP = "group"
    TOPIC = "topic"
    LANGUAGE = "speak"
    SAVE_QUESTION = "pass_on"
    WELCOME_CHOICE = "go"
    INFO_CARD = "card"
    INFO_CARDS = "cards"
    FIT_CHECK = "fit"
    NOTICE_CHOICE = "notice"
    ANSWER = "answer"
    NON_ANSWER = "special"
    KEEP = "keep"
    USE_PROFILE = "profile"
    REOPEN = "reopen"
    CONFIRM_CHANGE = "change_it"
    KEEP_PREVIOUS = "leave_it"
    USE_TEXT = "use_words"
    SEND = "send"
    SHOW = "show"
    HIDE = "hide"
    CHANGE = "change"
    DETAILS = "details"
    WITHDRAW = "withdraw"
    CONFIRM_WITHDRAWAL = "withdraw_yes"
    CLEAR = "clear"
    NEW_REQUEST = "another"
    CARRY_ON = "carry_on"
    REPLY = "told"
    RETURN_TO_BOT = "computer"
    # Never pressed here: the channel shares, copies or opens instead.
    SHARE_NUMBER = "share"
    COPY = "copy"
    TEMPLATE = "template"
    PRIVATE_PAGE = "quiet"
    TWO_KEY_PAGE = "two_key"


_ID_PATTERN = re.compile(r"([a-z_]{1,16})((?::[a-z0-9_]{1,32}){0,2})~([0-9]{1,9})")
_VERBS = {verb.value: verb for verb in ButtonVerb}


@dataclass(frozen=True, slots=True)
class ButtonId:
    """A button's id, taken apart."""

    verb: ButtonVerb
    args: tuple[str, ...]
    prompt_id: int

    def __str__(self) -> str:
        """Return the id as it is sent."""
        return f"{':'.join((self.verb, *self.args))}~{self.prompt_id}"


def button(
    conversation: Conversation,
    label: str,
    verb: ButtonVerb,
    *args: str,
    style: ButtonStyle = ButtonStyle.PLAIN,
) -> Button:
    """Return a button; its id carries only names of ours, never a person's words."""
    return Button(label, str(ButtonId(verb, args, conversation.prompt_id)), style=style)


def button_for(
    conversation: Conversation,
    key: str,
    verb: ButtonVerb,
    *args: str,
    style: ButtonStyle = ButtonStyle.PLAIN,
) -> Button:
    """Return a button whose label is the wording under `key`."""
    return button(conversation, wording.say(conversation.language, key), verb, *args, style=style)


def delete_button(conversation: Conversation) -> Button:
    """Return the button that deletes a draft."""
    style = ButtonStyle.DANGER
    return button_for(conversation, "scenes.paused.delete", ButtonVerb.DELETE, style=style)


def parse_button_id(button_id: str) -> ButtonId | None:
    """Return what a pressed id means, or None for one that we never made."""
    found = _ID_PATTERN.fullmatch(button_id)
    if not found or found[1] not in _VERBS:
        return None
    return ButtonId(_VERBS[found[1]], tuple(found[2].split(":")[1:]), int(found[3]))


def in_rows(buttons: list[Button], columns: int = 1) -> ButtonRows:
    """Return the buttons in rows of `columns`."""
    return tuple(tuple(buttons[i : i + columns]) for i in range(0, len(buttons), columns))


def navigation_row(conversation: Conversation) -> tuple[Button, ...]:
    """Return the row that stands under every question: back, questions, leave."""
    return (
        button_for(conversation, "scenes.asking.last_row_back", ButtonVerb.BACK),
        button_for(conversation, "scenes.asking.last_row_questions", ButtonVerb.QUESTIONS),
        button_for(conversation, "scenes.asking.last_row_leave", ButtonVerb.LEAVE),
    )
