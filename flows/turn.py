"""take_turn: the one door. What was heard goes in; what should happen comes out."""

from dataclasses import replace
from datetime import datetime, timedelta

from flows import funnel_events, moves, wording
from flows.conversation import Conversation, ForgetDraft, HandOver, Input, InputKind, Reply, Turn
from flows.dialogue import dispatch, handoff, officer_revoked
from flows.questions import journey
from flows.referral import rules
from flows.scenes import sent
from flows.scenes.registry import SHOW_BY_STAGE
from flows.service import service
from flows.wording import say


def take_turn(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return what should happen next; `now` is aware. Never silent, never raises for any input."""
    woken, lost = _prepare_conversation(conversation, user_input, now)
    turn = dispatch.dispatch_input(woken, user_input, now)
    turn = officer_revoked.refuse_filing(woken, turn)
    turn = _render_scenes(
        turn, user_input, fresh_send=any(isinstance(e, HandOver) for e in turn.effects)
    )
    turn = _with_keyboard_cleared(turn, woken)
    after = replace(_expire_typed_yes(turn.conversation, woken), last_input_at=now)
    effects = (*lost, *turn.effects, *funnel_events.turn_events(woken, after))
    return replace(turn, conversation=after, effects=effects)


def resume_after_handoff(conversation: Conversation, quietly: bool, now: datetime) -> Turn:
    """Return what the bot says when a member of staff has given the conversation back to it.

    The person has done nothing: where they stand is shown again, or only offered (`quietly`).
    """
    turn = handoff.resume_bot(conversation, quietly, now)
    turn = officer_revoked.refuse_filing(conversation, turn)
    return _render_scenes(turn, Input(InputKind.TEXT), fresh_send=False)


def _expire_typed_yes(after: Conversation, before: Conversation) -> Conversation:
    """What still waits for a yes from an earlier turn is no longer what we just asked.

    A question that had no answer is not kept on, unless the person agreed at once.
    """
    if after.pending is None or after.pending is not before.pending:
        return after
    if after.pending.kind == "missed":
        return replace(after, pending=None)
    return replace(after, pending=replace(after.pending, just_asked=False))


def _prepare_conversation(
    conversation: Conversation, user_input: Input, now: datetime
) -> tuple[Conversation, tuple[ForgetDraft, ...]]:
    """Let time have its way: old drafts and receipts are gone, a new officer is known."""
    if conversation.last_input_at is None:
        conversation = replace(
            conversation, language=wording.supported_language(user_input.language)
        )
    if user_input.officer:
        conversation = replace(conversation, officer=user_input.officer, officer_revoked=False)
    conversation = officer_revoked.without_receipt(conversation)
    if user_input.introduction and not conversation.officer:
        told = replace(user_input.introduction, introduced_at=now)
        conversation = replace(conversation, introduction=told)
    if user_input.typed_by:
        conversation = replace(conversation, typed_by=user_input.typed_by, source=user_input.source)
    receipt = conversation.receipt
    if receipt and now - receipt.sent_at > timedelta(days=service().receipt_days):
        conversation = replace(conversation, receipt=None)
    quiet = dispatch.time_since_last_input(conversation, now)
    if moves.has_draft(conversation) and quiet > timedelta(hours=service().draft_hours):
        gone = moves.start_draft(conversation, "run_out", "")
        return replace(gone, introduction=None), (ForgetDraft(),)
    return conversation, ()


def _render_scenes(turn: Turn, user_input: Input, fresh_send: bool) -> Turn:
    """Add the scene where the conversation now stands, as often as one scene leads to the next."""
    while turn.rerender:
        stands = _advance_stage(turn.conversation)
        sent_just_now = stands.stage == "sent" and fresh_send
        show = sent.show_confirmation if sent_just_now else SHOW_BY_STAGE[stands.stage]
        new_below = replace(user_input, message_id=None) if turn.replies else user_input
        if turn.replies:
            stands = replace(stands, card_message_id=None)
        shown = show(stands, new_below)
        turn = replace(
            shown,
            replies=turn.replies + shown.replies,
            effects=turn.effects + shown.effects,
            toast=turn.toast,
        )
    return turn


def _advance_stage(conversation: Conversation) -> Conversation:
    """Move on where the answers say so: it cannot go on here, or nothing is left to ask."""
    if conversation.stage == "checking" and journey.open_question(conversation):
        conversation = moves.apply_move(conversation, "reopen")
    if conversation.stage != "asking":
        return conversation
    reason = rules.stop_reason(rules.facts_of(conversation))
    if reason and not conversation.editing:
        return replace(moves.apply_move(conversation, "not_here"), stop_reason=reason)
    if journey.open_question(conversation) is None:
        ready = moves.apply_move(conversation, "nothing_left")
        return replace(ready, pending=conversation.pending)
    return conversation


def _with_keyboard_cleared(turn: Turn, before: Conversation) -> Turn:
    """A reply keyboard that is no longer wanted is taken away with a short line."""
    if not before.has_reply_keyboard or (
        turn.conversation.has_reply_keyboard and _asks_phone_number(turn.conversation)
    ):
        return turn
    saved = Reply(say(before.language, "scenes.asking.saved"), clears_keyboard=True)
    return replace(
        turn,
        conversation=replace(turn.conversation, has_reply_keyboard=False),
        replies=(saved, *turn.replies),
    )


def _asks_phone_number(conversation: Conversation) -> bool:
    one = journey.open_question(conversation) if conversation.stage == "asking" else None
    return one is not None and one.kind == "phone"
