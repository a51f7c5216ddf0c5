"""Takes what stood on a page of ours: several answers at once, by the same rules as one by one."""

from dataclasses import replace
from datetime import datetime

from flows import moves
from flows.conversation import Conversation, Input, Reply, Turn
from flows.dialogue import form
from flows.questions import journey
from flows.referral import rules
from flows.scenes import checking, danger
from flows.wording import say

SEND = "send"
FULL_PAGE_JOURNEYS = ("self", "officer")
"""The journeys that a page may hold from the first question to the last."""
_ACCEPTING_STAGES = ("asking", "checking", "stopped", "paused")


def submit_page(conversation: Conversation, user_input: Input, away: bool, now: datetime) -> Turn:
    """Return the turn after a page was filled in: danger first, then every answer it gives.

    Whoever was `away` from the chat is asked there before anything is shown again, as everywhere;
    a page that holds a whole journey of its own (`thing`) shows nothing there.
    """
    away = away and not user_input.detail
    alarmed = danger.respond_to_danger_on_page(
        conversation, form.free_text_answers(user_input.form_fields), now
    )
    ready = _open_draft(alarmed.conversation, user_input, now)
    if ready is None:
        old = Reply(say(conversation.language, "scenes.asking.page_too_late"))
        return replace(alarmed, replies=(*alarmed.replies, old), rerender=True)
    taken, problems = form.parse_form(ready, user_input.form_fields, now)
    given = moves.advance(replace(taken, answered_on_page=True))
    turn = replace(alarmed, conversation=given, rerender=True)
    if user_input.text == SEND and not away and _is_complete(given):
        return _send(turn, now)
    return replace(_acknowledge(turn, len(problems)), conversation=_pause_if_away(given, away))


def _open_draft(
    conversation: Conversation, user_input: Input, now: datetime
) -> Conversation | None:
    """Return the conversation where it takes answers; None when nothing is under way."""
    wanted = user_input.detail or conversation.journey
    if conversation.stage in _ACCEPTING_STAGES and conversation.journey == wanted:
        if conversation.stage == "paused":
            return moves.apply_move(conversation, "carry_on") if user_input.detail else conversation
        return moves.apply_move(conversation, "reopen")
    if user_input.detail not in FULL_PAGE_JOURNEYS:
        return None
    if user_input.detail == "officer":
        return moves.start_draft(conversation, "refer", "officer")
    if "begin" not in moves.allowed_moves(conversation):
        return None
    begun = moves.apply_move(moves.start_draft(conversation, "begin", user_input.detail), "agree")
    aloud = f"form.aloud.{user_input.detail}"
    return replace(begun, consented_at=now, consent=say(begun.language, aloud))


def _is_complete(conversation: Conversation) -> bool:
    if conversation.stage != "asking" or rules.stop_reason(rules.facts_of(conversation)):
        return False
    return journey.open_question(conversation) is None


def _send(turn: Turn, now: datetime) -> Turn:
    ready = moves.apply_move(turn.conversation, "nothing_left")
    sent = checking.send(ready, now)
    return replace(
        sent, replies=(*turn.replies, *sent.replies), effects=(*turn.effects, *sent.effects)
    )


def _pause_if_away(conversation: Conversation, away: bool) -> Conversation:
    if away and conversation.stage == "asking":
        return moves.apply_move(conversation, "leave")
    return conversation


def _acknowledge(turn: Turn, problems: int) -> Turn:
    """Say that the page has come; what stood on it is not said again in the chat."""
    key = "scenes.asking.page_in_part" if problems else "scenes.asking.page_kept"
    line = Reply(say(turn.conversation.language, key))
    return replace(turn, replies=(*turn.replies, line))
