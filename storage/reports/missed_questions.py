"""Questions without a reviewed answer, stored sealed because the person agreed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, literal, select

from storage.tables import MISSED_QUESTION, new_id
from storage.unit import Unit


@dataclass(frozen=True, slots=True)
class MissedQuestion:
    """A question as somebody typed it; who they were is not stored."""

    text: str
    at: datetime


def add_missed_question(unit: Unit, text: str) -> None:
    """Store a question that the person agreed to pass on."""
    id = new_id()
    row = {"id": id, "body": unit.seal(_body_context(id), text), "at": unit.now}
    unit.conn.execute(insert(MISSED_QUESTION), row)


def list_missed_questions(unit: Unit) -> list[MissedQuestion]:
    """Return the questions, the oldest first."""
    rows = unit.conn.execute(select(MISSED_QUESTION).order_by(MISSED_QUESTION.c.at))
    return [MissedQuestion(unit.unseal(_body_context(row.id), row.body), row.at) for row in rows]


def count_missed_questions(unit: Unit, limit: int) -> int:
    """Return how many questions are stored; more than `limit` count as that many."""
    rows = select(literal(1)).select_from(MISSED_QUESTION).limit(limit).subquery()
    return int(unit.conn.scalar(select(func.count()).select_from(rows)) or 0)


def _body_context(id: str) -> str:
    return f"missed/{id}/body"


def missed_question_times(unit: Unit) -> list[datetime]:
    """Return when each question was asked, the oldest first; no text."""
    return list(unit.conn.scalars(select(MISSED_QUESTION.c.at).order_by(MISSED_QUESTION.c.at)))
