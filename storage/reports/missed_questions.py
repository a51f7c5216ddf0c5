"""Questions nobody has answered yet, kept sealed because the person agreed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert
from sqlmodel import Session, col, select

from storage.tables import MISSED, Missed, new_id
from storage.vault import Vault


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as somebody typed it; who they were is not kept."""

    text: str
    at: datetime


def keep(conn: Connection, vault: Vault, text: str, now: datetime) -> None:
    """Keep a question that the person agreed to leave."""
    id = new_id()
    conn.execute(insert(MISSED), {"id": id, "body": vault.seal(text, _place(id)), "at": now})


def read(session: Session, vault: Vault) -> list[Asked]:
    """Return the questions, the oldest first."""
    rows = session.exec(select(Missed).order_by(col(Missed.at)))
    return [Asked(vault.unseal(row.body, _place(row.id)), row.at) for row in rows]


def _place(id: str) -> str:
    return f"missed/{id}/body"


def times(session: Session) -> list[datetime]:
    """Return when each question was asked, the oldest first; not a word of any."""
    return list(session.exec(select(Missed.at).order_by(col(Missed.at))))
