"""Takes what stood on a page of ours: several answers at once, by the same rules as one by one."""

from dataclasses import replace
from datetime import datetime

from flows import moves
from flows.conversation import Conversation, Heard, Reply, Turn
from flows.dialogue import form
from flows.questions import journey
from flows.referral import rules
from flows.scenes import checking, danger
from flows.wording import say

SEND = "send"
WHOLE = ("self", "officer")
"""The journeys that a page may hold from the first question to the last."""
_TAKES = ("asking", "checking", "stopped", "paused")


def take_page(conversation: Conversation, heard: Heard, away: bool, now: datetime) -> Turn:
    """Return the turn after a page was filled in: danger first, then every answer it gives.

    Whoever was `away` from the chat is asked there before anything is shown again, as everywhere;
    a page that holds a whole journey of its own (`thing`) shows nothing there.
    """
    away = away and not heard.thing
    alarmed = danger.on_a_page(conversation, form.words_typed(heard.filled), now)
    ready = _begun(alarmed.conversation, heard, now)
    if ready is None:
        old = Reply(say(conversation.language, "scenes.asking.page_too_late"))
        return replace(alarmed, replies=(*alarmed.replies, old), shows=True)
    taken, problems = form.read_form(ready, heard.filled, now)
    given = moves.stepped(replace(taken, by_page=True))
    turn = replace(alarmed, conversation=given, shows=True)
    if heard.text == SEND and not away and _is_complete(given):
        return _sent(turn, now)
    return replace(_told(turn, len(problems)), conversation=_put_by(given, away))


def _begun(conversation: Conversation, heard: Heard, now: datetime) -> Conversation | None:
    """Return the conversation where it takes answers; None when nothing is under way."""
    wanted = heard.thing or conversation.journey
    if conversation.stage in _TAKES and conversation.journey == wanted:
        if conversation.stage == "paused":
            return moves.moved(conversation, "carry_on") if heard.thing else conversation
        return moves.moved(conversation, "reopen")
    if heard.thing not in WHOLE:
        return None
    if heard.thing == "officer":
        return moves.begun(conversation, "refer", "officer")
    if "begin" not in moves.allowed(conversation):
        return None
    begun = moves.moved(moves.begun(conversation, "begin", heard.thing), "agree")
    aloud = f"form.aloud.{heard.thing}"
    return replace(begun, consented_at=now, consent=say(begun.language, aloud))


def _is_complete(conversation: Conversation) -> bool:
    if conversation.stage != "asking" or rules.stop_reason(rules.facts_of(conversation)):
        return False
    return journey.open_question(conversation) is None


def _sent(turn: Turn, now: datetime) -> Turn:
    ready = moves.moved(turn.conversation, "nothing_left")
    sent = checking.send(ready, now)
    return replace(
        sent, replies=(*turn.replies, *sent.replies), effects=(*turn.effects, *sent.effects)
    )


def _put_by(conversation: Conversation, away: bool) -> Conversation:
    if away and conversation.stage == "asking":
        return moves.moved(conversation, "leave")
    return conversation


def _told(turn: Turn, problems: int) -> Turn:
    """Say that the page has come; what stood on it is not said again in the chat."""
    key = "scenes.asking.page_in_part" if problems else "scenes.asking.page_kept"
    line = Reply(say(turn.conversation.language, key))
    return replace(turn, replies=(*turn.replies, line))
