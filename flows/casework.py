"""Table 2: what staff can do with a referral, and when."""

from enum import StrEnum

from flows.machine import InvalidTransition, TransitionTable

__all__ = [
    "ACTS",
    "CLOSED_STAGES",
    "OPEN_STAGES",
    "Act",
    "InvalidTransition",
    "ReferralStage",
    "allowed_acts",
    "mermaid",
    "stage_after",
]


class ReferralStage(StrEnum):
    """Where a referral can be, once it was handed over."""

    NEW = "new"
    CLAIMED = "claimed"
    IN_TOUCH = "in_touch"
    WAITING = "waiting"
    PAUSED = "paused"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    ERASED = "erased"


class Act(StrEnum):
    """What moves a referral from one stage to another."""

    CLAIM = "claim"
    HAND_BACK = "hand_back"
    LEASE_ENDED = "lease_ended"
    TRANSFER = "transfer"
    SPOKE = "spoke"
    NO_ANSWER = "no_answer"
    WRONG_NUMBER = "wrong_number"
    NOT_NOW = "not_now"
    SNOOZE = "snooze"
    SUITABLE = "suitable"
    NOT_SUITABLE = "not_suitable"
    DECLINED = "declined"
    REFER_ON = "refer_on"
    CLOSE = "close"
    ASK_TO_DELETE = "ask_to_delete"
    STILL_WANTED = "still_wanted"
    ERASE = "erase"
    WITHDRAW = "withdraw"
    REOPEN = "reopen"


_NEW, _PAUSED = ReferralStage.NEW, ReferralStage.PAUSED
_CLOSED, _WITHDRAWN, _ERASED = (
    *(ReferralStage.CLOSED, ReferralStage.WITHDRAWN, ReferralStage.ERASED),
)
HELD_STAGES = (ReferralStage.CLAIMED, ReferralStage.IN_TOUCH, ReferralStage.WAITING)
"""A member of staff owns it."""
OPEN_STAGES = (_NEW, *HELD_STAGES, _PAUSED)
CLOSED_STAGES = (_CLOSED, _WITHDRAWN, _ERASED)

ACTS = TransitionTable[ReferralStage, Act](
    tuple(ReferralStage),
    (
        # act,               starts from,                     leads to
        (Act.CLAIM, (_NEW,), ReferralStage.CLAIMED),
        (Act.HAND_BACK, HELD_STAGES, _NEW),
        (Act.LEASE_ENDED, HELD_STAGES, _NEW),
        (Act.TRANSFER, HELD_STAGES, ReferralStage.CLAIMED),
        (Act.SPOKE, HELD_STAGES, ReferralStage.IN_TOUCH),
        (Act.NO_ANSWER, HELD_STAGES, ReferralStage.WAITING),
        (Act.WRONG_NUMBER, HELD_STAGES, ReferralStage.WAITING),
        (Act.NOT_NOW, HELD_STAGES, ReferralStage.WAITING),
        (Act.SNOOZE, HELD_STAGES, ReferralStage.WAITING),
        (Act.SUITABLE, HELD_STAGES, ReferralStage.IN_TOUCH),
        (Act.NOT_SUITABLE, HELD_STAGES, _CLOSED),
        (Act.DECLINED, HELD_STAGES, _CLOSED),
        (Act.REFER_ON, HELD_STAGES, _CLOSED),
        (Act.CLOSE, (*HELD_STAGES, _PAUSED, _WITHDRAWN), _CLOSED),
        (Act.ASK_TO_DELETE, (*OPEN_STAGES, _CLOSED, _WITHDRAWN), _PAUSED),
        (Act.STILL_WANTED, (_PAUSED,), _NEW),
        (Act.ERASE, (_PAUSED, _WITHDRAWN, _CLOSED), _ERASED),
        (Act.WITHDRAW, (*OPEN_STAGES, _WITHDRAWN), _WITHDRAWN),
        (Act.REOPEN, (_CLOSED,), _NEW),
    ),
)
"""`ask_to_delete` and `withdraw` come from the person; contact stops with either.

`lease_ended` comes from the clock; all the others are done by a named member of staff.
`snooze` puts something off until a time; it stays its owner's. A note, a look at how to make
contact and an opening are dated steps too, but move nothing, so they have no row here.
"""

PERSON_ACTS = (Act.ASK_TO_DELETE, Act.WITHDRAW)
AUTOMATIC_ACTS = (Act.LEASE_ENDED,)
ACTS_KEEPING_OWNER = (
    *(Act.CLAIM, Act.TRANSFER, Act.SPOKE, Act.NO_ANSWER, Act.WRONG_NUMBER, Act.NOT_NOW),
    *(Act.SNOOZE, Act.SUITABLE),
)


def allowed_acts(stage: str) -> tuple[Act, ...]:
    """Return the acts that staff can take on a referral at `stage`; none for an unknown stage."""
    return tuple(
        act for act in ACTS.allowed_from(stage) if act not in (*PERSON_ACTS, *AUTOMATIC_ACTS)
    )


def stage_after(stage: str, act: str) -> ReferralStage:
    """Return the stage after `act`; raise InvalidTransition when it does not start from `stage`.

    Both may be any string: this is where names from a form or a row become ours.
    """
    return ACTS.next_state(stage, act)


def mermaid() -> str:
    """Return this table as a Mermaid state diagram."""
    return ACTS.mermaid("What staff can do with a referral")
