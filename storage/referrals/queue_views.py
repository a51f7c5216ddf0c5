"""The queue as a page shows it: views with their counts, filters, 50 at a time."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from flows import casework
from flows.casework import ReferralStage
from flows.vocabulary import Queue
from storage.referrals.rows import (
    QueueEntry,
    entry_from_row,
    unseal_flags,
)
from storage.tables import REFERRAL, UtcDateTime
from storage.unit import Unit

PAGE_SIZE = 50
SCAN_LIMIT = 5000
"""How many of the newest are opened to look for a flag."""
LIVE_LIMIT = 500
"""How many of the newest a page that is open hears of."""
STAGES_WITH_DEADLINE = (ReferralStage.NEW, ReferralStage.CLAIMED, ReferralStage.WAITING)
"""Stages in which the time stands for something that is still to be done."""
_R = REFERRAL.c
COLUMN_FILTERS = {
    "urgent": _R.urgent,
    "hold": _R.hold,
    "unseen": _R.unseen,
    "no_contact": ~_R.may_contact,
}
"""Filters that need no flag to be opened."""
_ENTRY_COLUMNS = [column for column in _R if column.name not in ("body", "chat_id")]


class QueueView(StrEnum):
    """A list of the queue. OPEN: what there is to do first, what is new and what is one's own."""

    OPEN = "open"
    MINE = "mine"
    NEW = "new"
    DUE = "due"
    SNOOZED = "snoozed"
    CHECK = "check"
    ALL = "all"
    DONE = "done"


VIEWS = tuple(QueueView)


@dataclass(frozen=True, slots=True)
class QueueQuery:
    """What somebody wants to see: `queues` are those they may know of; "" means any.

    `today_ends` is when the day ends where the service is.
    """

    view: str
    actor: str
    queues: Collection[str]
    today_ends: datetime
    flag: str = ""
    journey: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True)
class QueuePage:
    """One page of a view: of `total` entries; `truncated` when only the first were searched."""

    entries: tuple[QueueEntry, ...]
    total: int
    pages: int
    truncated: bool = False


def queue_page(unit: Unit, asked: QueueQuery) -> QueuePage:
    """Return one page of a view: first the unseen, then what came back, the urgent, the due."""
    where = [*_scope_conditions(asked), _view_conditions(unit, asked)[asked.view]]
    if asked.flag and asked.flag not in COLUMN_FILTERS:
        return _page_with_flag(unit, asked, where)
    if asked.flag:
        where.append(COLUMN_FILTERS[asked.flag])
    size = unit.conn.scalar(select(func.count()).where(*where)) or 0
    chosen = _ordered(unit, select(_R.reference).where(*where), asked)
    page = chosen.limit(PAGE_SIZE).offset(PAGE_SIZE * (asked.page - 1))
    references = list(unit.conn.scalars(page))
    return QueuePage(_entries(unit, references), size, _page_count(size))


def counts_by_view(unit: Unit, asked: QueueQuery) -> dict[str, int]:
    """Return how many each view holds, without the filters."""
    views = _view_conditions(unit, asked)
    done = views.pop(QueueView.DONE)
    sums = [func.sum(case((view, 1), else_=0)).label(name) for name, view in views.items()]
    mine = _R.queue.in_(asked.queues)
    # What is done grows for ever, and is only counted: no condition is worked out for each.
    row = unit.conn.execute(select(*sums).where(mine, or_(~done, _R.unseen))).one()
    counts = {name: int(getattr(row, name) or 0) for name in views}
    finished = unit.conn.scalar(select(func.count()).where(mine, done)) or 0
    return {**counts, QueueView.DONE: int(finished)}


def find_entry(unit: Unit, reference: str) -> QueueEntry | None:
    """Return one referral as a line of the queue; None when there is no such reference."""
    query = select(*_ENTRY_COLUMNS).where(_R.reference == reference)
    row = unit.first(query)
    return entry_from_row(unit, row) if row else None


def live_snapshot(unit: Unit, asked: QueueQuery) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the references that are new, and (reference, owner) of those somebody has."""
    open_ = (*_scope_conditions(asked), _R.stage.in_(casework.OPEN_STAGES))
    query = select(_R.reference, _R.owner, _R.stage).where(*open_).order_by(_R.sent_at.desc())
    rows = unit.conn.execute(query.limit(LIVE_LIMIT)).all()
    new = [row.reference for row in rows if row.stage == ReferralStage.NEW]
    return new, [(row.reference, row.owner) for row in rows if row.owner]


def _view_conditions(unit: Unit, asked: QueueQuery) -> dict[str, ColumnElement[bool]]:
    """Return what each view holds. A snoozed one stands in no other view of its owner's work."""
    open_ = _R.stage.in_(casework.OPEN_STAGES)
    snoozed = and_(open_, _R.until > unit.now, ~_R.unseen)
    back = or_(_R.until.is_(None), _R.until <= unit.now, _R.unseen)
    own = and_(open_, back, _R.owner == asked.actor)
    today = _next_action_at() <= asked.today_ends
    promised = and_(_R.stage.in_(STAGES_WITH_DEADLINE), back, today)
    stopped = _R.stage.in_((ReferralStage.PAUSED, ReferralStage.WITHDRAWN))
    unowned = and_(_R.unseen, _R.owner.is_(None))
    check = or_(stopped, _R.unseen, and_(open_, or_(_R.queue == Queue.CHECK, _R.hold)))
    return {
        QueueView.OPEN: or_(_is_new(), own, unowned),
        QueueView.MINE: own,
        QueueView.NEW: _is_new(),
        QueueView.DUE: promised,
        QueueView.SNOOZED: snoozed,
        QueueView.CHECK: and_(check, _R.stage != ReferralStage.ERASED),
        QueueView.ALL: _R.stage.in_(casework.LISTED_STAGES),
        QueueView.DONE: _R.stage.in_((ReferralStage.CLOSED, ReferralStage.ERASED)),
    }


def _is_new() -> ColumnElement[bool]:
    return _R.stage == ReferralStage.NEW


def _next_action_at() -> ColumnElement[datetime]:
    """Return when something is to be done next: when it comes back, else as promised."""
    return func.coalesce(_R.until, _R.due, type_=UtcDateTime)


def _scope_conditions(asked: QueueQuery) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [_R.queue.in_(asked.queues)]
    return [*where, _R.journey == asked.journey] if asked.journey else where


def _ordered(
    unit: Unit, query: Select[*tuple[Any, ...]], asked: QueueQuery
) -> Select[*tuple[Any, ...]]:
    if asked.view == QueueView.DONE:
        return query.order_by(_R.closed_at.desc(), _R.reference)
    back = case((_R.until <= unit.now, 1), else_=0)
    return query.order_by(
        _R.unseen.desc(), back.desc(), _R.urgent.desc(), _next_action_at(), _R.reference
    )


def _page_with_flag(unit: Unit, asked: QueueQuery, where: list[ColumnElement[bool]]) -> QueuePage:
    """Flags are sealed: the first ones of the view, in its order, are opened one by one."""
    query = _ordered(unit, select(_R.reference, _R.id, _R.flags).where(*where), asked)
    rows = unit.conn.execute(query.limit(SCAN_LIMIT + 1)).all()
    has = [
        row.reference
        for row in rows[:SCAN_LIMIT]
        if asked.flag in unseal_flags(unit, row.id, row.flags)
    ]
    first = PAGE_SIZE * (asked.page - 1)
    entries = _entries(unit, has[first : first + PAGE_SIZE])
    return QueuePage(entries, len(has), _page_count(len(has)), len(rows) > SCAN_LIMIT)


def _entries(unit: Unit, references: list[str]) -> tuple[QueueEntry, ...]:
    """Return these referrals as lines, in this order; only they are read and opened."""
    query = select(*_ENTRY_COLUMNS).where(_R.reference.in_(references))
    rows = {row.reference: row for row in unit.conn.execute(query)}
    return tuple(entry_from_row(unit, rows[one]) for one in references)


def _page_count(size: int) -> int:
    return max(1, -(-size // PAGE_SIZE))
