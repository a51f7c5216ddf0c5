"""The logbook: every reading of a record, every refusal, every act on accounts, as a dated line."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Connection, insert, or_, select
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from storage.serialization import dumps as as_text
from storage.tables import AnyRow
from storage.vault import Vault
from storage.web_tables import LOGBOOK, LogbookRow


@dataclass(frozen=True, slots=True)
class LogbookLine:
    """Who did what, about what, why, and whether it was refused."""

    at: datetime
    who: str
    did: str
    about: str
    why: str
    refused: bool


def add_logbook_line(
    conn: Connection,
    vault: Vault,
    actor: str,
    action: str,
    now: datetime,
    target: str = "",
    reason: str = "",
    refused: bool = False,
) -> None:
    """Add a line. `did` and `why` are codes of ours; `about` is a reference or a name of staff."""
    last = select(LOGBOOK.c.mark).order_by(LOGBOOK.c.n.desc()).limit(1)
    line = LogbookLine(now, actor, action, target, reason, refused)
    mark = _chain_hash(vault, conn.scalars(last).first() or "", line)
    row = {
        "at": now,
        "who": actor,
        "did": action,
        "about": target,
        "why": reason,
        "refused": refused,
    }
    conn.execute(insert(LOGBOOK), {**row, "mark": mark})


def list_logbook_lines(session: Session, target: str = "", limit: int = 200) -> list[LogbookLine]:
    """Return the newest lines first, all of them or those about one reference or person."""
    query = rows_of(LogbookRow).order_by(col(LogbookRow.n).desc()).limit(limit)
    if target:
        name = target.lower()
        query = query.where(
            or_(col(LogbookRow.about).in_((target.upper(), name)), col(LogbookRow.who) == name)
        )
    return [_line_from_row(row) for row in session.exec(query)]


def chain_broken_at(session: Session, vault: Vault) -> datetime | None:
    """Return the time of the first line that was changed, moved or lost; None when all is well.

    Lines cut off at the very end cannot be seen from within.
    """
    before = ""
    for row in session.connection().execute(select(LOGBOOK).order_by(LOGBOOK.c.n)).yield_per(500):
        if row.mark != _chain_hash(vault, before, _line_from_row(row)):
            return cast(datetime, row.at)
        before = row.mark
    return None


def _line_from_row(row: LogbookRow | AnyRow) -> LogbookLine:
    return LogbookLine(row.at, row.who, row.did, row.about, row.why, row.refused)


def _chain_hash(vault: Vault, previous_hash: str, line: LogbookLine) -> str:
    return vault.fingerprint(as_text(["logbook", previous_hash, as_text(line)]))
