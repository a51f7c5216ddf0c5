"""Table 2: what staff can do with a referral, and when."""

from flows.machine import NotAllowed, Table

__all__ = ["ACTS", "CLOSED", "OPEN", "NotAllowed", "after", "allowed", "mermaid"]

OPEN = ("new", "claimed", "in_touch", "waiting", "paused")
CLOSED = ("closed", "withdrawn", "erased")
_HELD = ("claimed", "in_touch", "waiting")

ACTS = Table(
    (*OPEN, *CLOSED),
    (
        # act,            starts from,                 leads to
        ("claim", ("new",), "claimed"),
        ("hand_back", _HELD, "new"),
        ("lease_ended", _HELD, "new"),
        ("transfer", _HELD, "claimed"),
        ("spoke", _HELD, "in_touch"),
        ("no_answer", _HELD, "waiting"),
        ("wrong_number", _HELD, "waiting"),
        ("not_now", _HELD, "waiting"),
        ("snooze", _HELD, "waiting"),
        ("suitable", _HELD, "in_touch"),
        ("not_suitable", _HELD, "closed"),
        ("declined", _HELD, "closed"),
        ("refer_on", _HELD, "closed"),
        ("close", (*_HELD, "paused", "withdrawn"), "closed"),
        ("ask_to_delete", (*OPEN, "closed", "withdrawn"), "paused"),
        ("still_wanted", ("paused",), "new"),
        ("erase", ("paused", "withdrawn", "closed"), "erased"),
        ("withdraw", (*OPEN, "withdrawn"), "withdrawn"),
        ("reopen", ("closed",), "new"),
    ),
)
"""`ask_to_delete` and `withdraw` come from the person; contact stops with either.

`lease_ended` comes from the clock; all the others are done by a named member of staff.
`snooze` puts something off until a time; it stays its owner's. A note, a look at how to make
contact and an opening are dated steps too, but move nothing, so they have no row here.
"""

BY_PERSON = ("ask_to_delete", "withdraw")
BY_CLOCK = ("lease_ended",)
KEEPS_OWNER = (
    *("claim", "transfer", "spoke", "no_answer", "wrong_number", "not_now", "snooze", "suitable"),
)


def allowed(stage: str) -> tuple[str, ...]:
    """Return the acts that staff can take on a referral at `stage`."""
    return tuple(act for act in ACTS.allowed(stage) if act not in (*BY_PERSON, *BY_CLOCK))


def after(stage: str, act: str) -> str:
    """Return the stage after `act`; raise NotAllowed when it does not start from `stage`."""
    return ACTS.after(stage, act)


def mermaid() -> str:
    """Return this table as a Mermaid picture."""
    return ACTS.mermaid("What staff can do with a referral")
