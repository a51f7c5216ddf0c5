"""Exports: requested with a reason, approved by a second person, collected once."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import insert, select, update

from flows.record import Record
from storage import serialization
from storage.referrals import queue_views
from storage.referrals.queue_views import QueueQuery
from storage.referrals.rows import QueueEntry, unseal_record
from storage.tables import REFERRAL, AnyRow, new_id
from storage.unit import Unit
from storage.web_tables import EXPORT

COLLECT_WITHIN = timedelta(hours=24)
"""How long an export can be collected after its approval."""
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
class ProposedExport:
    """An export to request: why, as a code and a sealed explanation; at most `size` rows."""

    reason_code: str
    explanation: str
    selection: ExportSelection
    size: int
    file_format: str


class ExportStatus(StrEnum):
    """How a request for a list stands. LATE: it was not decided on, or not taken, in time."""

    TAKEN = "taken"
    WAITING = "waiting"
    READY = "ready"
    REFUSED = "refused"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """One requested export and its decision. `size` is how many referrals it may hold."""

    id: str
    requested_by: str
    requested_at: datetime
    reason_code: str
    explanation: str
    selection: ExportSelection
    size: int
    file_format: str
    decided_by: str | None
    decided_at: datetime | None
    approved: bool
    collected_at: datetime | None

    def status(self, now: datetime) -> ExportStatus:
        """Return how it stands at `now` (aware)."""
        if self.collected_at:
            return ExportStatus.TAKEN
        if self.decided_at is None:
            in_time = now < self.requested_at + DECIDE_WITHIN
            return ExportStatus.WAITING if in_time else ExportStatus.LATE
        if not self.approved:
            return ExportStatus.REFUSED
        return ExportStatus.READY if now < self.decided_at + COLLECT_WITHIN else ExportStatus.LATE


class UnknownExport(LookupError):
    """There is no such export, or it is somebody else's."""


class ExportNeedsSecondPerson(RuntimeError):
    """Whoever requested an export cannot approve it, nor collect it before its approval."""


class ExportClosed(RuntimeError):
    """This export was collected or decided on already, or it is too old."""


def request_export(unit: Unit, actor: str, proposed: ProposedExport, preapproved: bool) -> str:
    """Request an export; return its id. `preapproved`: no second person has to approve it."""
    id, explanation = new_id(), proposed.explanation
    row = {
        "id": id,
        "requested_by": actor,
        "requested_at": unit.now,
        "reason_code": proposed.reason_code,
        "explanation": unit.seal(_explanation_context(id), explanation) if explanation else None,
        "selection": serialization.dumps(proposed.selection),
        "size": proposed.size,
        "file_format": proposed.file_format,
        "approved": preapproved,
        "decided_at": unit.now if preapproved else None,
    }
    unit.conn.execute(insert(EXPORT), row)
    return id


def decide_export(unit: Unit, id: str, actor: str, agree: bool) -> None:
    """Approve an export of somebody else, or reject it.

    Raises UnknownExport, ExportNeedsSecondPerson and ExportClosed.
    """
    row = _require_row(unit, id)
    if row.requested_by == actor:
        raise ExportNeedsSecondPerson(id)
    open_ = (_E.id == id, _E.decided_at.is_(None), _E.requested_at > unit.now - DECIDE_WITHIN)
    decided = {"decided_by": actor, "decided_at": unit.now, "approved": agree}
    if unit.changed(update(EXPORT).where(*open_).values(decided)) != 1:
        raise ExportClosed(id)


def collect_export(unit: Unit, id: str, actor: str) -> ExportRequest:
    """Collect one's own export, once and in time; return it.

    Raises UnknownExport when it is somebody else's, ExportNeedsSecondPerson before its
    approval, and ExportClosed.
    """
    row = _require_row(unit, id)
    if row.requested_by != actor:
        raise UnknownExport(id)
    if row.decided_at is None:
        raise ExportNeedsSecondPerson(id)
    in_time = _E.decided_at > unit.now - COLLECT_WITHIN
    ready = (_E.id == id, _E.approved, _E.collected_at.is_(None), in_time)
    if unit.changed(update(EXPORT).where(*ready).values(collected_at=unit.now)) != 1:
        raise ExportClosed(id)
    return _request_from_row(unit, row)


def exports_requested_by(unit: Unit, actor: str, limit: int = 20) -> list[ExportRequest]:
    """Return the requests of one person, the newest first."""
    query = select(EXPORT).where(_E.requested_by == actor).order_by(_E.requested_at.desc())
    rows = unit.conn.execute(query.limit(limit))
    return [_request_from_row(unit, row) for row in rows]


def list_pending_exports(unit: Unit) -> list[ExportRequest]:
    """Return the requests that wait for a second person, the oldest first."""
    open_ = (_E.decided_at.is_(None), _E.requested_at > unit.now - DECIDE_WITHIN)
    query = select(EXPORT).where(*open_).order_by(_E.requested_at)
    return [_request_from_row(unit, row) for row in unit.conn.execute(query)]


def select_entries(unit: Unit, selection: ExportSelection, asked: QueueQuery) -> list[QueueEntry]:
    """Return the referrals of a selection, in the queue's order.

    `asked` says who asks, in which queues, and which view.
    """
    found: list[QueueEntry] = []
    page, pages = 1, 1
    while page <= pages:
        one = queue_views.queue_page(unit, replace(asked, page=page))
        found += one.entries
        page, pages = page + 1, one.pages
    return [entry for entry in found if _is_in_date_range(selection, entry)]


def records_by_reference(unit: Unit, references: Collection[str]) -> dict[str, Record]:
    """Return the records of some referrals by reference; those that were erased are left out."""
    asked, found = list(references), dict[str, Record]()
    for first in range(0, len(asked), _BATCH_SIZE):
        some = REFERRAL.c.reference.in_(asked[first : first + _BATCH_SIZE])
        rows = unit.conn.execute(select(REFERRAL).where(some, REFERRAL.c.body.is_not(None)))
        found |= {row.reference: unseal_record(unit, row) for row in rows}
    return found


def _is_in_date_range(selection: ExportSelection, entry: QueueEntry) -> bool:
    """Return whether it was sent on a day asked for; days are counted in UTC."""
    day = entry.sent_at.date()
    late_enough = not selection.since or day >= date.fromisoformat(selection.since)
    return late_enough and (not selection.before or day <= date.fromisoformat(selection.before))


def _require_row(unit: Unit, id: str) -> AnyRow:
    row = unit.first(select(EXPORT).where(_E.id == id))
    if row is None:
        raise UnknownExport(id)
    return row


def _request_from_row(unit: Unit, row: AnyRow) -> ExportRequest:
    sealed = row.explanation
    opened = {
        "explanation": unit.unseal(_explanation_context(row.id), sealed) if sealed else "",
        "selection": serialization.loads(ExportSelection, row.selection),
    }
    return ExportRequest(**{**row._mapping, **opened})


def _explanation_context(id: str) -> str:
    return f"export/{id}/words"
