"""What a conversation waits for: one class for each thing that a yes, a no or a button settles.

`kind` is the tag under which a pending is kept; it never changes.
"""

from dataclasses import dataclass
from typing import Literal

from flows.vocabulary import AnswerStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class _Confirmation:
    """A yes or no is waited for.

    A typed yes is for it only while it was what we `just_asked`; its buttons wait longer.
    """

    just_asked: bool = True


@dataclass(frozen=True, slots=True)
class ChangeAnswer(_Confirmation):
    """An answer that would re-open others: is it to be taken?"""

    question: str
    value: str
    status: AnswerStatus = AnswerStatus.ANSWERED
    message_id: str | None = None
    kind: Literal["change"] = "change"


@dataclass(frozen=True, slots=True)
class ConfirmSuggestion(_Confirmation):
    """Typed words that are probably a slip for an option: was it meant?"""

    question: str
    option: str
    kind: Literal["suggestion"] = "suggestion"


@dataclass(frozen=True, slots=True)
class ConfirmUnconfirmedText(_Confirmation):
    """Typed words that may be an answer, but came with danger or after an absence: are they?"""

    question: str
    text: str
    message_id: str | None = None
    kind: Literal["unconfirmed_text"] = "unconfirmed_text"


@dataclass(frozen=True, slots=True)
class ConfirmRestart(_Confirmation):
    """The draft would be thrown away: is that wanted?"""

    kind: Literal["restart"] = "restart"


@dataclass(frozen=True, slots=True)
class ConfirmWithdrawal(_Confirmation):
    """Contact would stop: is that wanted?"""

    kind: Literal["withdrawal"] = "withdrawal"


@dataclass(frozen=True, slots=True)
class UnansweredQuestion:
    """A question without a reviewed answer: may the service keep it? Only a button says yes."""

    text: str
    kind: Literal["unanswered_question"] = "unanswered_question"


@dataclass(frozen=True, slots=True)
class PasteResult:
    """Nothing is asked: how many pieces of a pasted message were left alone, said once."""

    unparsed_count: int
    kind: Literal["paste_result"] = "paste_result"


Confirmation = (
    ChangeAnswer | ConfirmSuggestion | ConfirmUnconfirmedText | ConfirmRestart | ConfirmWithdrawal
)
Pending = Confirmation | UnansweredQuestion | PasteResult
