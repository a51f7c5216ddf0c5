"""Table 1: where a conversation can be, and how it moves."""

from flows.conversation import Conversation
from flows.machine import InvalidTransition, TransitionTable

__all__ = ["STAGES", "InvalidTransition", "allowed_moves", "mermaid", "stage_after"]

_FRESH = ("welcome", "learning", "expired")
_DRAFT = ("notice", "asking", "checking", "stopped")
_SENT = ("sent", "withdrawn")

STAGES = TransitionTable(
    (
        "welcome",
        "learning",
        "notice",
        "asking",
        "checking",
        "stopped",
        "paused",
        "sent",
        "withdrawn",
        "expired",
    ),
    (
        # move,          starts from,                              leads to
        ("welcome", (*_FRESH, *_DRAFT, *_SENT, "paused"), "welcome"),
        ("learn", (*_FRESH, *_SENT), "learning"),
        ("begin", (*_FRESH, *_SENT, "paused"), "notice"),
        ("refer", (*_FRESH, *_DRAFT, *_SENT, "paused"), "asking"),
        ("ask_for_a_call", (*_FRESH, *_DRAFT, *_SENT, "paused"), "asking"),
        ("agree", ("notice",), "asking"),
        ("ask", ("notice", "asking", "checking", "stopped", "paused"), "asking"),
        ("nothing_left", ("asking",), "checking"),
        ("reopen", ("asking", "checking", "stopped"), "asking"),
        ("not_here", ("asking",), "stopped"),
        ("send", ("checking",), "sent"),
        ("leave", (*_FRESH, *_DRAFT, "paused"), "paused"),
        ("carry_on", ("paused",), "asking"),
        ("read_again", ("asking", "paused"), "notice"),
        ("withdraw", ("sent",), "withdrawn"),
        ("forget", (*_FRESH, *_DRAFT, "paused"), "welcome"),
        ("run_out", (*_DRAFT, "paused", "welcome", "learning"), "expired"),
    ),
)
"""Questions are not stages: the open one follows from the answers (flows/questions/journey.py)."""


def stage_after(conversation: Conversation, name: str) -> str:
    """Return the stage after the move `name`; raise NotAllowed when it does not start here."""
    return STAGES.next_state(conversation.stage, name)


def allowed_moves(stage: str) -> tuple[str, ...]:
    """Return the names of the moves that start from `stage`."""
    return STAGES.allowed_from(stage)


def mermaid() -> str:
    """Return this table as a Mermaid picture."""
    return STAGES.mermaid("Where a conversation can be")
