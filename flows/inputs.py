"""What a person did, in our own terms, whatever the channel."""

from dataclasses import dataclass

from flows.officers import Introduction, Officer
from flows.vocabulary import Journey, Source

FormFields = tuple[tuple[str, str], ...]
"""Several answers: a question, and an option, "special:" with a way not to answer, or words."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent an input, and what their channel offers; only officer and introduction are kept.

    `language` is the channel's own code. `officer` and `introduction` are what a code in a link
    stood for. `typed_by` is the member of staff who typed the input, `source` how it reached them.
    """

    profile_name: str = ""
    can_share_number: bool = False
    can_open_page: bool = False
    language: str | None = None
    officer: Officer | None = None
    introduction: Introduction | None = None
    typed_by: str = ""
    source: Source = Source.NOT_KNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """What every input has: the channel's id of its message, and its sender.

    For a press it is the message that the button stands on.
    """

    message_id: str | None = None
    sender: Sender = Sender()


@dataclass(frozen=True, slots=True)
class TypedText(_Sent):
    """Words or a command."""

    text: str


@dataclass(frozen=True, slots=True)
class ButtonPress(_Sent):
    """A pressed button; anybody can forge its id."""

    button_id: str


@dataclass(frozen=True, slots=True)
class MessageEdit(_Sent):
    """An earlier message was changed; `text` is what it says now."""

    text: str


@dataclass(frozen=True, slots=True)
class SharedNumber(_Sent):
    """The channel's own way to give one's telephone number."""

    number: str


@dataclass(frozen=True, slots=True)
class Attachment(_Sent):
    """Something that is not text: `medium` is voice, photo, sticker, location, contact ..."""

    medium: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class FormSubmission(_Sent):
    """What stood on a page of ours.

    `journey` is the one it begins if none is under way; NONE for a page that only adds answers
    to the draft in the chat. `send`: the record is to be sent at once if nothing is missing.
    """

    fields: FormFields
    journey: Journey = Journey.NONE
    send: bool = False


Input = TypedText | ButtonPress | MessageEdit | SharedNumber | Attachment | FormSubmission


def free_text(user_input: Input) -> str:
    """Return the person's own words in an input; "" for what holds none, or has its own parser.

    A form's words are looked at one by one (flows/dialogue/form_submission.py).
    """
    match user_input:
        case TypedText(text) | MessageEdit(text):
            return text
        case Attachment(_, caption):
            return caption
        case ButtonPress() | SharedNumber() | FormSubmission():
            return ""
