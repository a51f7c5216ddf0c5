"""Fills a throw-away database with made-up cases, through the flow's own questions."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from flows import content_files
from flows.conversation import Conversation, Officer
from flows.questions import answer_types, journey
from flows.questions.answer_types import Read
from flows.questions.questionnaire import Question, question
from flows.referral import handover
from flows.scenes import answering
from storage.referrals import lifecycle
from storage.referrals.references import fresh_reference
from storage.vault import Vault


def add_cases(connection: Connection, vault: Vault, now: datetime) -> list[str]:
    """Put the cases of content/demo.toml in the queue as if sent before `now`; return references.

    Raises ValueError for a case whose answers the questions do not take.
    """
    return [_add(connection, vault, case, now) for case in content_files.read("demo.toml")["case"]]


def _add(connection: Connection, vault: Vault, case: dict[str, Any], now: datetime) -> str:
    sent_at = now - timedelta(days=case["days"], minutes=20)
    told = _told(case, fresh_reference(connection), sent_at)
    record = replace(handover.record_of(told, sent_at), door="telegram")
    lifecycle.hand_over(connection, vault, record, None, sent_at)
    for n, (act, who) in enumerate(case.get("acts", ()), start=1):
        at = sent_at + timedelta(minutes=4 * n)
        lifecycle.take_step(connection, vault, record.reference, act, who, at)
    return record.reference


def _told(case: dict[str, Any], reference: str, at: datetime) -> Conversation:
    """Return a conversation in which every question on the path is answered."""
    by = Officer(**case["officer"], verified=True) if "officer" in case else None
    told = Conversation("checking", case["journey"], reference=reference, officer=by)
    if "details" in case["answers"]:
        told = answering.answered(
            told, answering.chosen_answer(told, question("details"), "yes", at)
        )
    while one := journey.first_unanswered(told):
        reading = _reading(one, case["answers"].get(one.key))
        told = answering.answered(told, answering.read_answer(told, one, reading, at))
    return told


def _reading(one: Question, typed: str | None) -> Read:
    if typed is None:
        return answer_types.special(one.also[0], "en")
    reading = (
        answer_types.chosen(one, typed, "en")
        if one.options
        else answer_types.read(one, typed, "en")
    )
    if not isinstance(reading, Read):
        raise ValueError(f"{one.key} is not answered by what demo.toml says")
    return reading
