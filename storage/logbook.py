"""The audit log of reads, refusals and administration, as a hash chain of dated lines."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import insert, or_, select

from storage.row_mapping import from_row
from storage.serialization import dumps
from storage.unit import Unit
from storage.web_tables import LOGBOOK


@dataclass(frozen=True, slots=True)
class LogbookLine:
    """Who did what, to what, why, and whether it was refused."""

    at: datetime
    actor: str
    action: str
    target: str
    reason: str
    refused: bool


def add_logbook_line(
    unit: Unit, actor: str, action: str, target: str = "", reason: str = "", refused: bool = False
) -> None:
    """Add a line. `action` and `reason` are codes; `target` is a reference or a staff name."""
    last = select(LOGBOOK.c.chain_hash).order_by(LOGBOOK.c.n.desc()).limit(1)
    line = LogbookLine(unit.now, actor, action, target, reason, refused)
    chain_hash = _chain_hash(unit, unit.conn.scalars(last).first() or "", line)
    unit.conn.execute(insert(LOGBOOK), {**asdict(line), "chain_hash": chain_hash})


def list_logbook_lines(unit: Unit, target: str = "", limit: int = 200) -> list[LogbookLine]:
    """Return the newest lines first, all of them or those about one reference or person."""
    query = select(LOGBOOK).order_by(LOGBOOK.c.n.desc()).limit(limit)
    if target:
        name = target.lower()
        about = LOGBOOK.c.target.in_((target.upper(), name))
        query = query.where(or_(about, LOGBOOK.c.actor == name))
    return [from_row(LogbookLine, row) for row in unit.conn.execute(query)]


def chain_broken_at(unit: Unit) -> datetime | None:
    """Return the time of the first line that was changed, moved or lost; None when all is well.

    Lines cut off at the very end cannot be seen from within.
    """
    before = ""
    for row in unit.conn.execute(select(LOGBOOK).order_by(LOGBOOK.c.n)).yield_per(500):
        if row.chain_hash != _chain_hash(unit, before, from_row(LogbookLine, row)):
            return cast(datetime, row.at)
        before = row.chain_hash
    return None


def _chain_hash(unit: Unit, previous_hash: str, line: LogbookLine) -> str:
    # Every hash stored so far is of these keys: a renamed one would break the chain.
    payload = {
        "at": line.at,
        "who": line.actor,
        "did": line.action,
        "about": line.target,
        "why": line.reason,
        "refused": line.refused,
    }
    return unit.fingerprint("logbook", previous_hash, dumps(payload))
