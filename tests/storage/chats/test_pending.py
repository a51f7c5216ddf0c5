"""What a conversation waits for, kept and read back: as it is written now, and by release 0.1."""

import json
from typing import get_args

import pytest

from flows.conversation import Conversation
from flows.pending import (
    ChangeAnswer,
    ConfirmRestart,
    ConfirmSuggestion,
    ConfirmUnconfirmedText,
    ConfirmWithdrawal,
    PasteResult,
    Pending,
    UnansweredQuestion,
)
from flows.vocabulary import AnswerStatus
from storage.serialization import dumps, loads

EVERY: tuple[Pending, ...] = (
    ChangeAnswer("harm", "theft", AnswerStatus.ANSWERED, "12", just_asked=False),
    ChangeAnswer("harm", "", AnswerStatus.NOT_SURE),
    ConfirmSuggestion("harm", "theft"),
    ConfirmUnconfirmedText("name", "Robin", "7", just_asked=False),
    ConfirmRestart(just_asked=False),
    ConfirmWithdrawal(),
    UnansweredQuestion("What does it cost?"),
    PasteResult(3),
)
FORMER: tuple[tuple[dict[str, object], Pending], ...] = (
    ({"about": "change", "question": "harm", "value": "theft", "given": "said"}, EVERY[0]),
    ({"about": "change", "question": "harm", "value": "", "given": "not_sure"}, EVERY[1]),
    ({"about": "guess", "question": "harm", "value": "theft", "given": "said"}, EVERY[2]),
    ({"about": "words", "question": "name", "value": "Robin", "given": "said"}, EVERY[3]),
    ({"about": "again", "question": "", "value": "", "given": "said"}, EVERY[4]),
    ({"about": "withdraw", "question": "", "value": "", "given": "said"}, EVERY[5]),
    ({"about": "missed", "question": "", "value": "What does it cost?"}, EVERY[6]),
    ({"about": "told", "question": "", "value": "3", "given": "said"}, EVERY[7]),
)
"""One class in release 0.1: `about` said which, and everything travelled as `value`."""


def read_pending(body: dict[str, object]) -> Pending | None:
    """Return what a conversation with this body waits for."""
    return loads(Conversation, json.dumps(body)).pending


def test_every_pending_is_tried_here() -> None:
    assert {type(pending) for pending in EVERY} == set(get_args(Pending))


@pytest.mark.parametrize("pending", EVERY, ids=repr)
def test_it_comes_back_as_it_was(pending: Pending) -> None:
    kept = dumps(Conversation(pending=pending))
    assert json.loads(kept)["pending"]["kind"] == pending.kind
    assert loads(Conversation, kept).pending == pending


@pytest.mark.parametrize(("former", "pending"), FORMER, ids=repr)
def test_the_former_spelling_is_read(former: dict[str, object], pending: Pending) -> None:
    more = {
        "message": getattr(pending, "message_id", None),
        "just_asked": getattr(pending, "just_asked", True),
    }
    assert read_pending({"stage": "asking", "waiting": {**former, **more}}) == pending


@pytest.mark.parametrize(
    "body",
    [
        {"about": "told", "value": "many"},
        {"kind": "nothing of ours", "text": "x"},
        {"kind": 7},
        {"kind": "suggestion", "question": 7, "option": "theft"},
        "withdraw",
        [],
    ],
)
def test_what_cannot_be_read_is_nothing_to_wait_for(body: object) -> None:
    assert read_pending({"stage": "asking", "pending": body}) is None
