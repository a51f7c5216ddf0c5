"""The guard: one function in front of every message to a person. What is not known is not safe."""

from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum

from flows.calendar.workdays import next_window
from flows.casework import CLOSED_STAGES, ReferralStage
from flows.record import Record
from flows.service import service
from flows.vocabulary import AnswerStatus, Option


class Variant(StrEnum):
    """What a message says of who writes: the service's name, nothing, or only a first name."""

    SAY_SERVICE = "say_service"
    NO_SERVICE = "no_service"
    FIRST_NAME = "first_name"


class OutboundKind(StrEnum):
    """Why something goes to a person.

    ANSWER: they have just done something in this chat. STAFF: approved wording that a member of
    staff sends. RETURN: the bot comes back after a member of staff. TIDY: clearing, no words.
    """

    ANSWER = "answer"
    STAFF = "staff"
    BOT_RESUMES = "return"
    CLEANUP = "tidy"


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """A message before it goes. `sender` is the member of staff who sends it.

    `unblockable` marks what no member of staff may hold up: the answer to danger, to leaving, to
    deleting and to stopping.
    """

    kind: OutboundKind
    variant: Variant = Variant.NO_SERVICE
    sender: str = ""
    unblockable: bool = False


@dataclass(frozen=True, slots=True)
class SafeContact:
    """What is known of how a person may be written to; every default is the careful one.

    `stage` and `owner` are the referral's. `way`, `if_seen`, `best_time` and `must_not_know` are
    the person's own answers, "" where they gave none. `handed_off_to` names who writes in the
    chat, and `input_since_queued` says that the person has done something since the message
    was enqueued.
    """

    stage: str = ""
    owner: str | None = None
    may_contact: bool = False
    way: str = ""
    if_seen: str = ""
    best_time: str = ""
    must_not_know: str = ""
    chat_open: bool = False
    handed_off_to: str = ""
    input_since_queued: bool = False


@dataclass(frozen=True, slots=True)
class Allow:
    """It may be sent now."""


@dataclass(frozen=True, slots=True)
class Defer:
    """It may be sent from `time` on, aware; ask again then."""

    not_before: datetime


@dataclass(frozen=True, slots=True)
class Deny:
    """It may not be sent. `reason` is a key of desk.no_reply."""

    reason: str


Verdict = Allow | Defer | Deny

BLOCKED_STAGES = (*CLOSED_STAGES, ReferralStage.PAUSED)
OTHER_CHANNEL_REASONS: dict[str, str] = {
    Option.CALL: "wants_call",
    Option.TEXT: "wants_text",
    Option.EMAIL: "wants_email",
    Option.I_WILL_CALL: "rings",
}
"""Why somebody who chose another way than this chat is not written to here."""
DENY_REASONS = (
    *("no_chat", *BLOCKED_STAGES, "no_contact", *OTHER_CHANNEL_REASONS.values(), "way_not_known"),
    *("chat_closed", "held", "changed_hands", "variant", "came_first"),
)
"""Every reason that the guard can give."""


def check_message(message: OutboundMessage, contact: SafeContact, now: datetime) -> Verdict:
    """Return whether a message may go at `now` (aware), when it may, or why it never may."""
    if message.kind == OutboundKind.CLEANUP:
        return Allow()
    if message.kind == OutboundKind.ANSWER:
        return _check_answer(message, contact)
    reason = contact_denial_reason(contact) or _message_denial_reason(message, contact)
    if reason:
        return Deny(reason)
    opens = next_window(now, *contact_hours(contact), service())
    return Defer(opens) if opens else Allow()


def contact_denial_reason(contact: SafeContact) -> str:
    """Return why nobody may write to this person unasked, as a reason; "" when they may."""
    if not contact.stage:
        return "no_chat"
    if contact.stage in BLOCKED_STAGES:
        return contact.stage
    if contact.way != Option.HERE:
        return OTHER_CHANNEL_REASONS.get(contact.way, "way_not_known")
    if not contact.may_contact:
        return "no_contact"
    return "" if contact.chat_open else "chat_closed"


def allowed_variant(contact: SafeContact) -> Variant:
    """Return the variant that says most of those this person allows.

    The service is named only where they said that it may be, and that nobody must not know.
    """
    if contact.if_seen == Variant.FIRST_NAME:
        return Variant.FIRST_NAME
    may_name = contact.if_seen == Variant.SAY_SERVICE and contact.must_not_know == Option.NO
    return Variant.SAY_SERVICE if may_name else Variant.NO_SERVICE


def contact_hours(contact: SafeContact) -> tuple[time, time]:
    """Return the hours of a working day in which this person may be written to unasked."""
    told = service()
    return told.windows.get(contact.best_time, (told.opens, told.closes))


def safe_contact_in(
    record: Record,
    stage: str,
    owner: str | None,
    may_contact: bool,
    chat_open: bool,
    handed_off_to: str = "",
) -> SafeContact:
    """Return what a referral says of safe contact; `may_contact` is how that stands by now."""
    said = {
        line.question: line.value
        for line in record.safe_contact
        if line.status == AnswerStatus.ANSWERED
    }
    return SafeContact(
        stage=stage,
        owner=owner,
        may_contact=may_contact and record.may_contact,
        way=said.get("way", ""),
        if_seen=said.get("if_seen", ""),
        best_time=said.get("best_time", ""),
        must_not_know=said.get("must_not_know", ""),
        chat_open=chat_open,
        handed_off_to=handed_off_to,
    )


def _check_answer(message: OutboundMessage, contact: SafeContact) -> Verdict:
    if not contact.chat_open:
        return Deny("chat_closed")
    if contact.handed_off_to and not message.unblockable:
        return Deny("held")
    return Allow()


def _message_denial_reason(message: OutboundMessage, contact: SafeContact) -> str:
    by = message.sender if message.kind == OutboundKind.STAFF else ""
    if contact.handed_off_to not in ("", by):
        return "held"
    if message.kind == OutboundKind.STAFF and (not by or by != contact.owner):
        return "changed_hands"
    if message.kind == OutboundKind.BOT_RESUMES and contact.input_since_queued:
        return "came_first"
    if message.variant not in (Variant.NO_SERVICE, allowed_variant(contact)):
        return "variant"
    return ""
