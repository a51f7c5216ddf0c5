"""Table 1: where a conversation can be, and how it moves."""

from enum import StrEnum

from flows.machine import TransitionTable


class Stage(StrEnum):
    """Where a conversation can be."""

    WELCOME = "welcome"
    LEARNING = "learning"
    NOTICE = "notice"
    ASKING = "asking"
    CHECKING = "checking"
    STOPPED = "stopped"
    PAUSED = "paused"
    SENT = "sent"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Move(StrEnum):
    """What takes a conversation from one stage to another."""

    WELCOME = "welcome"
    LEARN = "learn"
    BEGIN = "begin"
    REFER = "refer"
    ASK_FOR_A_CALL = "ask_for_a_call"
    AGREE = "agree"
    ASK = "ask"
    NOTHING_LEFT = "nothing_left"
    REOPEN = "reopen"
    NOT_HERE = "not_here"
    SEND = "send"
    LEAVE = "leave"
    CARRY_ON = "carry_on"
    READ_AGAIN = "read_again"
    WITHDRAW = "withdraw"
    FORGET = "forget"
    RUN_OUT = "run_out"


FRESH = (Stage.WELCOME, Stage.LEARNING, Stage.EXPIRED)
"""Nothing was begun."""
DRAFT = (Stage.NOTICE, Stage.ASKING, Stage.CHECKING, Stage.STOPPED)
"""A draft is in front of the person; a paused one is out of sight."""
ANSWERABLE = (Stage.ASKING, Stage.CHECKING, Stage.STOPPED)
"""An answer can be given or changed."""
DONE = (Stage.SENT, Stage.WITHDRAWN)
"""The record was handed over."""

STAGES = TransitionTable[Stage, Move](
    tuple(Stage),
    (
        # move,               starts from,                              leads to
        (Move.WELCOME, (*FRESH, *DRAFT, *DONE, Stage.PAUSED), Stage.WELCOME),
        (Move.LEARN, (*FRESH, *DONE), Stage.LEARNING),
        (Move.BEGIN, (*FRESH, *DONE, Stage.PAUSED), Stage.NOTICE),
        (Move.REFER, (*FRESH, *DRAFT, *DONE, Stage.PAUSED), Stage.ASKING),
        (Move.ASK_FOR_A_CALL, (*FRESH, *DRAFT, *DONE, Stage.PAUSED), Stage.ASKING),
        (Move.AGREE, (Stage.NOTICE,), Stage.ASKING),
        (Move.ASK, (*DRAFT, Stage.PAUSED), Stage.ASKING),
        (Move.NOTHING_LEFT, (Stage.ASKING,), Stage.CHECKING),
        (Move.REOPEN, ANSWERABLE, Stage.ASKING),
        (Move.NOT_HERE, (Stage.ASKING,), Stage.STOPPED),
        (Move.SEND, (Stage.CHECKING,), Stage.SENT),
        (Move.LEAVE, (*FRESH, *DRAFT, Stage.PAUSED), Stage.PAUSED),
        (Move.CARRY_ON, (Stage.PAUSED,), Stage.ASKING),
        (Move.READ_AGAIN, (Stage.ASKING, Stage.PAUSED), Stage.NOTICE),
        (Move.WITHDRAW, (Stage.SENT,), Stage.WITHDRAWN),
        (Move.FORGET, (*FRESH, *DRAFT, Stage.PAUSED), Stage.WELCOME),
        (Move.RUN_OUT, (*DRAFT, Stage.PAUSED, Stage.WELCOME, Stage.LEARNING), Stage.EXPIRED),
    ),
)
"""Questions are not stages: the open one follows from the answers (flows/questions/journey.py)."""


def stage_after(stage: Stage, move: Move) -> Stage:
    """Return the stage that `move` leads to; raise InvalidTransition if it does not start here."""
    return STAGES.next_state(stage, move)


def allowed_moves(stage: Stage) -> tuple[Move, ...]:
    """Return the moves that start from `stage`, in the table's order."""
    return STAGES.allowed_from(stage)


def mermaid() -> str:
    """Return this table as a Mermaid state diagram."""
    return STAGES.mermaid("Where a conversation can be")
