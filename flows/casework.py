"""Table 2: what staff can do with a referral, and when."""

from flows.machine import InvalidTransition, TransitionTable

__all__ = [
    "ACTS",
    "CLOSED_STAGES",
    "OPEN_STAGES",
    "InvalidTransition",
    "allowed_acts",
    "mermaid",
    "stage_after",
]

OPEN_STAGES = ("new", "claimed", "in_touch", "waiting", "paused")
CLOSED_STAGES = ("closed", "withdrawn", "erased")
_CLAIMED = ("claimed", "in_touch", "waiting")

ACTS = TransitionTable(
    (*OPEN_STAGES, *CLOSED_STAGES),
    (
        # act,            starts from,                 leads to
        ("claim", ("new",), "claimed"),
        ("hand_back", _CLAIMED, "new"),
        ("lease_ended", _CLAIMED, "new"),
        ("transfer", _CLAIMED, "claimed"),
        ("spoke", _CLAIMED, "in_touch"),
        ("no_answer", _CLAIMED, "waiting"),
        ("wrong_number", _CLAIMED, "waiting"),
        ("not_now", _CLAIMED, "waiting"),
        ("snooze", _CLAIMED, "waiting"),
        ("suitable", _CLAIMED, "in_touch"),
        ("not_suitable", _CLAIMED, "closed"),
        ("declined", _CLAIMED, "closed"),
        ("refer_on", _CLAIMED, "closed"),
        ("close", (*_CLAIMED, "paused", "withdrawn"), "closed"),
        ("ask_to_delete", (*OPEN_STAGES, "closed", "withdrawn"), "paused"),
        ("still_wanted", ("paused",), "new"),
        ("erase", ("paused", "withdrawn", "closed"), "erased"),
        ("withdraw", (*OPEN_STAGES, "withdrawn"), "withdrawn"),
        ("reopen", ("closed",), "new"),
    ),
)
"""`ask_to_delete` and `withdraw` come from the person; contact stops with either.

`lease_ended` comes from the clock; all the others are done by a named member of staff.
`snooze` puts something off until a time; it stays its owner's. A note, a look at how to make
contact and an opening are dated steps too, but move nothing, so they have no row here.
"""

PERSON_ACTS = ("ask_to_delete", "withdraw")
AUTOMATIC_ACTS = ("lease_ended",)
ACTS_KEEPING_OWNER = (
    *("claim", "transfer", "spoke", "no_answer", "wrong_number", "not_now", "snooze", "suitable"),
)


def allowed_acts(stage: str) -> tuple[str, ...]:
    """Return the acts that staff can take on a referral at `stage`."""
    return tuple(
        act for act in ACTS.allowed_from(stage) if act not in (*PERSON_ACTS, *AUTOMATIC_ACTS)
    )


def stage_after(stage: str, act: str) -> str:
    """Return the stage after `act`; raise NotAllowed when it does not start from `stage`."""
    return ACTS.next_state(stage, act)


def mermaid() -> str:
    """Return this table as a Mermaid picture."""
    return ACTS.mermaid("What staff can do with a referral")
