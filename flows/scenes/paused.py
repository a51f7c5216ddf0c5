"""After leaving, or after a while: carry on, start again, or delete. It shows no answer."""

from dataclasses import replace
from datetime import datetime

from flows import moves, wording
from flows.buttons import Press, in_rows, said
from flows.conversation import Conversation, ForgetDraft, Heard, Reply, Turn
from flows.understanding import text_match
from flows.wording import say


def show(conversation: Conversation, heard: Heard) -> Turn:
    """Return the three ways on; somebody without a draft gets the hello."""
    if not moves.has_draft(conversation) and not conversation.journey:
        return Turn(moves.moved(conversation, "welcome"), shows=True)
    language = conversation.language
    keys = ("scenes.paused.welcome_back", "scenes.paused.keep_until")
    text = "\n\n".join(say(language, key) for key in keys)
    rows = [
        said(conversation, "scenes.paused.carry_on", "carry_on"),
        said(conversation, "scenes.paused.again", "again"),
        said(conversation, "scenes.paused.delete", "delete", style="danger"),
    ]
    return Turn(conversation, (Reply(text, in_rows(rows)),))


def hear(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return where they were after a plain yes, else the three ways on."""
    yes = wording.words(conversation.language, "anytime.words.yes")
    if text_match.exact(heard.text, {"yes": yes}):
        return Turn(resumed(conversation), shows=True)
    return Turn(conversation, shows=True)


def carry_on(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return the place where the person was."""
    if conversation.stage != "paused":
        return Turn(conversation, shows=True)
    return Turn(resumed(conversation), shows=True)


def resumed(conversation: Conversation) -> Conversation:
    """Return the conversation back at its questions, or at the notice if that was not agreed to.

    Words that were typed after a while away still wait to be used as the answer.
    """
    back = _back(conversation)
    words = conversation.waiting if back.stage == "asking" else None
    return replace(back, waiting=words if words and words.about == "words" else None)


def _back(conversation: Conversation) -> Conversation:
    if conversation.journey == "self" and conversation.consented_at is None:
        return moves.moved(conversation, "read_again")
    if not conversation.journey:
        return moves.moved(conversation, "welcome")
    return moves.moved(conversation, "carry_on")


def again_yes(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return the first hello; the draft is deleted."""
    if pressed.step != conversation.step or conversation.stage in ("sent", "withdrawn"):
        return Turn(conversation, shows=True)
    fresh = moves.begun(conversation, "forget", "")
    return Turn(fresh, (), (ForgetDraft(),), shows=True)


PRESSES = {"carry_on": carry_on, "again_yes": again_yes}
