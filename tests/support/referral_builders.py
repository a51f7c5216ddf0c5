"""Referrals as people and officers send them, for the tests of the desk: through the real flow."""

from dataclasses import replace
from datetime import datetime

from flows.conversation import Conversation
from flows.officers import Officer
from flows.questions import answer_types
from flows.questions.answer_types import Parsed
from flows.questions.journey import first_unanswered
from flows.questions.questionnaire import Question
from flows.record import Record
from flows.referral import handover
from flows.scenes import answering
from flows.stages import Stage
from flows.vocabulary import AnswerStatus, Journey, Source
from storage.referrals import lifecycle
from tests.harness.desk_fixtures import DeskApp
from tests.support.cast import MAYA, SAM

SELF_ANSWERS = {
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
EXTRA_ANSWERS = {
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
OFFICER_ANSWERS = {
    "agreed": "me_today",
    "victim_gender": "woman",
    "victim_known": "no",
    "willing": "yes",
    "interested": "yes",
    "contacted": "yes",
    "offender_gender": "man",
    "offence": "theft",
}
CALLBACK_ANSWERS = {"name": "Tamsin", "number": "+447700900416", "if_answered": "say_service"}


def finished_record(
    reference: str,
    at: datetime,
    answers: dict[str, str] | None = None,
    journey: Journey = Journey.SELF,
    officer: Officer | None = None,
    source: Source = Source.TELEGRAM,
) -> Record:
    """Return the record of a finished conversation; what is not answered is skipped."""
    told = Conversation(Stage.CHECKING, journey, reference=reference, officer=officer)
    said = dict(SELF_ANSWERS if answers is None else answers)
    while one := first_unanswered(told):
        reading = _parsed_answer(one, said.get(one.key))
        told = answering.with_answer(told, answering.parsed_answer(told, one, reading, at))
    return replace(handover.build_record(told, at), source=source)


def add_sent_referral(
    desk: DeskApp,
    reference: str,
    answers: dict[str, str] | None = None,
    journey: Journey = Journey.SELF,
    source: Source = Source.WEB,
) -> str:
    """Have a referral handed over at the desk's time; return its reference."""
    officer = SAM.officer if journey == Journey.OFFICER else None
    record = finished_record(reference, desk.clock(), answers, journey, officer, source)
    with desk.database.unit(desk.clock()) as unit:
        assert lifecycle.hand_over(unit, record, None)
    return reference


def _parsed_answer(one: Question, typed: str | None) -> Parsed:
    if typed is None or typed in set(AnswerStatus) - {AnswerStatus.ANSWERED}:
        given = (
            AnswerStatus(typed)
            if typed
            else (one.non_answers[-1] if one.non_answers else AnswerStatus.SKIPPED)
        )
        return answer_types.non_answer(given, "en")
    reading = (
        answer_types.parsed_option(one, typed, "en")
        if one.options
        else answer_types.parse_answer(one, typed, "en")
    )
    assert isinstance(reading, Parsed), (one.key, typed)
    return reading
