"""A revoked officer's chat files nothing more as an officer; everything else stays open to it."""

from dataclasses import replace

from flows.conversation import (
    ClearMessage,
    Conversation,
    CountEvent,
    Effect,
    HandOver,
    RaiseFlag,
    Turn,
)
from flows.interaction import moves
from flows.scenes.revoked import revoked_notice
from flows.stages import ANSWERABLE, DONE, Move, Stage
from flows.vocabulary import CounterEvent, Journey


def without_receipt(conversation: Conversation) -> Conversation:
    """Return the conversation of a revoked officer without the receipt of what they sent.

    With it go the ways to stop contact for a referral, or to write to staff about it.
    """
    receipt = conversation.receipt
    if not conversation.officer_revoked or receipt is None or receipt.journey != Journey.OFFICER:
        return conversation
    if conversation.stage in DONE:
        conversation = moves.start_draft(conversation, Move.WELCOME, Journey.NONE)
    return replace(conversation, receipt=None)


def refuse_filing(before: Conversation, turn: Turn) -> Turn:
    """Return the turn, or kind words in place of one that leads a revoked officer to the form.

    The result of a turn is looked at, not what was typed, so no way to the form can be missed.
    A draft is kept as long as any other: it can be deleted, and a new invitation opens it again.
    """
    after = turn.conversation
    shown = (*ANSWERABLE, Stage.PAUSED) if turn.rerender else ANSWERABLE
    at_form = after.journey == Journey.OFFICER and after.stage in shown
    if not before.officer_revoked or not (at_form or _hands_over(turn)):
        return turn
    rest = _put_aside(before)
    told = after.danger_signposts != before.danger_signposts
    rest = replace(rest, danger_signposts=after.danger_signposts)
    replies = (*(turn.replies if told else ()), revoked_notice(rest))
    effects = tuple(effect for effect in turn.effects if _is_kept(effect))
    return Turn(rest, replies, effects, turn.toast)


def _hands_over(turn: Turn) -> bool:
    records = [one.record for one in turn.effects if isinstance(one, HandOver)]
    return any(one.journey == Journey.OFFICER for one in records)


def _is_kept(effect: Effect) -> bool:
    """Return whether a refused turn still does this: names leave the chat, danger is noted."""
    danger = isinstance(effect, CountEvent) and effect.event == CounterEvent.DANGER
    return danger or isinstance(effect, ClearMessage | RaiseFlag)


def _put_aside(conversation: Conversation) -> Conversation:
    """Return where a revoked officer rests: beside the draft, or at the welcome."""
    if conversation.journey != Journey.OFFICER or conversation.stage not in (
        *ANSWERABLE,
        Stage.PAUSED,
    ):
        return conversation
    if not moves.has_draft(conversation):
        return moves.start_draft(conversation, Move.WELCOME, Journey.NONE)
    if moves.can(conversation, Move.LEAVE):
        conversation = moves.apply_move(conversation, Move.LEAVE)
    return replace(conversation, card_message_id=None)
