"""Moves a conversation along table 1, one step at a time."""

from dataclasses import replace

from flows import stages
from flows.conversation import Conversation
from flows.stages import DONE, Move
from flows.vocabulary import DANGER_FLAGS, Flag, Journey, StopReason


def apply_move(conversation: Conversation, move: Move) -> Conversation:
    """Return the conversation after a move; raise InvalidTransition if it does not start here."""
    return advance(replace(conversation, stage=stages.stage_after(conversation.stage, move)))


def advance(conversation: Conversation) -> Conversation:
    """Return the conversation one step on: older buttons become old, nothing is pending."""
    n = conversation.prompt_id + 1
    return replace(conversation, prompt_id=n, pending=None, invalid_count=0)


def start_draft(conversation: Conversation, move: Move, journey: Journey) -> Conversation:
    """Return a fresh draft: no answers, and buttons from before belong to an earlier draft.

    Danger or pressure heard just before the first question is still for staff to see, and so is
    who told us of somebody, unless they go on as an officer themselves.
    """
    fresh = apply_move(conversation, move)
    heard = tuple(flag for flag in fresh.flags if flag in (*DANGER_FLAGS, Flag.PRESSURE))
    return replace(
        fresh,
        journey=journey,
        answers=(),
        draft_epoch=fresh.prompt_id,
        editing="",
        stop_reason=StopReason.NONE,
        previous_journey=Journey.NONE,
        card_message_id=None,
        flags=heard if journey and not conversation.answers else (),
        consent="",
        consented_at=None,
        answered_on_page=False,
        introduction=None if journey == Journey.OFFICER else conversation.introduction,
    )


def open_for_change(conversation: Conversation, question_key: str) -> Conversation:
    """Return the conversation with an answered question open again; its answer still counts."""
    return replace(apply_move(conversation, Move.REOPEN), editing=question_key)


def can(conversation: Conversation, move: Move) -> bool:
    """Return whether `move` starts from where the conversation stands."""
    return move in stages.allowed_moves(conversation.stage)


def has_draft(conversation: Conversation) -> bool:
    """Return whether there are answers that were not sent."""
    return bool(conversation.answers) and conversation.stage not in DONE
