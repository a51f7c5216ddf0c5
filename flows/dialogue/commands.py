"""Understood in every state: leave, back, change, a question, a person, help, delete ..."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from flows import moves, wording
from flows.buttons import ButtonPress
from flows.conversation import (
    Conversation,
    Input,
    Reply,
    SaveMissedQuestion,
    Turn,
)
from flows.dialogue import drafts
from flows.questions import journey
from flows.scenes import checking, explain, paused, sent
from flows.service import service
from flows.understanding import faq, text_match
from flows.wording import say

OFFENDER_FLAG = "from_the_person_responsible"
"""The flag on a call-back that the person responsible asked for."""

SLASH_COMMANDS = {
    "start": "start",
    "help": "help",
    "settings": "settings",
    "privacy": "privacy",
    "refer": "refer",
    "leave": "leave",
    "cancel": "leave",
    "stop": "leave",
    "exit": "leave",
    "hide": "leave",
    "delete": "delete",
    "language": "language",
    "person": "person",
    "questions": "questions",
    "faq": "questions",
    "back": "back",
    "change": "change",
    "restart": "again",
    "again": "again",
    "withdraw": "withdraw",
    "status": "status",
}
"""What each command means; the words for the same things are in the language's anytime.toml."""

TYPED_COMMANDS = (
    "leave",
    "back",
    "change",
    "questions",
    "person",
    "help",
    "privacy",
    "delete",
    "language",
    "again",
    "start",
    "refer",
    "withdraw",
    "status",
    "carry_on",
    "send",
    "show",
)


def find_command(conversation: Conversation, text: str) -> str | None:
    """Return what a command or some words ask for, "unknown" for a strange command, or None."""
    word = text.strip()
    if word.startswith("/"):
        command = word[1:].split(maxsplit=1)[0] if word[1:].split() else ""
        return SLASH_COMMANDS.get(command.split("@")[0].lower(), "unknown")
    if len(word) > 60:
        return None
    choices = {
        one: wording.words(conversation.language, f"anytime.words.{one}") for one in TYPED_COMMANDS
    }
    return text_match.exact_match(word, choices)


def run_command(conversation: Conversation, user_input: Input, command: str, now: datetime) -> Turn:
    """Return what one of those does from wherever the conversation stands."""
    return COMMAND_HANDLERS[command](conversation, user_input, now)


def go_back(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return the place before this one. Back is a move: nothing is undone or lost."""
    stage = conversation.stage
    if stage == "paused":
        return Turn(paused.resume_conversation(conversation), rerender=True)
    if stage == "stopped":
        return checking.choose_answer_to_change(conversation)
    if stage in ("notice", "learning", "expired"):
        return Turn(moves.apply_move(conversation, "welcome"), rerender=True)
    if stage == "welcome":
        start = Reply(say(conversation.language, "anytime.back.at_start"))
        return Turn(conversation, (start,), rerender=True)
    if stage in ("asking", "checking"):
        return _back_one_question(conversation)
    return Turn(conversation, rerender=True)


def _back_one_question(conversation: Conversation) -> Turn:
    earlier = journey.previous_question(conversation)
    if earlier:
        return Turn(
            replace(moves.apply_move(conversation, "reopen"), editing=earlier.key), rerender=True
        )
    if conversation.journey == "callback" and conversation.previous_journey:
        again = replace(
            moves.apply_move(conversation, "ask"),
            journey=conversation.previous_journey,
            previous_journey="",
        )
        own = tuple(flag for flag in again.flags if flag != OFFENDER_FLAG)
        return Turn(replace(again, editing="", flags=own), rerender=True)
    if conversation.journey == "self":
        return Turn(moves.apply_move(conversation, "read_again"), rerender=True)
    return Turn(moves.apply_move(conversation, "welcome"), rerender=True)


def show_person(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return how to reach a person."""
    return explain.show_contact_options(conversation, user_input, now)


def send_typed(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return the turn after a typed "send": as good as the button, at the check only."""
    if conversation.stage == "checking":
        return checking.send(conversation, now)
    return Turn(conversation, rerender=True)


def choose_language(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return the languages on offer."""
    return explain.show_languages(conversation)


def show_settings(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return what can be set: the language, and what is kept."""
    return explain.show_help(conversation)


def unknown_command(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return a clear line about a command that we do not know."""
    line = Reply(say(conversation.language, "errors.chat.unknown_command"))
    return Turn(conversation, (line,), rerender=True)


def _show_current(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    return Turn(conversation, rerender=True)


CommandHandler = Callable[[Conversation, Input, datetime], Turn]
COMMAND_HANDLERS: dict[str, CommandHandler] = {
    "leave": drafts.leave_chat,
    "back": go_back,
    "change": lambda c, h, n: checking.choose_answer_to_change(c),
    "questions": lambda c, h, n: explain.show_topic_groups(c),
    "person": show_person,
    "help": lambda c, h, n: explain.show_help(c),
    "settings": show_settings,
    "privacy": lambda c, h, n: explain.show_privacy(c, h),
    "delete": drafts.delete_draft,
    "language": choose_language,
    "again": drafts.ask_to_restart,
    "start": drafts.start_over_or_continue,
    "refer": drafts.start_officer_referral,
    "withdraw": lambda c, h, n: sent.ask_to_confirm_withdrawal(c),
    "status": _show_current,
    "carry_on": drafts.resume_draft,
    "send": send_typed,
    "show": _show_current,
    "unknown": unknown_command,
    "call_me": drafts.request_callback,
}

# --- the same, from buttons


def _button_for_any_prompt(
    name: str,
) -> Callable[[Conversation, Input, ButtonPress, datetime], Turn]:
    return lambda conversation, heard, pressed, now: COMMAND_HANDLERS[name](
        conversation, heard, now
    )


def _button_for_current_prompt(
    name: str,
) -> Callable[[Conversation, Input, ButtonPress, datetime], Turn]:
    def press(
        conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
    ) -> Turn:
        if pressed.prompt_id != conversation.prompt_id:
            return Turn(conversation, rerender=True)
        return COMMAND_HANDLERS[name](conversation, user_input, now)

    return press


def press_call_me(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return the start of a call-back; staff know when the person responsible asks for it."""
    turn = drafts.request_callback(conversation, user_input, now)
    if pressed.args != ("responsible",) or turn.conversation.journey != "callback":
        return turn
    flags = (*turn.conversation.flags, OFFENDER_FLAG)
    return replace(turn, conversation=replace(turn.conversation, flags=flags))


def press_group(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return the questions of a group, in the place of the list."""
    id = "".join(pressed.args[:1])
    if id not in faq.groups():
        return explain.show_topic_groups(conversation)
    return explain.show_topic_group(conversation, id, edits_message_id=user_input.message_id)


def press_topic(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return a topic's answer, in the place of the list."""
    id = "".join(pressed.args[:1])
    if id not in [one.id for one in faq.topics()]:
        return explain.show_topic_groups(conversation)
    return explain.show_topic(conversation, id, edits_message_id=user_input.message_id)


def press_language(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return where things stand, in the chosen language."""
    code = "".join(pressed.args[:1])
    known = code if code in service().languages else conversation.language
    return Turn(replace(conversation, language=known), rerender=True)


def press_save_question(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return thanks; the question that had no answer is kept for the service, as agreed."""
    waiting = conversation.pending
    if not waiting or waiting.kind != "missed":
        return Turn(conversation, rerender=True)
    kept = Reply(say(conversation.language, "anytime.faq.kept"))
    done = replace(conversation, pending=None)
    return Turn(done, (kept,), (SaveMissedQuestion(waiting.value),), rerender=True)


BUTTON_HANDLERS = {
    "leave": _button_for_any_prompt("leave"),
    "questions": _button_for_any_prompt("questions"),
    "person": _button_for_any_prompt("person"),
    "privacy": _button_for_any_prompt("privacy"),
    "call_me": press_call_me,
    "here": _button_for_any_prompt("status"),
    "back": _button_for_current_prompt("back"),
    "again": _button_for_current_prompt("again"),
    "delete": _button_for_current_prompt("delete"),
    "group": press_group,
    "topic": press_topic,
    "speak": press_language,
    "pass_on": press_save_question,
}
