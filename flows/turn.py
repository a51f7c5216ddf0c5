"""take_turn: the single entry point. An input in, a turn out."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from flows import wording
from flows.conversation import ClearChat, Conversation, ForgetDraft, HandOver, Reply, Turn
from flows.dialogue import dispatch, funnel_events, handoff, officer_revoked
from flows.dialogue.absence import time_since_last_input
from flows.inputs import Input, Sender, TypedText
from flows.interaction import moves
from flows.interaction.moment import Moment
from flows.pending import (
    ChangeAnswer,
    ConfirmRestart,
    ConfirmSuggestion,
    ConfirmUnconfirmedText,
    ConfirmWithdrawal,
    PasteResult,
    UnansweredQuestion,
)
from flows.questions import journey
from flows.questions.questionnaire import AnswerType
from flows.referral import rules
from flows.scenes import sent
from flows.scenes.registry import SCENES
from flows.service import service
from flows.stages import Move, Stage
from flows.vocabulary import Journey
from flows.wording import say


def take_turn(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return what should happen next; `now` is aware. Never silent, never raises for any input."""
    known = _with_sender(conversation, user_input.sender, now)
    ready, expired = _with_expiry(known, now)
    moment = Moment(ready, user_input, now)
    turn = officer_revoked.refuse_filing(ready, dispatch.dispatch_input(moment))
    # Before rendering: the scenes that follow add effects, but never hand a record over.
    is_fresh_send = any(isinstance(effect, HandOver) for effect in turn.effects)
    turn = _render_scenes(turn, moment, is_fresh_send)
    turn = _with_keyboard_cleared(turn, ready)
    after = replace(_expire_typed_yes(turn.conversation, ready), last_input_at=now)
    counted = funnel_events.turn_events(ready, after, is_fresh_send)
    effects = (*expired, *turn.effects, *counted)
    if moment.text.startswith("/start") or any(isinstance(one, ClearChat) for one in effects):
        # The numbers given before can no longer be read above: cleared, or on another screen.
        after = replace(after, danger_signposts=())
    return replace(turn, conversation=after, effects=effects)


def resume_after_handoff(conversation: Conversation, quietly: bool, now: datetime) -> Turn:
    """Return what the bot says when a member of staff has given the conversation back to it.

    The person has done nothing: where they stand is shown again, or only offered (`quietly`).
    """
    turn = handoff.resume_bot(conversation, quietly, now)
    turn = officer_revoked.refuse_filing(conversation, turn)
    moment = Moment(turn.conversation, TypedText(""), now)
    return _render_scenes(turn, moment, is_fresh_send=False)


def _expire_typed_yes(after: Conversation, before: Conversation) -> Conversation:
    """Return the conversation with a pending question that is a turn old no longer just asked.

    From then on only its buttons answer it: a "yes" some turns later is for something else. A
    question without an answer is not kept on, unless the person agreed at once.
    """
    pending = after.pending
    # Identity, not equality: the same question asked again in this turn is a new one.
    if pending is None or pending is not before.pending:
        return after
    match pending:
        case UnansweredQuestion():
            return replace(after, pending=None)
        case PasteResult():
            return after
        case (
            ChangeAnswer()
            | ConfirmSuggestion()
            | ConfirmUnconfirmedText()
            | ConfirmRestart()
            | ConfirmWithdrawal()
        ):
            return replace(after, pending=replace(pending, just_asked=False))
        case _:
            assert_never(pending)


def _with_sender(conversation: Conversation, sender: Sender, now: datetime) -> Conversation:
    """Return the conversation with what this input tells of who sends it."""
    if conversation.last_input_at is None:
        # Later the person's own choice counts, whatever their device is set to.
        language = wording.supported_language(sender.language)
        conversation = replace(conversation, language=language)
    if sender.officer:
        conversation = replace(conversation, officer=sender.officer, officer_revoked=False)
    conversation = officer_revoked.without_receipt(conversation)
    # An officer cannot be introduced by another: they refer, and are not referred.
    if sender.introduction and not conversation.officer:
        introduction = replace(sender.introduction, introduced_at=now)
        conversation = replace(conversation, introduction=introduction)
    if sender.typed_by:
        conversation = replace(conversation, typed_by=sender.typed_by, source=sender.source)
    return conversation


def _with_expiry(
    conversation: Conversation, now: datetime
) -> tuple[Conversation, tuple[ForgetDraft, ...]]:
    """Return the conversation without what is too old: a receipt, and a draft with its effect."""
    receipt = conversation.receipt
    if receipt and now - receipt.sent_at > timedelta(days=service().receipt_days):
        conversation = replace(conversation, receipt=None)
    too_old = timedelta(hours=service().draft_hours)
    if moves.has_draft(conversation) and time_since_last_input(conversation, now) > too_old:
        gone = moves.start_draft(conversation, Move.RUN_OUT, Journey.NONE)
        return replace(gone, introduction=None), (ForgetDraft(),)
    return conversation, ()


def _render_scenes(turn: Turn, moment: Moment, is_fresh_send: bool) -> Turn:
    """Add the scene where the conversation now stands, as often as one scene leads to the next."""
    while turn.rerender:
        conversation, user_input = _advance_stage(turn.conversation), moment.input
        if turn.replies:
            # What is shown comes below those replies, so no older message may be edited for it.
            user_input = replace(user_input, message_id=None)
            conversation = replace(conversation, card_message_id=None)
        sent_just_now = conversation.stage == Stage.SENT and is_fresh_send
        show = sent.show_confirmation if sent_just_now else SCENES[conversation.stage].show
        shown = show(Moment(conversation, user_input, moment.now))
        turn = replace(
            shown,
            replies=turn.replies + shown.replies,
            effects=turn.effects + shown.effects,
            toast=turn.toast,
        )
    return turn


def _advance_stage(conversation: Conversation) -> Conversation:
    """Return the conversation moved on where its answers say so.

    Something is unanswered at the check (a question was added), it cannot go on here, or nothing
    is left to ask.
    """
    if conversation.stage == Stage.CHECKING and journey.open_question(conversation):
        conversation = moves.apply_move(conversation, Move.REOPEN)
    if conversation.stage != Stage.ASKING:
        return conversation
    reason = rules.stop_reason(rules.facts_of(conversation))
    # While the deciding answer is being changed, it must be possible to change it.
    if reason and not conversation.editing:
        return replace(moves.apply_move(conversation, Move.NOT_HERE), stop_reason=reason)
    if journey.open_question(conversation) is None:
        ready = moves.apply_move(conversation, Move.NOTHING_LEFT)
        # What became of a paste is still to be said on the card.
        return replace(ready, pending=conversation.pending)
    return conversation


def _with_keyboard_cleared(turn: Turn, before: Conversation) -> Turn:
    """Return the turn that removes a reply keyboard which is no longer wanted."""
    still_wanted = turn.conversation.has_reply_keyboard and _asks_phone_number(turn.conversation)
    if not before.has_reply_keyboard or still_wanted:
        return turn
    # A channel can only take a keyboard away together with a message.
    saved = Reply(say(before.language, "scenes.asking.saved"), clears_keyboard=True)
    return replace(
        turn,
        conversation=replace(turn.conversation, has_reply_keyboard=False),
        replies=(saved, *turn.replies),
    )


def _asks_phone_number(conversation: Conversation) -> bool:
    is_asking = conversation.stage == Stage.ASKING
    question = journey.open_question(conversation) if is_asking else None
    return question is not None and question.kind == AnswerType.PHONE
