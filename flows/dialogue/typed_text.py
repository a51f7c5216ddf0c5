"""What typed text leads to: the first step that returns a turn decides, else the scene.

The order of TEXT_STEPS is the specification; beside each stands why it comes where it does.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from flows import wording
from flows.conversation import ButtonKind, Turn
from flows.dialogue import commands, danger
from flows.dialogue.absence import is_away, pause_after_absence
from flows.dialogue.commands import Command
from flows.dialogue.presses import handle_press
from flows.interaction import moves
from flows.interaction.buttons import ButtonVerb
from flows.interaction.moment import Handler, Moment, reply_and_show_again, show_again
from flows.pending import (
    ChangeAnswer,
    ConfirmRestart,
    ConfirmSuggestion,
    ConfirmUnconfirmedText,
    ConfirmWithdrawal,
    PasteResult,
    UnansweredQuestion,
)
from flows.questions import answer_types, journey
from flows.questions.questionnaire import get_question, question_exists
from flows.scenes import answering, paused, sent
from flows.scenes.registry import SCENES
from flows.stages import Move, Stage
from flows.understanding import text_match
from flows.vocabulary import Journey

_YES, _NO = "yes", "no"
_VERBS_BESIDE_OPTIONS = (ButtonVerb.USE_PROFILE, ButtonVerb.KEEP, ButtonVerb.USE_TEXT)
"""Buttons under a question that are no options of it."""


def handle_text(moment: Moment) -> Turn:
    """Return what follows from typed text in which no danger was heard."""
    turns = (step(moment) for step in TEXT_STEPS)
    answered = next((turn for turn in turns if turn is not None), None)
    return answered or SCENES[moment.conversation.stage].handle(moment)


def _refuse_unreadable(moment: Moment) -> Turn | None:
    n, most = len(moment.text), answer_types.INPUT_MAX_CHARS
    if n > most:
        return reply_and_show_again(moment, "errors.chat.too_long", n=n, max=most)
    if not answer_types.sanitize(moment.text):
        return reply_and_show_again(moment, "errors.chat.unread")
    return None


def _welcome_by_link(moment: Moment) -> Turn | None:
    if not (moment.input.sender.officer or moment.input.sender.introduction):
        return None
    if moves.has_draft(moment.conversation):
        return show_again(moment)
    fresh = moves.start_draft(moment.conversation, Move.WELCOME, Journey.NONE)
    return Turn(fresh, rerender=True)


def _leave_at_once(moment: Moment) -> Turn | None:
    command = commands.find_command(moment.conversation, moment.text)
    return commands.run_command(moment, command) if command == Command.LEAVE else None


def _hide_after_absence(moment: Moment) -> Turn | None:
    if not is_away(moment.conversation, moment.now):
        return None
    command = commands.find_command(moment.conversation, moment.text)
    # The other commands explain or delete; they show no answer, so they need no question first.
    if command not in (None, Command.START, Command.STATUS, Command.CARRY_ON, Command.BACK):
        return None
    return pause_after_absence(moment, keep_text=command is None)


def _tell_expiry(moment: Moment) -> Turn | None:
    return show_again(moment) if moment.conversation.stage == Stage.EXPIRED else None


def _resolve_pending(moment: Moment) -> Turn | None:
    """A typed yes or no to what waits for one; the buttons beside it do the same."""
    pending = moment.conversation.pending
    if pending is None or isinstance(pending, UnansweredQuestion | PasteResult):
        return None
    yes_or_no = {
        word: wording.words(moment.conversation.language, f"commands.words.{word}")
        for word in (_YES, _NO)
    }
    word = text_match.exact_match(moment.text, yes_or_no)
    if word is None or not pending.just_asked:
        return None
    match pending:
        case ConfirmSuggestion():
            return _resolve_suggestion(moment, pending, word == _YES)
        case ConfirmUnconfirmedText():
            if moment.conversation.stage != Stage.ASKING:
                return None
            confirm: Handler = danger.press_use_as_answer
        case ChangeAnswer():
            confirm = answering.confirm_change
        case ConfirmRestart():
            confirm = paused.press_restart_confirmed
        case ConfirmWithdrawal():
            confirm = sent.press_withdraw_confirmed
        case _:
            assert_never(pending)
    return confirm(moment) if word == _YES else answering.keep_previous_answer(moment)


def _resolve_suggestion(moment: Moment, pending: ConfirmSuggestion, is_yes: bool) -> Turn | None:
    conversation = moment.conversation
    if not question_exists(pending.question) or conversation.stage != Stage.ASKING:
        return None
    question = get_question(pending.question)
    if not is_yes or journey.open_question(conversation) != question:
        return Turn(replace(conversation, pending=None), rerender=True)
    parsed = answer_types.parsed_option(question, pending.option, conversation.language)
    return answering.record_answer(moment, question, parsed)


def _run_typed_command(moment: Moment) -> Turn | None:
    command = commands.find_command(moment.conversation, moment.text)
    # At the notice "carry on" agrees to it: there it is an answer, and no command.
    if command == Command.CARRY_ON and moment.conversation.stage == Stage.NOTICE:
        return None
    return commands.run_command(moment, command) if command else None


def _press_by_label(moment: Moment) -> Turn | None:
    button_id = _button_id_for_text(moment)
    return handle_press(moment.pressing(button_id)) if button_id else None


def _button_id_for_text(moment: Moment) -> str | None:
    """Return the id of the scene's button whose label or number was typed, if one was.

    The scene is rendered for that: it alone knows its buttons, and being pure it costs nothing
    else. The questions read their own options and numbers, with many more words for each. What
    sends or deletes wants its words: a number typed once too often must do neither.
    """
    conversation = moment.conversation
    asks = conversation.stage == Stage.ASKING
    if asks and journey.open_question(conversation) is None:
        return None
    shown = SCENES[conversation.stage].show(moment).replies[-1:]
    buttons = [
        button
        for reply in shown
        for row in reply.buttons
        for button in row
        if button.kind == ButtonKind.PRESS
    ]
    if asks:
        beside = [button for button in buttons if button.id.startswith(_VERBS_BESIDE_OPTIONS)]
        return text_match.exact_match(moment.text, {each.id: [each.label] for each in beside})
    labels = {
        button.id: [button.label] if button.style else [button.label, str(n)]
        for n, button in enumerate(buttons, start=1)
    }
    return text_match.exact_match(moment.text, labels)


TEXT_STEPS: tuple[Callable[[Moment], Turn | None], ...] = (
    # Before any matching: nothing below should ever see a flood.
    _refuse_unreadable,
    # The text beside a code from a link is the channel's, not the person's.
    _welcome_by_link,
    # Leaving is for somebody in a hurry: nothing may come before it.
    _leave_at_once,
    # Before whatever shows answers: the person who types now may be somebody else.
    _hide_after_absence,
    # After leaving and absence, because neither needs the draft to exist.
    _tell_expiry,
    # Before the commands: a pending question was asked last, so a yes or no is for it.
    _resolve_pending,
    # Before the labels: "back" on a button and as a command are the same word.
    _run_typed_command,
    # Before the scene, which would take a button's label for an answer or a question.
    _press_by_label,
)
