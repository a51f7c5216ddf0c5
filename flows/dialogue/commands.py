"""Understood in every state: leave, back, change, a question, a person, help, delete ..."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from flows import moves, wording
from flows.buttons import Press
from flows.conversation import (
    Conversation,
    Heard,
    KeepQuestion,
    Reply,
    Turn,
)
from flows.dialogue import drafts
from flows.questions import journey
from flows.scenes import checking, explain, paused, sent
from flows.service import service
from flows.understanding import faq, text_match
from flows.wording import say

OTHER_SIDE = "from_the_person_responsible"
"""The flag on a call-back that the person responsible asked for."""

COMMANDS = {
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

SPOKEN = (
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


def named(conversation: Conversation, text: str) -> str | None:
    """Return what a command or some words ask for, "unknown" for a strange command, or None."""
    word = text.strip()
    if word.startswith("/"):
        command = word[1:].split(maxsplit=1)[0] if word[1:].split() else ""
        return COMMANDS.get(command.split("@")[0].lower(), "unknown")
    if len(word) > 60:
        return None
    choices = {one: wording.words(conversation.language, f"anytime.words.{one}") for one in SPOKEN}
    return text_match.exact(word, choices)


def act(conversation: Conversation, heard: Heard, name: str, now: datetime) -> Turn:
    """Return what one of those does from wherever the conversation stands."""
    return ACTS[name](conversation, heard, now)


def back(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return the place before this one. Back is a move: nothing is undone or lost."""
    stage = conversation.stage
    if stage == "paused":
        return Turn(paused.resumed(conversation), shows=True)
    if stage == "stopped":
        return checking.which_to_change(conversation)
    if stage in ("notice", "learning", "expired"):
        return Turn(moves.moved(conversation, "welcome"), shows=True)
    if stage == "welcome":
        start = Reply(say(conversation.language, "anytime.back.at_start"))
        return Turn(conversation, (start,), shows=True)
    if stage in ("asking", "checking"):
        return _back_one_question(conversation)
    return Turn(conversation, shows=True)


def _back_one_question(conversation: Conversation) -> Turn:
    earlier = journey.before(conversation)
    if earlier:
        return Turn(
            replace(moves.moved(conversation, "reopen"), looking_at=earlier.key), shows=True
        )
    if conversation.journey == "callback" and conversation.came_from:
        again = replace(
            moves.moved(conversation, "ask"), journey=conversation.came_from, came_from=""
        )
        own = tuple(flag for flag in again.flags if flag != OTHER_SIDE)
        return Turn(replace(again, looking_at="", flags=own), shows=True)
    if conversation.journey == "self":
        return Turn(moves.moved(conversation, "read_again"), shows=True)
    return Turn(moves.moved(conversation, "welcome"), shows=True)


def person(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return how to reach a person."""
    return explain.a_person(conversation, heard, now)


def send_typed(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return the turn after a typed "send": as good as the button, at the check only."""
    if conversation.stage == "checking":
        return checking.send(conversation, now)
    return Turn(conversation, shows=True)


def languages(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return the languages on offer."""
    return explain.languages(conversation)


def settings(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return what can be set: the language, and what is kept."""
    return explain.help_text(conversation)


def unknown(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return a clear line about a command that we do not know."""
    line = Reply(say(conversation.language, "errors.chat.unknown_command"))
    return Turn(conversation, (line,), shows=True)


def _shown(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    return Turn(conversation, shows=True)


Act = Callable[[Conversation, Heard, datetime], Turn]
ACTS: dict[str, Act] = {
    "leave": drafts.leave,
    "back": back,
    "change": lambda c, h, n: checking.which_to_change(c),
    "questions": lambda c, h, n: explain.groups(c),
    "person": person,
    "help": lambda c, h, n: explain.help_text(c),
    "settings": settings,
    "privacy": lambda c, h, n: explain.privacy(c, h),
    "delete": drafts.delete,
    "language": languages,
    "again": drafts.again,
    "start": drafts.start,
    "refer": drafts.refer,
    "withdraw": lambda c, h, n: sent.ask_to_withdraw(c),
    "status": _shown,
    "carry_on": drafts.carry_on,
    "send": send_typed,
    "show": _shown,
    "unknown": unknown,
    "call_me": drafts.call_me,
}

# --- the same, from buttons


def _at_any_step(name: str) -> Callable[[Conversation, Heard, Press, datetime], Turn]:
    return lambda conversation, heard, pressed, now: ACTS[name](conversation, heard, now)


def _at_this_step(name: str) -> Callable[[Conversation, Heard, Press, datetime], Turn]:
    def press(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
        if pressed.step != conversation.step:
            return Turn(conversation, shows=True)
        return ACTS[name](conversation, heard, now)

    return press


def press_call_me(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return the start of a call-back; staff know when the person responsible asks for it."""
    turn = drafts.call_me(conversation, heard, now)
    if pressed.args != ("responsible",) or turn.conversation.journey != "callback":
        return turn
    flags = (*turn.conversation.flags, OTHER_SIDE)
    return replace(turn, conversation=replace(turn.conversation, flags=flags))


def press_group(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return the questions of a group, in the place of the list."""
    id = "".join(pressed.args[:1])
    if id not in faq.groups():
        return explain.groups(conversation)
    return explain.group(conversation, id, edits=heard.message)


def press_topic(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return a topic's answer, in the place of the list."""
    id = "".join(pressed.args[:1])
    if id not in [one.id for one in faq.topics()]:
        return explain.groups(conversation)
    return explain.topic(conversation, id, edits=heard.message)


def press_speak(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return where things stand, in the chosen language."""
    code = "".join(pressed.args[:1])
    known = code if code in service().languages else conversation.language
    return Turn(replace(conversation, language=known), shows=True)


def press_pass_on(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return thanks; the question that had no answer is kept for the service, as agreed."""
    waiting = conversation.waiting
    if not waiting or waiting.about != "missed":
        return Turn(conversation, shows=True)
    kept = Reply(say(conversation.language, "anytime.faq.kept"))
    done = replace(conversation, waiting=None)
    return Turn(done, (kept,), (KeepQuestion(waiting.value),), shows=True)


PRESSES = {
    "leave": _at_any_step("leave"),
    "questions": _at_any_step("questions"),
    "person": _at_any_step("person"),
    "privacy": _at_any_step("privacy"),
    "call_me": press_call_me,
    "here": _at_any_step("status"),
    "back": _at_this_step("back"),
    "again": _at_this_step("again"),
    "delete": _at_this_step("delete"),
    "group": press_group,
    "topic": press_topic,
    "speak": press_speak,
    "pass_on": press_pass_on,
}
