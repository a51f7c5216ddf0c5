"""The few shapes that travel between the rooms: what is heard, what is remembered, what is said."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from flows.officers import Introduction as Introduction
from flows.officers import Officer as Officer
from flows.record import Record


class AnswerStatus(StrEnum):
    """How a question was met; the four are kept apart all the way to the record."""

    ANSWERED = "said"
    NOT_SURE = "not_sure"
    RATHER_NOT_SAY = "rather_not_say"
    SKIPPED = "skipped"


class InputKind(StrEnum):
    """The ways in which a person can be heard."""

    TEXT = "said"
    BUTTON = "pressed"
    EDIT = "edited"
    ATTACHMENT = "sent"
    SHARED_NUMBER = "shared_number"
    FORM = "filled"


FormFields = tuple[tuple[str, str], ...]
"""Several answers: a question, and an option, "special:" with a way not to answer, or words."""


@dataclass(frozen=True, slots=True)
class Input:
    """One thing a person did, in our own terms, whatever the channel.

    `text` holds the typed words, the pressed button's id, the shared number, or a caption.
    `thing` names what was sent when `how` is SENT: voice, photo, sticker, location, contact ...
    When `how` is FILLED, `filled` is what stood on a page of ours, `thing` the journey it begins
    if none is under way, and `text` is "send" when it is to be sent at once.
    `message` is the channel's id of the message it came in, or of the one the button stands on.
    `profile_name`, `can_share_number` and `can_open_page` tell what this channel can offer; none
    is kept. `typed_by` is the member of staff who typed it, `door` how it reached them.
    """

    kind: InputKind
    text: str = ""
    detail: str = ""
    message_id: str | None = None
    profile_name: str = ""
    can_share_number: bool = False
    can_open_page: bool = False
    language: str | None = None
    officer: Officer | None = None
    introduction: Introduction | None = None
    form_fields: FormFields = ()
    typed_by: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as it was given: an event, never changed afterwards.

    `value` is an option's key or the words as read; `label` says it in the person's language;
    `asked` is the question exactly as shown, under content version `wording`.
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
class Pending:
    """Something that waits for a yes.

    `about` is one of: change (an answer that would re-open others), guess (a typo to confirm),
    words (typed words that may be an answer), missed (a question nobody has answered yet),
    again (starting again), withdraw; or told, which only says once what became of a paste.
    A typed yes is for it only while it was what we `just_asked`; its buttons wait longer.
    """

    kind: str
    question: str = ""
    value: str = ""
    status: AnswerStatus = AnswerStatus.ANSWERED
    message_id: str | None = None
    just_asked: bool = True


@dataclass(frozen=True, slots=True)
class DangerSignpost:
    """When the numbers for one kind of danger were last given."""

    kind: str
    given_at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the chat keeps of a referral that was sent: no answers.

    `earlier` are the references of requests that the same person sent before, not withdrawn.
    """

    reference: str
    sent_at: datetime
    due: datetime
    journey: str
    may_contact: bool
    withdrawn: bool = False
    earlier_references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """Where one person stands. Position in the questions is not here: it follows from answers.

    `step` grows with every move and is carried by every button; buttons older than `began`
    belong to an earlier draft. `reference` is set aside by storage for when this is sent.
    `by_page`: some of it was given on a private page, where details may stand.
    `officer_revoked` is set by storage where an officer was revoked; `officer` is then None.
    """

    stage: str = "welcome"
    journey: str = ""
    language: str = "en"
    answers: tuple[Answer, ...] = ()
    reference: str = ""
    prompt_id: int = 0
    draft_epoch: int = 0
    editing: str = ""
    pending: Pending | None = None
    stop_reason: str = ""
    previous_journey: str = ""
    last_input_at: datetime | None = None
    card_message_id: str | None = None
    has_reply_keyboard: bool = False
    invalid_count: int = 0
    danger_signposts: tuple[DangerSignpost, ...] = ()
    flags: tuple[str, ...] = ()
    consented_at: datetime | None = None
    consent: str = ""
    receipt: Receipt | None = None
    officer: Officer | None = None
    officer_revoked: bool = False
    details_in_chat: bool = False
    answered_on_page: bool = False
    introduction: Introduction | None = None
    typed_by: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """One button. `does` is press, share_number, copy, or open (its id is then an address).

    quiet and two_key are opens whose address is not made yet. `style` is "", send or danger.
    """

    label: str
    id: str
    kind: str = "press"
    style: str = ""


ButtonRows = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """One message to show. With `edits` it replaces the message of that id.

    `private` marks what shows a person's own answers: it may only ever be an edit. Where the
    edit cannot be made any more, `instead` is sent as a new message.
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
    """A sent referral: contact stops. `act` is withdraw or ask_to_delete."""

    reference: str
    act: str


@dataclass(frozen=True, slots=True)
class RaiseFlag:
    """A sent referral: staff should see this first. No words of the person."""

    reference: str
    flag: str


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

    event: str
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

    `shows` asks for the scene where the conversation now stands to be shown as well. `toast` is a
    passing line for a pressed button, where the channel has such a thing.
    """

    conversation: Conversation
    replies: tuple[Reply, ...] = ()
    effects: tuple[Effect, ...] = ()
    toast: str = ""
    rerender: bool = False
