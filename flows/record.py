"""The referral as it is handed over: what was asked and answered, in order, and who said it."""

from dataclasses import dataclass
from datetime import datetime

from flows.vocabulary import Journey, Queue


@dataclass(frozen=True, slots=True)
class RecordLine:
    """One question and its answer, with the wording as it was shown.

    `status` is an AnswerStatus, or NOT_ASKED for a question off the path.
    """

    question: str
    prompt: str
    status: str
    value: str
    label: str
    answered_by: str
    answered_at: datetime | None
    wording_version: str
    language: str


@dataclass(frozen=True, slots=True)
class Record:
    """A finished referral. Times are aware, in UTC; `zone` is where they were promised.

    `safe_contact` repeats the safe-contact block, in the order staff need it; what was not
    answered there reads as not safe. `queue` and `reasons` say where it goes and why. `source` is
    where it came in: a channel, or phone or paper when a member of staff typed it (`typed_by`).
    `flags` are kept as text, because a record outlives the flags of its release.
    """

    reference: str
    journey: Journey
    lines: tuple[RecordLine, ...]
    safe_contact: tuple[RecordLine, ...]
    consent: str
    consented_at: datetime
    sent_at: datetime
    due: datetime
    zone: str
    queue: Queue
    provider: str
    hold: bool
    urgent: bool
    may_contact: bool
    flags: tuple[str, ...]
    reasons: tuple[str, ...]
    wording_version: str
    language: str
    officer_name: str = ""
    officer_agency: str = ""
    officer_contact: str = ""
    officer_verified: bool = False
    source: str = ""
    typed_by: str = ""
