"""take_turn: the one door. What was heard goes in; what should happen comes out."""

from dataclasses import replace
from datetime import datetime, timedelta

from flows import funnel_events, moves, wording
from flows.conversation import Conversation, ForgetDraft, HandOver, Heard, Hearing, Reply, Turn
from flows.dialogue import dispatch, handoff
from flows.questions import journey
from flows.referral import rules
from flows.scenes import sent
from flows.scenes.registry import SHOWS
from flows.service import service
from flows.wording import say


def take_turn(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return what should happen next; `now` is aware. Never silent, never raises for any input."""
    woken, lost = _wake(conversation, heard, now)
    turn = dispatch.hear(woken, heard, now)
    turn = _shown(turn, heard, fresh_send=any(isinstance(e, HandOver) for e in turn.effects))
    turn = _with_keyboard_cleared(turn, woken)
    after = replace(_asked_before(turn.conversation, woken), heard_at=now)
    effects = (*lost, *turn.effects, *funnel_events.counts(woken, after))
    return replace(turn, conversation=after, effects=effects)


def come_back(conversation: Conversation, quietly: bool, now: datetime) -> Turn:
    """Return what the bot says when a member of staff has given the conversation back to it.

    The person has done nothing: where they stand is shown again, or only offered (`quietly`).
    """
    turn = handoff.comes_back(conversation, quietly, now)
    return _shown(turn, Heard(Hearing.SAID), fresh_send=False)


def _asked_before(after: Conversation, before: Conversation) -> Conversation:
    """What still waits for a yes from an earlier turn is no longer what we just asked.

    A question that had no answer is not kept on, unless the person agreed at once.
    """
    if after.waiting is None or after.waiting is not before.waiting:
        return after
    if after.waiting.about == "missed":
        return replace(after, waiting=None)
    return replace(after, waiting=replace(after.waiting, just_asked=False))


def _wake(
    conversation: Conversation, heard: Heard, now: datetime
) -> tuple[Conversation, tuple[ForgetDraft, ...]]:
    """Let time have its way: old drafts and receipts are gone, a new officer is known."""
    if conversation.heard_at is None:
        conversation = replace(conversation, language=wording.offered(heard.language))
    if heard.officer:
        conversation = replace(conversation, officer=heard.officer)
    if heard.introduced and not conversation.officer:
        told = replace(heard.introduced, at=now)
        conversation = replace(conversation, introduced_by=told)
    if heard.typed_by:
        conversation = replace(conversation, typed_by=heard.typed_by, door=heard.door)
    receipt = conversation.receipt
    if receipt and now - receipt.sent_at > timedelta(days=service().receipt_days):
        conversation = replace(conversation, receipt=None)
    quiet = dispatch.quiet_for(conversation, now)
    if moves.has_draft(conversation) and quiet > timedelta(hours=service().draft_hours):
        gone = moves.begun(conversation, "run_out", "")
        return replace(gone, introduced_by=None), (ForgetDraft(),)
    return conversation, ()


def _shown(turn: Turn, heard: Heard, fresh_send: bool) -> Turn:
    """Add the scene where the conversation now stands, as often as one scene leads to the next."""
    while turn.shows:
        stands = _caught_up(turn.conversation)
        sent_just_now = stands.stage == "sent" and fresh_send
        show = sent.show_thanks if sent_just_now else SHOWS[stands.stage]
        new_below = replace(heard, message=None) if turn.replies else heard
        if turn.replies:
            stands = replace(stands, card=None)
        shown = show(stands, new_below)
        turn = replace(
            shown,
            replies=turn.replies + shown.replies,
            effects=turn.effects + shown.effects,
            toast=turn.toast,
        )
    return turn


def _caught_up(conversation: Conversation) -> Conversation:
    """Move on where the answers say so: it cannot go on here, or nothing is left to ask."""
    if conversation.stage == "checking" and journey.open_question(conversation):
        conversation = moves.moved(conversation, "reopen")
    if conversation.stage != "asking":
        return conversation
    reason = rules.stop_reason(rules.facts_of(conversation))
    if reason and not conversation.looking_at:
        return replace(moves.moved(conversation, "not_here"), stopped_for=reason)
    if journey.open_question(conversation) is None:
        ready = moves.moved(conversation, "nothing_left")
        return replace(ready, waiting=conversation.waiting)
    return conversation


def _with_keyboard_cleared(turn: Turn, before: Conversation) -> Turn:
    """A reply keyboard that is no longer wanted is taken away with a short line."""
    if not before.keyboard or (turn.conversation.keyboard and _asks_number(turn.conversation)):
        return turn
    saved = Reply(say(before.language, "scenes.asking.saved"), clears_keyboard=True)
    return replace(
        turn,
        conversation=replace(turn.conversation, keyboard=False),
        replies=(saved, *turn.replies),
    )


def _asks_number(conversation: Conversation) -> bool:
    one = journey.open_question(conversation) if conversation.stage == "asking" else None
    return one is not None and one.kind == "phone"
