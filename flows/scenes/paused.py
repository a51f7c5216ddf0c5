"""After leaving, or after a while: carry on, start again, or delete. It shows no answer."""

from dataclasses import replace

from flows import wording
from flows.conversation import Conversation, ForgetDraft, Reply, Turn
from flows.interaction import moves
from flows.interaction.buttons import ButtonVerb, button_for, delete_button, in_rows
from flows.interaction.moment import Moment, show_again
from flows.pending import ConfirmUnconfirmedText
from flows.stages import DONE, Move, Stage
from flows.understanding import text_match
from flows.vocabulary import Journey
from flows.wording import say


def show(moment: Moment) -> Turn:
    """Return the three choices; without a draft, the welcome."""
    conversation = moment.conversation
    if not moves.has_draft(conversation) and not conversation.journey:
        return Turn(moves.apply_move(conversation, Move.WELCOME), rerender=True)
    language = conversation.language
    keys = ("scenes.paused.welcome_back", "scenes.paused.keep_until")
    text = "\n\n".join(say(language, key) for key in keys)
    rows = [
        button_for(conversation, "scenes.paused.carry_on", ButtonVerb.CARRY_ON),
        button_for(conversation, "scenes.paused.again", ButtonVerb.RESTART),
        delete_button(conversation),
    ]
    return Turn(conversation, (Reply(text, in_rows(rows)),))


def handle(moment: Moment) -> Turn:
    """Return where they were after a plain yes, else the three ways on."""
    conversation = moment.conversation
    yes = wording.words(conversation.language, "commands.words.yes")
    if text_match.exact_match(moment.text, {"yes": yes}):
        return Turn(resume_conversation(conversation), rerender=True)
    return show_again(moment)


def press_carry_on(moment: Moment) -> Turn:
    """Return the place where the person was."""
    if moment.conversation.stage != Stage.PAUSED:
        return show_again(moment)
    return Turn(resume_conversation(moment.conversation), rerender=True)


def resume_conversation(conversation: Conversation) -> Conversation:
    """Return the conversation back at its questions, or at the notice if that was not agreed to.

    Words that were typed after a while away still wait to be used as the answer.
    """
    back = _resume_stage(conversation)
    pending = conversation.pending if back.stage == Stage.ASKING else None
    still_waits = isinstance(pending, ConfirmUnconfirmedText)
    return replace(back, pending=pending if still_waits else None)


def _resume_stage(conversation: Conversation) -> Conversation:
    if conversation.journey == Journey.SELF and conversation.consented_at is None:
        return moves.apply_move(conversation, Move.READ_AGAIN)
    if not conversation.journey:
        return moves.apply_move(conversation, Move.WELCOME)
    return moves.apply_move(conversation, Move.CARRY_ON)


def press_restart_confirmed(moment: Moment) -> Turn:
    """Return the welcome; the draft is deleted."""
    conversation = moment.conversation
    if not moment.is_current or conversation.stage in DONE:
        return show_again(moment)
    fresh = moves.start_draft(conversation, Move.FORGET, Journey.NONE)
    return Turn(fresh, (), (ForgetDraft(),), rerender=True)


BUTTON_HANDLERS = {
    ButtonVerb.CARRY_ON: press_carry_on,
    ButtonVerb.CONFIRM_RESTART: press_restart_confirmed,
}
