"""Questions nobody has answered yet, kept sealed because the person agreed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert
from sqlmodel import Session, col, select

from storage.tables import MISSED_QUESTION, MissedQuestionRow, new_id
from storage.vault import Vault


@dataclass(frozen=True, slots=True)
class MissedQuestion:
    """A question as somebody typed it; who they were is not kept."""

    text: str
    at: datetime


def add_missed_question(conn: Connection, vault: Vault, text: str, now: datetime) -> None:
    """Keep a question that the person agreed to leave."""
    id = new_id()
    conn.execute(
        insert(MISSED_QUESTION), {"id": id, "body": vault.seal(text, _body_context(id)), "at": now}
    )


def list_missed_questions(session: Session, vault: Vault) -> list[MissedQuestion]:
    """Return the questions, the oldest first."""
    rows = session.exec(select(MissedQuestionRow).order_by(col(MissedQuestionRow.at)))
    return [MissedQuestion(vault.unseal(row.body, _body_context(row.id)), row.at) for row in rows]


def _body_context(id: str) -> str:
    return f"missed/{id}/body"


def missed_question_times(session: Session) -> list[datetime]:
    """Return when each question was asked, the oldest first; not a word of any."""
    return list(session.exec(select(MissedQuestionRow.at).order_by(col(MissedQuestionRow.at))))
