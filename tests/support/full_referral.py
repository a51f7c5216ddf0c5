"""A referral with much in it, for the tests of exports."""

from dataclasses import replace
from datetime import datetime, timedelta

from flows.record import Record
from flows.vocabulary import AnswerStatus, Flag, Journey, Queue
from storage.database import Database
from storage.referrals import acts, lifecycle
from tests.harness.clock import START
from tests.support.builders import answered_line, make_record

HOSTILE_TEXT = "=1+1 <script>alert(1)</script> **bold** [a](http://example.com) \u202eevil"
NUMBER = "07700 900123"
ANSWERS = {
    "age": ("adult", "18 or over"),
    "harm": ("theft", "Theft or burglary"),
    "name": ("Zofia \u017b\u00f3\u0142\u0107", "Zofia \u017b\u00f3\u0142\u0107"),
    "way": ("call", "A phone call"),
    "number": (NUMBER, NUMBER),
    "if_answered": ("no_message", "Say nothing"),
    "note": (HOSTILE_TEXT, HOSTILE_TEXT),
    "needs": ("language", "\u041a\u0438\u0457\u0432 and \u0645\u0631\u062d\u0628\u0627"),
}
SAFE_CONTACT_KEYS = ("way", "number", "if_answered")


def make_full_record(
    reference: str, queue: Queue = Queue.ADULTS, sent_at: datetime = START
) -> Record:
    """Return a record with hostile words and letters of several languages."""
    lines = tuple(
        replace(answered_line(key, value, sent_at, label), prompt=f"Asked: {key}?")
        for key, (value, label) in ANSWERS.items()
    )
    unsaid = replace(lines[0], question="known", prompt="Asked: known?")
    unsaid = replace(unsaid, status=AnswerStatus.RATHER_NOT_SAY)
    return replace(
        make_record(reference),
        lines=(*lines, unsaid),
        safe_contact=tuple(line for line in lines if line.question in SAFE_CONTACT_KEYS),
        journey=Journey.SELF,
        flags=(Flag.NEEDS,),
        reasons=("adults",),
        queue=queue,
        sent_at=sent_at,
        due=sent_at + timedelta(days=2),
    )


def add_full_referral(
    database: Database,
    reference: str,
    owner: str = "",
    queue: Queue = Queue.ADULTS,
    sent_at: datetime = START,
) -> None:
    """Have a referral, owned by somebody if a name is given."""
    with database.unit(sent_at) as unit:
        record = make_full_record(reference, queue, sent_at)
        lifecycle.hand_over(unit, record, None)
        if owner:
            acts.claim(unit, reference, owner)
