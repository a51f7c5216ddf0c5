"""Understood in every state: leave, back, change, a question, a person, help, delete ..."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from functools import cache

from flows import wording
from flows.conversation import Conversation, Reply, SaveMissedQuestion, Turn
from flows.dialogue import drafts
from flows.interaction import moves
from flows.interaction.buttons import ButtonVerb
from flows.interaction.moment import Handler, Moment, show_again
from flows.pending import UnansweredQuestion
from flows.questions import journey
from flows.scenes import checking, explain, paused, sent
from flows.service import service
from flows.stages import Move, Stage
from flows.understanding import faq, text_match
from flows.vocabulary import Flag, Journey
from flows.wording import say

MAX_COMMAND_CHARS = 60
"""Longer texts tell something; a command word in them is not meant as one."""


class Command(StrEnum):
    """What can be asked for at any time; words for each are under commands.words."""

    LEAVE = "leave"
    BACK = "back"
    CHANGE = "change"
    QUESTIONS = "questions"
    PERSON = "person"
    HELP = "help"
    PRIVACY = "privacy"
    DELETE = "delete"
    LANGUAGE = "language"
    RESTART = "again"
    START = "start"
    REFER = "refer"
    WITHDRAW = "withdraw"
    STATUS = "status"
    CARRY_ON = "carry_on"
    SEND = "send"
    SHOW = "show"
    SETTINGS = "settings"
    UNKNOWN = "unknown"


SLASH_COMMANDS = {
    "start": Command.START,
    "help": Command.HELP,
    "settings": Command.SETTINGS,
    "privacy": Command.PRIVACY,
    "refer": Command.REFER,
    "leave": Command.LEAVE,
    "cancel": Command.LEAVE,
    "stop": Command.LEAVE,
    "exit": Command.LEAVE,
    "hide": Command.LEAVE,
    "delete": Command.DELETE,
    "language": Command.LANGUAGE,
    "person": Command.PERSON,
    "questions": Command.QUESTIONS,
    "faq": Command.QUESTIONS,
    "back": Command.BACK,
    "change": Command.CHANGE,
    "restart": Command.RESTART,
    "again": Command.RESTART,
    "withdraw": Command.WITHDRAW,
    "status": Command.STATUS,
}
"""What each slash command means; the words for the same are in the language's commands.toml."""

# The order decides where one word is listed under two commands: leaving must win.
TYPED_COMMANDS = tuple(one for one in Command if one not in (Command.SETTINGS, Command.UNKNOWN))
"""The commands that can be typed as words."""


def find_command(conversation: Conversation, text: str) -> Command | None:
    """Return the command that a text asks for, UNKNOWN for a strange slash command, or None."""
    word = text.strip()
    if word.startswith("/"):
        name = word[1:].split(maxsplit=1)[0] if word[1:].split() else ""
        # In a group Telegram adds the bot's name: "/help@rj_bot".
        return SLASH_COMMANDS.get(name.split("@")[0].lower(), Command.UNKNOWN)
    if len(word) > MAX_COMMAND_CHARS:
        return None
    found = _commands_by_words(conversation.language).get(text_match.normalize(word))
    return Command(found) if found else None


@cache
def _commands_by_words(language: str) -> Mapping[str, str]:
    commands = {
        one.value: wording.words(language, f"commands.words.{one}") for one in TYPED_COMMANDS
    }
    return text_match.keys_by_words(commands)


def run_command(moment: Moment, command: Command) -> Turn:
    """Return what a command does from wherever the conversation stands."""
    return COMMAND_HANDLERS[command](moment)


def go_back(moment: Moment) -> Turn:
    """Return the place before this one. Back is a move: nothing is undone or lost."""
    conversation = moment.conversation
    match conversation.stage:
        case Stage.PAUSED:
            return Turn(paused.resume_conversation(conversation), rerender=True)
        case Stage.STOPPED:
            return checking.choose_answer_to_change(moment)
        case Stage.NOTICE | Stage.LEARNING | Stage.EXPIRED:
            return Turn(moves.apply_move(conversation, Move.WELCOME), rerender=True)
        case Stage.WELCOME:
            start = Reply(say(conversation.language, "commands.back.at_start"))
            return Turn(conversation, (start,), rerender=True)
        case Stage.ASKING | Stage.CHECKING:
            return _back_one_question(conversation)
        case Stage.SENT | Stage.WITHDRAWN:
            return Turn(conversation, rerender=True)


def _back_one_question(conversation: Conversation) -> Turn:
    earlier = journey.previous_question(conversation)
    if earlier:
        return Turn(moves.open_for_change(conversation, earlier.key), rerender=True)
    if conversation.journey == Journey.CALLBACK and conversation.previous_journey:
        again = replace(
            moves.apply_move(conversation, Move.ASK),
            journey=conversation.previous_journey,
            previous_journey=Journey.NONE,
        )
        own = tuple(flag for flag in again.flags if flag != Flag.FROM_OFFENDER)
        return Turn(replace(again, editing="", flags=own), rerender=True)
    if conversation.journey == Journey.SELF:
        return Turn(moves.apply_move(conversation, Move.READ_AGAIN), rerender=True)
    return Turn(moves.apply_move(conversation, Move.WELCOME), rerender=True)


def send_typed(moment: Moment) -> Turn:
    """Return the turn after a typed "send": as good as the button, at the check only."""
    if moment.conversation.stage == Stage.CHECKING:
        return checking.send(moment)
    return show_again(moment)


def unknown_command(moment: Moment) -> Turn:
    """Return a clear line about a slash command that we do not know."""
    line = Reply(say(moment.conversation.language, "errors.chat.unknown_command"))
    return Turn(moment.conversation, (line,), rerender=True)


COMMAND_HANDLERS: Mapping[Command, Handler] = {
    Command.LEAVE: drafts.leave_chat,
    Command.BACK: go_back,
    Command.CHANGE: checking.choose_answer_to_change,
    Command.QUESTIONS: explain.show_topic_groups,
    Command.PERSON: explain.show_contact_options,
    Command.HELP: explain.show_help,
    Command.SETTINGS: explain.show_help,
    Command.PRIVACY: explain.show_privacy,
    Command.DELETE: drafts.delete_draft,
    Command.LANGUAGE: explain.show_languages,
    Command.RESTART: drafts.ask_to_restart,
    Command.START: drafts.start_over_or_continue,
    Command.REFER: drafts.start_officer_referral,
    Command.WITHDRAW: sent.ask_to_confirm_withdrawal,
    Command.STATUS: show_again,
    Command.CARRY_ON: drafts.resume_draft,
    Command.SEND: send_typed,
    Command.SHOW: show_again,
    Command.UNKNOWN: unknown_command,
}

# --- the same, from buttons


def _only_when_current(handler: Handler) -> Handler:
    """Return a handler that does nothing for the button of an older message.

    What moves or deletes must not be set off by scrolling up; what only explains may.
    """

    def press(moment: Moment) -> Turn:
        return handler(moment) if moment.is_current else show_again(moment)

    return press


def press_call_me(moment: Moment) -> Turn:
    """Return the start of a call-back; staff know when the person responsible asks for it."""
    turn = drafts.request_callback(moment)
    if moment.args != (explain.OFFENDER_ARG,) or turn.conversation.journey != Journey.CALLBACK:
        return turn
    flags = (*turn.conversation.flags, Flag.FROM_OFFENDER)
    return replace(turn, conversation=replace(turn.conversation, flags=flags))


def press_group(moment: Moment) -> Turn:
    """Return the questions of a group, in the place of the list."""
    if moment.first_arg not in faq.groups():
        return explain.show_topic_groups(moment)
    return explain.show_topic_group(moment.conversation, moment.first_arg, moment.input.message_id)


def press_topic(moment: Moment) -> Turn:
    """Return a topic's answer, in the place of the list."""
    if moment.first_arg not in [topic.id for topic in faq.topics()]:
        return explain.show_topic_groups(moment)
    return explain.show_topic(moment.conversation, moment.first_arg, moment.input.message_id)


def press_language(moment: Moment) -> Turn:
    """Return where things stand, in the chosen language."""
    conversation, code = moment.conversation, moment.first_arg
    known = code if code in service().languages else conversation.language
    return Turn(replace(conversation, language=known), rerender=True)


def press_save_question(moment: Moment) -> Turn:
    """Return thanks; the question that had no answer is kept for the service, as agreed."""
    conversation = moment.conversation
    if not isinstance(conversation.pending, UnansweredQuestion):
        return show_again(moment)
    kept = Reply(say(conversation.language, "commands.faq.kept"))
    saved = SaveMissedQuestion(conversation.pending.text)
    return Turn(replace(conversation, pending=None), (kept,), (saved,), rerender=True)


BUTTON_HANDLERS: Mapping[ButtonVerb, Handler] = {
    ButtonVerb.LEAVE: drafts.leave_chat,
    ButtonVerb.QUESTIONS: explain.show_topic_groups,
    ButtonVerb.PERSON: explain.show_contact_options,
    ButtonVerb.PRIVACY: explain.show_privacy,
    ButtonVerb.CALL_ME: press_call_me,
    ButtonVerb.RERENDER: show_again,
    ButtonVerb.BACK: _only_when_current(go_back),
    ButtonVerb.RESTART: _only_when_current(drafts.ask_to_restart),
    ButtonVerb.DELETE: _only_when_current(drafts.delete_draft),
    ButtonVerb.TOPIC_GROUP: press_group,
    ButtonVerb.TOPIC: press_topic,
    ButtonVerb.LANGUAGE: press_language,
    ButtonVerb.SAVE_QUESTION: press_save_question,
}
