"""Moves a conversation along table 1, one step at a time."""

from dataclasses import replace

from flows import stages
from flows.conversation import Conversation


def apply_move(conversation: Conversation, name: str) -> Conversation:
    """Return the conversation after a move of table 1; raise NotAllowed if none starts here."""
    return advance(replace(conversation, stage=stages.stage_after(conversation, name)))


def advance(conversation: Conversation) -> Conversation:
    """Return the conversation one step on: older buttons become old, nothing waits any more."""
    return replace(
        conversation, prompt_id=conversation.prompt_id + 1, pending=None, invalid_count=0
    )


def start_draft(conversation: Conversation, name: str, journey: str) -> Conversation:
    """Return a fresh draft: no answers, and buttons from before belong to an earlier talk.

    Danger or pressure heard just before the first question is still for staff to see, and so is
    who told us of somebody, unless they go on as an officer themselves.
    """
    fresh = apply_move(conversation, name)
    heard = tuple(flag for flag in fresh.flags if flag.startswith(("danger_", "pressure")))
    return replace(
        fresh,
        journey=journey,
        answers=(),
        draft_epoch=fresh.prompt_id,
        editing="",
        stop_reason="",
        previous_journey="",
        card_message_id=None,
        flags=heard if journey and not conversation.answers else (),
        consent="",
        consented_at=None,
        answered_on_page=False,
        introduction=None if journey == "officer" else conversation.introduction,
    )


def allowed_moves(conversation: Conversation) -> tuple[str, ...]:
    """Return the moves that start from where the conversation stands."""
    return stages.allowed_moves(conversation.stage)


def has_draft(conversation: Conversation) -> bool:
    """Return whether there are answers that were not sent."""
    return bool(conversation.answers) and conversation.stage not in ("sent", "withdrawn")
