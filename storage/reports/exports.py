"""Lists that staff take away: asked for with a reason, agreed by a second person, taken once."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, insert, select, update
from sqlmodel import Session

from flows.record import Record
from storage import serialization
from storage.referrals import queue_views
from storage.referrals.queue_views import QueueQuery
from storage.referrals.rows import QueueEntry, unseal_record
from storage.tables import REFERRAL, AnyRow, new_id
from storage.vault import Vault
from storage.web_tables import EXPORT

COLLECT_WITHIN = timedelta(hours=24)
"""How long a list may be taken after it was agreed, or asked for where nobody has to agree."""
DECIDE_WITHIN = timedelta(days=7)
"""How long a request waits for a second person."""
_E = EXPORT.c
_BATCH_SIZE = 500


@dataclass(frozen=True, slots=True)
class ExportSelection:
    """What a list holds: a view and a queue as on the queue's page, sent from and to which day.

    Days are written as 2026-11-22; "" is any. `details`: with what the people said.
    """

    view: str
    queue: str = ""
    since: str = ""
    before: str = ""
    details: bool = False


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """One request for a list, and how it stands. `size` is how many referrals it may hold."""

    id: str
    asked_by: str
    asked_at: datetime
    why: str
    words: str
    selection: ExportSelection
    size: int
    form: str
    decided_by: str | None
    decided_at: datetime | None
    agreed: bool
    taken_at: datetime | None

    def status(self, now: datetime) -> str:
        """Return taken, waiting, ready, refused or late."""
        if self.taken_at:
            return "taken"
        if self.decided_at is None:
            return "waiting" if now < self.asked_at + DECIDE_WITHIN else "late"
        if not self.agreed:
            return "refused"
        return "ready" if now < self.decided_at + COLLECT_WITHIN else "late"


class UnknownExport(LookupError):
    """There is no such request, or it is not for this person."""


class ExportNeedsSecondPerson(RuntimeError):
    """Whoever asked for a list cannot agree to it, nor take it before somebody else agreed."""


class ExportClosed(RuntimeError):
    """This request was taken, refused or decided on already, or it is too old."""


def request_export(
    conn: Connection,
    vault: Vault,
    actor: str,
    reason_code: str,
    explanation: str,
    selection: ExportSelection,
    size: int,
    file_format: str,
    now: datetime,
    preapproved: bool,
) -> str:
    """Ask for a list of up to `size` referrals; return its id.

    `why` is a code, `words` are kept sealed. `alone`: nobody else has to agree.
    """
    id = new_id()
    sealed = vault.seal(explanation, _explanation_context(id)) if explanation else None
    row = {
        "id": id,
        "asked_by": actor,
        "asked_at": now,
        "why": reason_code,
        "words": sealed,
        "form": file_format,
    }
    decided = {"agreed": preapproved, "decided_at": now if preapproved else None}
    conn.execute(
        insert(EXPORT), {**row, "chosen": serialization.dumps(selection), "size": size, **decided}
    )
    return id


def decide_export(conn: Connection, id: str, actor: str, agree: bool, now: datetime) -> None:
    """Agree to a request of somebody else, or refuse it; raise Unknown, NotAlone and Over."""
    row = _require_row(conn, id)
    if row.asked_by == actor:
        raise ExportNeedsSecondPerson(id)
    open_ = (_E.id == id, _E.decided_at.is_(None), _E.asked_at > now - DECIDE_WITHIN)
    decided = {"decided_by": actor, "decided_at": now, "agreed": agree}
    if conn.execute(update(EXPORT).where(*open_).values(decided)).rowcount != 1:
        raise ExportClosed(id)


def collect_export(
    conn: Connection, vault: Vault, id: str, actor: str, now: datetime
) -> ExportRequest:
    """Take one's own list, once and in time; return what was asked for.

    Raises Unknown when it is somebody else's, NotAlone before a second person agreed, and Over.
    """
    row = _require_row(conn, id)
    if row.asked_by != actor:
        raise UnknownExport(id)
    if row.decided_at is None:
        raise ExportNeedsSecondPerson(id)
    ready = (_E.id == id, _E.agreed, _E.taken_at.is_(None), _E.decided_at > now - COLLECT_WITHIN)
    if conn.execute(update(EXPORT).where(*ready).values(taken_at=now)).rowcount != 1:
        raise ExportClosed(id)
    return _request_from_row(vault, row)


def exports_requested_by(
    session: Session, vault: Vault, actor: str, limit: int = 20
) -> list[ExportRequest]:
    """Return the requests of one person, the newest first."""
    query = select(EXPORT).where(_E.asked_by == actor).order_by(_E.asked_at.desc()).limit(limit)
    return [_request_from_row(vault, row) for row in session.connection().execute(query)]


def list_pending_exports(session: Session, vault: Vault, now: datetime) -> list[ExportRequest]:
    """Return the requests that wait for a second person, the oldest first."""
    open_ = (_E.decided_at.is_(None), _E.asked_at > now - DECIDE_WITHIN)
    query = select(EXPORT).where(*open_).order_by(_E.asked_at)
    return [_request_from_row(vault, row) for row in session.connection().execute(query)]


def select_entries(
    session: Session, vault: Vault, selection: ExportSelection, queue_query: QueueQuery
) -> list[QueueEntry]:
    """Return the referrals of a choice, in the queue's order, sent up to `asked.now`.

    `asked` says who asks, in which queues, and which view.
    """
    found: list[QueueEntry] = []
    page, pages = 1, 1
    while page <= pages:
        one = queue_views.queue_page(session, vault, replace(queue_query, page=page))
        found += one.entries
        page, pages = page + 1, one.pages
    return [entry for entry in found if _is_in_date_range(selection, entry)]


def records_by_reference(
    session: Session, vault: Vault, references: Collection[str]
) -> dict[str, Record]:
    """Return the records of some referrals by reference; those that were erased are left out."""
    asked, found = list(references), dict[str, Record]()
    for first in range(0, len(asked), _BATCH_SIZE):
        some = REFERRAL.c.reference.in_(asked[first : first + _BATCH_SIZE])
        rows = session.connection().execute(
            select(REFERRAL).where(some, REFERRAL.c.body.is_not(None))
        )
        found |= {row.reference: unseal_record(vault, row) for row in rows}
    return found


def _is_in_date_range(selection: ExportSelection, entry: QueueEntry) -> bool:
    """Return whether it was sent on a day asked for; days are counted in UTC."""
    day = entry.sent_at.date()
    late_enough = not selection.since or day >= date.fromisoformat(selection.since)
    return late_enough and (not selection.before or day <= date.fromisoformat(selection.before))


def _require_row(conn: Connection, id: str) -> AnyRow:
    row = conn.execute(select(EXPORT).where(_E.id == id)).first()
    if row is None:
        raise UnknownExport(id)
    return row


def _request_from_row(vault: Vault, row: AnyRow) -> ExportRequest:
    told = {name: row._mapping[name] for name in _CLEAR_COLUMNS}
    words = vault.unseal(row.words, _explanation_context(row.id)) if row.words else ""
    return ExportRequest(
        **told, words=words, selection=serialization.loads(ExportSelection, row.chosen)
    )


_CLEAR_COLUMNS = [
    *("id", "asked_by", "asked_at", "why", "size", "form"),
    *("decided_by", "decided_at", "agreed", "taken_at"),
]


def _explanation_context(id: str) -> str:
    return f"export/{id}/words"
