"""After leaving, or after a while: carry on, start again, or delete. It shows no answer."""

from dataclasses import replace
from datetime import datetime

from flows import moves, wording
from flows.buttons import ButtonPress, button_for, in_rows
from flows.conversation import Conversation, ForgetDraft, Input, Reply, Turn
from flows.understanding import text_match
from flows.wording import say


def show(conversation: Conversation, user_input: Input) -> Turn:
    """Return the three ways on; somebody without a draft gets the hello."""
    if not moves.has_draft(conversation) and not conversation.journey:
        return Turn(moves.apply_move(conversation, "welcome"), rerender=True)
    language = conversation.language
    keys = ("scenes.paused.welcome_back", "scenes.paused.keep_until")
    text = "\n\n".join(say(language, key) for key in keys)
    rows = [
        button_for(conversation, "scenes.paused.carry_on", "carry_on"),
        button_for(conversation, "scenes.paused.again", "again"),
        button_for(conversation, "scenes.paused.delete", "delete", style="danger"),
    ]
    return Turn(conversation, (Reply(text, in_rows(rows)),))


def handle(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return where they were after a plain yes, else the three ways on."""
    yes = wording.words(conversation.language, "anytime.words.yes")
    if text_match.exact_match(user_input.text, {"yes": yes}):
        return Turn(resume_conversation(conversation), rerender=True)
    return Turn(conversation, rerender=True)


def press_carry_on(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return the place where the person was."""
    if conversation.stage != "paused":
        return Turn(conversation, rerender=True)
    return Turn(resume_conversation(conversation), rerender=True)


def resume_conversation(conversation: Conversation) -> Conversation:
    """Return the conversation back at its questions, or at the notice if that was not agreed to.

    Words that were typed after a while away still wait to be used as the answer.
    """
    back = _resume_stage(conversation)
    words = conversation.pending if back.stage == "asking" else None
    return replace(back, pending=words if words and words.kind == "words" else None)


def _resume_stage(conversation: Conversation) -> Conversation:
    if conversation.journey == "self" and conversation.consented_at is None:
        return moves.apply_move(conversation, "read_again")
    if not conversation.journey:
        return moves.apply_move(conversation, "welcome")
    return moves.apply_move(conversation, "carry_on")


def press_restart_confirmed(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return the first hello; the draft is deleted."""
    if pressed.prompt_id != conversation.prompt_id or conversation.stage in ("sent", "withdrawn"):
        return Turn(conversation, rerender=True)
    fresh = moves.start_draft(conversation, "forget", "")
    return Turn(fresh, (), (ForgetDraft(),), rerender=True)


BUTTON_HANDLERS = {"carry_on": press_carry_on, "again_yes": press_restart_confirmed}
