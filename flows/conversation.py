"""The few shapes that travel between the rooms: what is heard, what is remembered, what is said."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from flows.officers import Introduction as Introduction
from flows.officers import Officer as Officer
from flows.record import Record


class Given(StrEnum):
    """How a question was met; the four are kept apart all the way to the record."""

    SAID = "said"
    NOT_SURE = "not_sure"
    RATHER_NOT_SAY = "rather_not_say"
    SKIPPED = "skipped"


class Hearing(StrEnum):
    """The ways in which a person can be heard."""

    SAID = "said"
    PRESSED = "pressed"
    EDITED = "edited"
    SENT = "sent"
    SHARED_NUMBER = "shared_number"
    FILLED = "filled"


Filled = tuple[tuple[str, str], ...]
"""Several answers: a question, and an option, "special:" with a way not to answer, or words."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing a person did, in our own terms, whatever the channel.

    `text` holds the typed words, the pressed button's id, the shared number, or a caption.
    `thing` names what was sent when `how` is SENT: voice, photo, sticker, location, contact ...
    When `how` is FILLED, `filled` is what stood on a page of ours, `thing` the journey it begins
    if none is under way, and `text` is "send" when it is to be sent at once.
    `message` is the channel's id of the message it came in, or of the one the button stands on.
    `profile_name`, `can_share_number` and `can_open_page` tell what this channel can offer; none
    is kept. `typed_by` is the member of staff who typed it, `door` how it reached them.
    """

    how: Hearing
    text: str = ""
    thing: str = ""
    message: str | None = None
    profile_name: str = ""
    can_share_number: bool = False
    can_open_page: bool = False
    language: str | None = None
    officer: Officer | None = None
    introduced: Introduction | None = None
    filled: Filled = ()
    typed_by: str = ""
    door: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as it was given: an event, never changed afterwards.

    `value` is an option's key or the words as read; `label` says it in the person's language;
    `asked` is the question exactly as shown, under content version `wording`.
    """

    question: str
    value: str
    given: Given
    label: str
    asked: str
    wording: str
    language: str
    at: datetime
    by: str
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for a yes.

    `about` is one of: change (an answer that would re-open others), guess (a typo to confirm),
    words (typed words that may be an answer), missed (a question nobody has answered yet),
    again (starting again), withdraw; or told, which only says once what became of a paste.
    A typed yes is for it only while it was what we `just_asked`; its buttons wait longer.
    """

    about: str
    question: str = ""
    value: str = ""
    given: Given = Given.SAID
    message: str | None = None
    just_asked: bool = True


@dataclass(frozen=True, slots=True)
class Told:
    """When the numbers for one kind of danger were last given."""

    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the chat keeps of a referral that was sent: no answers.

    `earlier` are the references of requests that the same person sent before, not withdrawn.
    """

    reference: str
    sent_at: datetime
    due: datetime
    journey: str
    contact: bool
    withdrawn: bool = False
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """Where one person stands. Position in the questions is not here: it follows from answers.

    `step` grows with every move and is carried by every button; buttons older than `began`
    belong to an earlier draft. `reference` is set aside by storage for when this is sent.
    `by_page`: some of it was given on a private page, where details may stand.
    """

    stage: str = "welcome"
    journey: str = ""
    language: str = "en"
    answers: tuple[Answer, ...] = ()
    reference: str = ""
    step: int = 0
    began: int = 0
    looking_at: str = ""
    waiting: Waiting | None = None
    stopped_for: str = ""
    came_from: str = ""
    heard_at: datetime | None = None
    card: str | None = None
    keyboard: bool = False
    misread: int = 0
    told: tuple[Told, ...] = ()
    flags: tuple[str, ...] = ()
    consented_at: datetime | None = None
    consent: str = ""
    receipt: Receipt | None = None
    officer: Officer | None = None
    details_in_chat: bool = False
    by_page: bool = False
    introduced_by: Introduction | None = None
    typed_by: str = ""
    door: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """One button. `does` is press, share_number, copy, or open (its id is then an address).

    quiet and two_key are opens whose address is not made yet. `style` is "", send or danger.
    """

    label: str
    id: str
    does: str = "press"
    style: str = ""


Rows = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """One message to show. With `edits` it replaces the message of that id.

    `private` marks what shows a person's own answers: it may only ever be an edit. Where the
    edit cannot be made any more, `instead` is sent as a new message.
    """

    text: str
    buttons: Rows = ()
    edits: str | None = None
    private: bool = False
    instead: str = ""
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
class PassOn:
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

    message: str


@dataclass(frozen=True, slots=True)
class RememberOfficer:
    """Keep the officer's own details for the next referral from this chat."""

    officer: Officer


@dataclass(frozen=True, slots=True)
class KeepQuestion:
    """The person agreed that a question without an answer is kept for the service to read."""

    text: str


@dataclass(frozen=True, slots=True)
class Count:
    """Add one to a daily count; never with words of a person in it."""

    what: str
    key: str


Effect = (
    HandOver
    | StopContact
    | RaiseFlag
    | PassOn
    | ForgetDraft
    | ClearChat
    | ClearMessage
    | RememberOfficer
    | KeepQuestion
    | Count
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
    shows: bool = False
