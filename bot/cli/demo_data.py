"""Fills a throw-away database with made-up cases, through the flow's own questions."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flows import content_files
from flows.conversation import Conversation
from flows.officers import Officer
from flows.questions import answer_types, journey
from flows.questions.answer_types import Parsed
from flows.questions.questionnaire import Question, get_question
from flows.referral import handover
from flows.scenes import answering
from flows.stages import Stage
from flows.vocabulary import Journey, Source
from storage.referrals import acts, lifecycle
from storage.referrals.references import fresh_reference
from storage.unit import Unit


def add_demo_referrals(unit: Unit) -> list[str]:
    """Put the cases of content/demo.toml in the queue as if sent before `now`; return references.

    Raises ValueError for a case whose answers the questions do not take.
    """
    return [_add_referral(unit, case) for case in content_files.load_toml("demo.toml")["case"]]


def _add_referral(unit: Unit, case: dict[str, Any]) -> str:
    sent_at = unit.now - timedelta(days=case["days"], minutes=20)
    told = _answered_conversation(case, fresh_reference(unit), sent_at)
    record = replace(handover.build_record(told, sent_at), source=Source.TELEGRAM)
    lifecycle.hand_over(unit, record, None)
    for n, (act, who) in enumerate(case.get("acts", ()), start=1):
        at = sent_at + timedelta(minutes=4 * n)
        acts.perform_act(replace(unit, now=at), record.reference, act, who)
    return record.reference


def _answered_conversation(case: dict[str, Any], reference: str, at: datetime) -> Conversation:
    """Return a conversation in which every question on the path is answered."""
    by = Officer(**case["officer"], verified=True) if "officer" in case else None
    told = Conversation(Stage.CHECKING, Journey(case["journey"]), reference=reference, officer=by)
    if "details" in case["answers"]:
        wanted = answering.option_answer(told, get_question("details"), "yes", at)
        told = answering.with_answer(told, wanted)
    while one := journey.first_unanswered(told):
        reading = _parse_demo_answer(one, case["answers"].get(one.key))
        told = answering.with_answer(told, answering.parsed_answer(told, one, reading, at))
    return told


def _parse_demo_answer(asked: Question, typed: str | None) -> Parsed:
    if typed is None:
        return answer_types.non_answer(asked.non_answers[0], "en")
    read = answer_types.parsed_option if asked.options else answer_types.parse_answer
    reading = read(asked, typed, "en")
    if not isinstance(reading, Parsed):
        raise ValueError(f"{asked.key} is not answered by what demo.toml says")
    return reading
