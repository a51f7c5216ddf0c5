"""The logbook: every reading of a record, every refusal, every act on accounts, as a dated line."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Connection, insert, or_, select
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from storage.serialization import write as as_text
from storage.tables import AnyRow
from storage.vault import Vault
from storage.web_tables import LOGGED, Logged


@dataclass(frozen=True, slots=True)
class Line:
    """Who did what, about what, why, and whether it was refused."""

    at: datetime
    who: str
    did: str
    about: str
    why: str
    refused: bool


def write(
    conn: Connection,
    vault: Vault,
    who: str,
    did: str,
    now: datetime,
    about: str = "",
    why: str = "",
    refused: bool = False,
) -> None:
    """Add a line. `did` and `why` are codes of ours; `about` is a reference or a name of staff."""
    last = select(LOGGED.c.mark).order_by(LOGGED.c.n.desc()).limit(1)
    line = Line(now, who, did, about, why, refused)
    mark = _mark(vault, conn.scalars(last).first() or "", line)
    row = {"at": now, "who": who, "did": did, "about": about, "why": why, "refused": refused}
    conn.execute(insert(LOGGED), {**row, "mark": mark})


def read(session: Session, about: str = "", limit: int = 200) -> list[Line]:
    """Return the newest lines first, all of them or those about one reference or person."""
    query = rows_of(Logged).order_by(col(Logged.n).desc()).limit(limit)
    if about:
        name = about.lower()
        query = query.where(
            or_(col(Logged.about).in_((about.upper(), name)), col(Logged.who) == name)
        )
    return [_line(row) for row in session.exec(query)]


def broken_at(session: Session, vault: Vault) -> datetime | None:
    """Return the time of the first line that was changed, moved or lost; None when all is well.

    Lines cut off at the very end cannot be seen from within.
    """
    before = ""
    for row in session.connection().execute(select(LOGGED).order_by(LOGGED.c.n)).yield_per(500):
        if row.mark != _mark(vault, before, _line(row)):
            return cast(datetime, row.at)
        before = row.mark
    return None


def _line(row: Logged | AnyRow) -> Line:
    return Line(row.at, row.who, row.did, row.about, row.why, row.refused)


def _mark(vault: Vault, before: str, line: Line) -> str:
    return vault.fingerprint(as_text(["logbook", before, as_text(line)]))
