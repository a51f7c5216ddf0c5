"""Lists that staff take away: asked for with a reason, agreed by a second person, taken once."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, insert, select, update
from sqlmodel import Session

from flows.record import Record
from storage import serialization
from storage.referrals import queue_views
from storage.referrals.queue_views import Asked
from storage.referrals.rows import Entry, record_in
from storage.tables import REFERRAL, AnyRow, new_id
from storage.vault import Vault
from storage.web_tables import EXPORT

GOOD_FOR = timedelta(hours=24)
"""How long a list may be taken after it was agreed, or asked for where nobody has to agree."""
WAITS_FOR = timedelta(days=7)
"""How long a request waits for a second person."""
_E = EXPORT.c
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Choice:
    """What a list holds: a view and a queue as on the queue's page, sent from and to which day.

    Days are written as 2026-11-22; "" is any. `details`: with what the people said.
    """

    view: str
    queue: str = ""
    since: str = ""
    before: str = ""
    details: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One request for a list, and how it stands. `size` is how many referrals it may hold."""

    id: str
    asked_by: str
    asked_at: datetime
    why: str
    words: str
    choice: Choice
    size: int
    form: str
    decided_by: str | None
    decided_at: datetime | None
    agreed: bool
    taken_at: datetime | None

    def stands(self, now: datetime) -> str:
        """Return taken, waiting, ready, refused or late."""
        if self.taken_at:
            return "taken"
        if self.decided_at is None:
            return "waiting" if now < self.asked_at + WAITS_FOR else "late"
        if not self.agreed:
            return "refused"
        return "ready" if now < self.decided_at + GOOD_FOR else "late"


class Unknown(LookupError):
    """There is no such request, or it is not for this person."""


class NotAlone(RuntimeError):
    """Whoever asked for a list cannot agree to it, nor take it before somebody else agreed."""


class Over(RuntimeError):
    """This request was taken, refused or decided on already, or it is too old."""


def ask(
    conn: Connection,
    vault: Vault,
    who: str,
    why: str,
    words: str,
    choice: Choice,
    size: int,
    form: str,
    now: datetime,
    alone: bool,
) -> str:
    """Ask for a list of up to `size` referrals; return its id.

    `why` is a code, `words` are kept sealed. `alone`: nobody else has to agree.
    """
    id = new_id()
    sealed = vault.seal(words, _place(id)) if words else None
    row = {"id": id, "asked_by": who, "asked_at": now, "why": why, "words": sealed, "form": form}
    decided = {"agreed": alone, "decided_at": now if alone else None}
    conn.execute(
        insert(EXPORT), {**row, "chosen": serialization.write(choice), "size": size, **decided}
    )
    return id


def decide(conn: Connection, id: str, who: str, agree: bool, now: datetime) -> None:
    """Agree to a request of somebody else, or refuse it; raise Unknown, NotAlone and Over."""
    row = _known(conn, id)
    if row.asked_by == who:
        raise NotAlone(id)
    open_ = (_E.id == id, _E.decided_at.is_(None), _E.asked_at > now - WAITS_FOR)
    decided = {"decided_by": who, "decided_at": now, "agreed": agree}
    if conn.execute(update(EXPORT).where(*open_).values(decided)).rowcount != 1:
        raise Over(id)


def take(conn: Connection, vault: Vault, id: str, who: str, now: datetime) -> Request:
    """Take one's own list, once and in time; return what was asked for.

    Raises Unknown when it is somebody else's, NotAlone before a second person agreed, and Over.
    """
    row = _known(conn, id)
    if row.asked_by != who:
        raise Unknown(id)
    if row.decided_at is None:
        raise NotAlone(id)
    ready = (_E.id == id, _E.agreed, _E.taken_at.is_(None), _E.decided_at > now - GOOD_FOR)
    if conn.execute(update(EXPORT).where(*ready).values(taken_at=now)).rowcount != 1:
        raise Over(id)
    return _request(vault, row)


def mine(session: Session, vault: Vault, who: str, limit: int = 20) -> list[Request]:
    """Return the requests of one person, the newest first."""
    query = select(EXPORT).where(_E.asked_by == who).order_by(_E.asked_at.desc()).limit(limit)
    return [_request(vault, row) for row in session.connection().execute(query)]


def waiting(session: Session, vault: Vault, now: datetime) -> list[Request]:
    """Return the requests that wait for a second person, the oldest first."""
    open_ = (_E.decided_at.is_(None), _E.asked_at > now - WAITS_FOR)
    query = select(EXPORT).where(*open_).order_by(_E.asked_at)
    return [_request(vault, row) for row in session.connection().execute(query)]


def chosen(session: Session, vault: Vault, choice: Choice, asked: Asked) -> list[Entry]:
    """Return the referrals of a choice, in the queue's order, sent up to `asked.now`.

    `asked` says who asks, in which queues, and which view.
    """
    found: list[Entry] = []
    page, pages = 1, 1
    while page <= pages:
        one = queue_views.listed(session, vault, replace(asked, page=page))
        found += one.entries
        page, pages = page + 1, one.pages
    return [entry for entry in found if _within(choice, entry)]


def records(session: Session, vault: Vault, references: Collection[str]) -> dict[str, Record]:
    """Return the records of some referrals by reference; those that were erased are left out."""
    asked, found = list(references), dict[str, Record]()
    for first in range(0, len(asked), _AT_ONCE):
        some = REFERRAL.c.reference.in_(asked[first : first + _AT_ONCE])
        rows = session.connection().execute(
            select(REFERRAL).where(some, REFERRAL.c.body.is_not(None))
        )
        found |= {row.reference: record_in(vault, row) for row in rows}
    return found


def _within(choice: Choice, entry: Entry) -> bool:
    """Return whether it was sent on a day asked for; days are counted in UTC."""
    day = entry.sent_at.date()
    late_enough = not choice.since or day >= date.fromisoformat(choice.since)
    return late_enough and (not choice.before or day <= date.fromisoformat(choice.before))


def _known(conn: Connection, id: str) -> AnyRow:
    row = conn.execute(select(EXPORT).where(_E.id == id)).first()
    if row is None:
        raise Unknown(id)
    return row


def _request(vault: Vault, row: AnyRow) -> Request:
    told = {name: row._mapping[name] for name in _PLAIN}
    words = vault.unseal(row.words, _place(row.id)) if row.words else ""
    return Request(**told, words=words, choice=serialization.read(Choice, row.chosen))


_PLAIN = [
    *("id", "asked_by", "asked_at", "why", "size", "form"),
    *("decided_by", "decided_at", "agreed", "taken_at"),
]


def _place(id: str) -> str:
    return f"export/{id}/words"
