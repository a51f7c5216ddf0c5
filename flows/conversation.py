"""The conversation as it is remembered, and what a turn makes of it: replies and effects."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from flows.casework import Act
from flows.officers import Introduction, Officer
from flows.pending import Pending
from flows.record import Record
from flows.stages import Stage
from flows.vocabulary import AnswerStatus, CounterEvent, Flag, Journey, Source, StopReason


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as it was given: an event, never changed afterwards.

    `value` is an option's key or the words as parsed; `label` says it in the person's language;
    `prompt` is the question exactly as shown, under content version `wording_version`.
    """

    question: str
    value: str
    status: AnswerStatus
    label: str
    prompt: str
    wording_version: str
    language: str
    answered_at: datetime
    answered_by: str
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class DangerSignpost:
    """When the numbers for one kind of danger were last given."""

    kind: str
    given_at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the chat keeps of a referral that was sent: no answers.

    `earlier_references` are those of requests that the same person sent before, not withdrawn.
    `has_details`: an officer gave the victim's name and number, so nobody rings for them.
    """

    reference: str
    sent_at: datetime
    due: datetime
    journey: Journey
    may_contact: bool
    withdrawn: bool = False
    earlier_references: tuple[str, ...] = ()
    has_details: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    """Where one person stands. Position in the questions is not here: it follows from answers.

    `prompt_id` is monotonic and carried by every button: a button with a smaller one is old, and
    one before `draft_epoch` belongs to an earlier draft. `reference` is reserved by storage for
    when this is sent. `editing` is the key of an answered question that is open again.
    `answered_on_page`: some of it was given on a private page, where details may stand.
    `officer_revoked` is set by storage where an officer was revoked; `officer` is then None.
    """

    stage: Stage = Stage.WELCOME
    journey: Journey = Journey.NONE
    language: str = "en"
    answers: tuple[Answer, ...] = ()
    reference: str = ""
    prompt_id: int = 0
    draft_epoch: int = 0
    editing: str = ""
    pending: Pending | None = None
    stop_reason: StopReason = StopReason.NONE
    previous_journey: Journey = Journey.NONE
    last_input_at: datetime | None = None
    card_message_id: str | None = None
    has_reply_keyboard: bool = False
    invalid_count: int = 0
    danger_signposts: tuple[DangerSignpost, ...] = ()
    flags: tuple[Flag, ...] = ()
    consented_at: datetime | None = None
    consent: str = ""
    receipt: Receipt | None = None
    officer: Officer | None = None
    officer_revoked: bool = False
    details_in_chat: bool = False
    answered_on_page: bool = False
    introduction: Introduction | None = None
    typed_by: str = ""
    source: Source = Source.NOT_KNOWN


class ButtonKind(StrEnum):
    """What a button does: COPY copies its id; OPEN opens its id, which is an address.

    PRIVATE_PAGE and TWO_KEY_PAGE become OPEN once the one-time link is made.
    """

    PRESS = "press"
    SHARE_NUMBER = "share_number"
    COPY = "copy"
    OPEN = "open"
    PRIVATE_PAGE = "quiet"
    TWO_KEY_PAGE = "two_key"


class ButtonStyle(StrEnum):
    """How much a button stands out: as the way on, or as one that takes something away."""

    PLAIN = ""
    SEND = "send"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Button:
    """One button."""

    label: str
    id: str
    kind: ButtonKind = ButtonKind.PRESS
    style: ButtonStyle = ButtonStyle.PLAIN


ButtonRows = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """One message to show. With `edits_message_id` it replaces that message.

    `private` marks what shows a person's own answers: it may only ever be an edit. Where the
    edit cannot be made any more, `fallback_text` is sent as a new message.
    """

    text: str
    buttons: ButtonRows = ()
    edits_message_id: str | None = None
    private: bool = False
    fallback_text: str = ""
    clears_keyboard: bool = False


@dataclass(frozen=True, slots=True)
class HandOver:
    """The record goes to the queue."""

    record: Record


@dataclass(frozen=True, slots=True)
class StopContact:
    """A sent referral: contact stops. `act` is WITHDRAW or ASK_TO_DELETE."""

    reference: str
    act: Act


@dataclass(frozen=True, slots=True)
class RaiseFlag:
    """A sent referral: staff should see this first. No words of the person."""

    reference: str
    flag: Flag


@dataclass(frozen=True, slots=True)
class ForwardToStaff:
    """What a person answered to a message of staff goes on the timeline of their referral."""

    reference: str
    text: str


@dataclass(frozen=True, slots=True)
class ForgetDraft:
    """Every answer of the draft is deleted now."""


@dataclass(frozen=True, slots=True)
class ClearChat:
    """Delete from the chat all that the channel allows, except what this turn says."""


@dataclass(frozen=True, slots=True)
class ClearMessage:
    """Delete one message of the person from the chat."""

    message_id: str


@dataclass(frozen=True, slots=True)
class RememberOfficer:
    """Keep the officer's own details for the next referral from this chat."""

    officer: Officer


@dataclass(frozen=True, slots=True)
class SaveMissedQuestion:
    """The person agreed that a question without an answer is kept for the service to read."""

    text: str


@dataclass(frozen=True, slots=True)
class CountEvent:
    """Add one to a daily count; never with words of a person in it."""

    event: CounterEvent
    key: str


Effect = (
    HandOver
    | StopContact
    | RaiseFlag
    | ForwardToStaff
    | ForgetDraft
    | ClearChat
    | ClearMessage
    | RememberOfficer
    | SaveMissedQuestion
    | CountEvent
)


@dataclass(frozen=True, slots=True)
class Turn:
    """What should happen: the conversation afterwards, what to say, what to do.

    `rerender` asks for the scene where the conversation now stands to be shown as well. `toast`
    is a passing line for a pressed button, where the channel has such a thing.
    """

    conversation: Conversation
    replies: tuple[Reply, ...] = ()
    effects: tuple[Effect, ...] = ()
    toast: str = ""
    rerender: bool = False

    def after(self, earlier: "Turn") -> "Turn":
        """Return this turn with what an earlier one says and does before it."""
        replies = (*earlier.replies, *self.replies)
        return replace(self, replies=replies, effects=(*earlier.effects, *self.effects))
