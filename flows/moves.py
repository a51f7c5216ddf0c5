"""Moves a conversation along table 1, one step at a time."""

from dataclasses import replace

from flows import stages
from flows.conversation import Conversation


def moved(conversation: Conversation, name: str) -> Conversation:
    """Return the conversation after a move of table 1; raise NotAllowed if none starts here."""
    return stepped(replace(conversation, stage=stages.move(conversation, name)))


def stepped(conversation: Conversation) -> Conversation:
    """Return the conversation one step on: older buttons become old, nothing waits any more."""
    return replace(conversation, step=conversation.step + 1, waiting=None, misread=0)


def begun(conversation: Conversation, name: str, journey: str) -> Conversation:
    """Return a fresh draft: no answers, and buttons from before belong to an earlier talk.

    Danger or pressure heard just before the first question is still for staff to see, and so is
    who told us of somebody, unless they go on as an officer themselves.
    """
    fresh = moved(conversation, name)
    heard = tuple(flag for flag in fresh.flags if flag.startswith(("danger_", "pressure")))
    return replace(
        fresh,
        journey=journey,
        answers=(),
        began=fresh.step,
        looking_at="",
        stopped_for="",
        came_from="",
        card=None,
        flags=heard if journey and not conversation.answers else (),
        consent="",
        consented_at=None,
        by_page=False,
        introduced_by=None if journey == "officer" else conversation.introduced_by,
    )


def allowed(conversation: Conversation) -> tuple[str, ...]:
    """Return the moves that start from where the conversation stands."""
    return stages.allowed(conversation.stage)


def has_draft(conversation: Conversation) -> bool:
    """Return whether there are answers that were not sent."""
    return bool(conversation.answers) and conversation.stage not in ("sent", "withdrawn")
