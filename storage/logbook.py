"""The logbook: every reading of a record, every refusal, every act on accounts, as a dated line."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import insert, or_, select

from storage.serialization import dumps
from storage.tables import AnyRow
from storage.unit import Unit
from storage.web_tables import LOGBOOK


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
    unit: Unit, actor: str, action: str, target: str = "", reason: str = "", refused: bool = False
) -> None:
    """Add a line. `action` and `reason` are codes; `target` is a reference or a staff name."""
    last = select(LOGBOOK.c.mark).order_by(LOGBOOK.c.n.desc()).limit(1)
    line = LogbookLine(unit.now, actor, action, target, reason, refused)
    mark = _chain_hash(unit, unit.conn.scalars(last).first() or "", line)
    row = {
        "at": unit.now,
        "who": actor,
        "did": action,
        "about": target,
        "why": reason,
        "refused": refused,
    }
    unit.conn.execute(insert(LOGBOOK), {**row, "mark": mark})


def list_logbook_lines(unit: Unit, target: str = "", limit: int = 200) -> list[LogbookLine]:
    """Return the newest lines first, all of them or those about one reference or person."""
    query = select(LOGBOOK).order_by(LOGBOOK.c.n.desc()).limit(limit)
    if target:
        name = target.lower()
        query = query.where(or_(LOGBOOK.c.about.in_((target.upper(), name)), LOGBOOK.c.who == name))
    return [_line_from_row(row) for row in unit.conn.execute(query)]


def chain_broken_at(unit: Unit) -> datetime | None:
    """Return the time of the first line that was changed, moved or lost; None when all is well.

    Lines cut off at the very end cannot be seen from within.
    """
    before = ""
    for row in unit.conn.execute(select(LOGBOOK).order_by(LOGBOOK.c.n)).yield_per(500):
        if row.mark != _chain_hash(unit, before, _line_from_row(row)):
            return cast(datetime, row.at)
        before = row.mark
    return None


def _line_from_row(row: AnyRow) -> LogbookLine:
    return LogbookLine(row.at, row.who, row.did, row.about, row.why, row.refused)


def _chain_hash(unit: Unit, previous_hash: str, line: LogbookLine) -> str:
    return unit.fingerprint("logbook", previous_hash, dumps(line))
