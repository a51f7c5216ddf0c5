"""Referrals as people and officers send them, for the tests of the desk: through the real flow."""

from dataclasses import replace
from datetime import datetime

from flows.conversation import Conversation, Given, Officer
from flows.questions import answer_types, journey
from flows.questions.answer_types import Read
from flows.questions.questionnaire import Question
from flows.record import Record
from flows.referral import handover
from flows.scenes import answering
from storage.referrals import lifecycle
from tests.harness.desk_fixtures import AtTheDesk
from tests.support.cast import MAYA, SAM

HARMED = {
    "age": "adult",
    "wish": "find_out",
    "harm": "theft",
    "known": "no",
    "their_age": "adult",
    "name": "Maya",
    "way": "call",
    "number": MAYA.phone,
    "if_answered": "no_message",
}
"""What Maya answers the shortest way."""
MORE = {
    "extra": "yes",
    "best_time": "morning",
    "must_not_know": "family",
    "code_word": "bluebell",
    "area": "thanet",
    "identified": "yes",
    "case": "over",
    "gender": "rather_not_say",
    "needs": "bsl",
    "note": "I work nights",
}
"""What she adds when she answers a few more."""
BY_OFFICER = {
    "agreed": "me_today",
    "victim_gender": "woman",
    "victim_known": "no",
    "willing": "yes",
    "interested": "yes",
    "contacted": "yes",
    "offender_gender": "man",
    "offence": "theft",
}
CALL_BACK = {"name": "Tamsin", "number": "+447700900416", "if_answered": "say_service"}


def a_referral(
    reference: str,
    at: datetime,
    answers: dict[str, str] | None = None,
    kind: str = "self",
    officer: Officer | None = None,
    door: str = "telegram",
) -> Record:
    """Return the record of a finished conversation; what is not answered is skipped."""
    told = Conversation("checking", kind, reference=reference, officer=officer)
    said = dict(HARMED if answers is None else answers)
    while one := journey.first_unanswered(told):
        reading = _reading(one, said.get(one.key))
        told = answering.answered(told, answering.read_answer(told, one, reading, at))
    return replace(handover.record_of(told, at), door=door)


def send(
    desk: AtTheDesk, reference: str, answers: dict[str, str] | None = None, **more: str
) -> str:
    """Have a referral handed over at the desk's time; return its reference."""
    kind = more.get("kind", "self")
    officer = SAM.officer if kind == "officer" else None
    record = a_referral(reference, desk.clock(), answers, kind, officer, more.get("door", "web"))
    with desk.database.transaction() as conn:
        assert lifecycle.hand_over(conn, desk.vault, record, None, desk.clock())
    return reference


def _reading(one: Question, typed: str | None) -> Read:
    if typed is None or typed in set(Given) - {Given.SAID}:
        given = Given(typed) if typed else (one.also[-1] if one.also else Given.SKIPPED)
        return answer_types.special(given, "en")
    reading = (
        answer_types.chosen(one, typed, "en")
        if one.options
        else answer_types.read(one, typed, "en")
    )
    assert isinstance(reading, Read), (one.key, typed)
    return reading
