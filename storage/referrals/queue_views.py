"""The queue as a page shows it: views with their counts, filters, 50 at a time, and a search."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select
from sqlmodel import Session

from flows import casework
from storage.referrals.rows import Entry, Said, entry_of, flags_in, said_in
from storage.tables import REFERRAL, AnyRow, Utc
from storage.vault import Vault

PAGE = 50
LOOKED_THROUGH = 5000
"""How many of the newest are opened to look for a flag, a name or a number."""
LIVE = 500
"""How many of the newest a page that is open hears of."""
VIEWS = ("open", "mine", "new", "due", "snoozed", "check", "all", "done")
"""`open` is what there is to do first: what is new, and what is one's own."""
PROMISED = ("new", "claimed", "waiting")
"""Stages in which the time stands for something that is still to be done."""
MARKS = ("urgent", "hold", "unseen", "no_contact")
"""Filters that need no flag to be opened."""
_R = REFERRAL.c
_LISTED = [column for column in _R if column.name not in ("body", "chat_id")]


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to see: `queues` are those they may know of; "" means any.

    `today_ends` is when the day ends where the service is.
    """

    view: str
    who: str
    queues: Collection[str]
    now: datetime
    today_ends: datetime
    flag: str = ""
    journey: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a view. `size`: how many there are; `cut`: not all were looked through."""

    entries: tuple[Entry, ...]
    size: int
    pages: int
    cut: bool = False


def listed(session: Session, vault: Vault, asked: Asked) -> Found:
    """Return one page of a view: first the unseen, then what came back, the urgent, the due."""
    where = [*_within(asked), _views(asked)[asked.view]]
    if asked.flag and asked.flag not in MARKS:
        return _with_flag(session, vault, asked, where)
    if asked.flag:
        where.append(_mark(asked.flag))
    size = session.connection().scalar(select(func.count()).where(*where)) or 0
    chosen = _ordered(select(_R.reference).where(*where), asked)
    page = chosen.limit(PAGE).offset(PAGE * (asked.page - 1))
    references = list(session.connection().scalars(page))
    return Found(_entries(session, vault, references, asked.now), size, _pages(size))


def counts(session: Session, asked: Asked) -> dict[str, int]:
    """Return how many each view holds, without the filters."""
    views = _views(asked)
    sums = [func.sum(case((views[name], 1), else_=0)).label(name) for name in VIEWS]
    seen = select(*sums).where(_R.queue.in_(asked.queues))
    row = session.connection().execute(seen).one()
    return {name: int(getattr(row, name) or 0) for name in VIEWS}


def entry(session: Session, vault: Vault, reference: str, now: datetime) -> Entry | None:
    """Return one referral as a line of the queue; None when there is no such reference."""
    query = select(*_LISTED).where(_R.reference == reference)
    row = session.connection().execute(query).first()
    return entry_of(vault, row, now) if row else None


def newest(session: Session, queues: Collection[str]) -> list[str]:
    """Return the ids of the newest referrals of some queues that still say something."""
    told = (_R.queue.in_(queues), _R.stage != "erased")
    query = select(_R.id).where(*told).order_by(_R.sent_at.desc()).limit(LOOKED_THROUGH)
    return list(session.connection().scalars(query))


def matching(
    session: Session, vault: Vault, ids: Collection[str], matches: Callable[[Said], str]
) -> list[tuple[str, str, str]]:
    """Return (reference, stage, what matched) of those in whose answers something matches."""
    query = select(_R.id, _R.reference, _R.stage, _R.body).where(_R.id.in_(ids))
    rows = session.connection().execute(query).all()
    found = ((row, matches(said_in(vault, row))) for row in rows if row.body)
    return [(row.reference, row.stage, what) for row, what in found if what]


def state(session: Session, asked: Asked) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the references that are new, and (reference, owner) of those somebody has."""
    open_ = (*_within(asked), _R.stage.in_(casework.OPEN))
    query = select(_R.reference, _R.owner, _R.stage).where(*open_).order_by(_R.sent_at.desc())
    rows = session.connection().execute(query.limit(LIVE)).all()
    new = [row.reference for row in rows if row.stage == "new"]
    return new, [(row.reference, row.owner) for row in rows if row.owner]


def _views(asked: Asked) -> dict[str, ColumnElement[bool]]:
    """Return what each view holds. A snoozed one stands in no other view of its owner's work."""
    open_ = _R.stage.in_(casework.OPEN)
    snoozed = and_(open_, _R.until > asked.now, ~_R.unseen)
    back = or_(_R.until.is_(None), _R.until <= asked.now, _R.unseen)
    own = and_(open_, back, _R.owner == asked.who)
    promised = and_(_R.stage.in_(PROMISED), back, _next() <= asked.today_ends)
    stopped = _R.stage.in_(("paused", "withdrawn"))
    unowned = and_(_R.unseen, _R.owner.is_(None))
    check = or_(stopped, _R.unseen, and_(open_, or_(_R.queue == "check", _R.hold)))
    return {
        "open": or_(_new(), own, unowned),
        "mine": own,
        "new": _new(),
        "due": promised,
        "snoozed": snoozed,
        "check": and_(check, _R.stage != "erased"),
        "all": _R.stage.in_((*casework.OPEN, "withdrawn")),
        "done": _R.stage.in_(("closed", "erased")),
    }


def _new() -> ColumnElement[bool]:
    return _R.stage == "new"


def _next() -> ColumnElement[datetime]:
    """Return when something is to be done next: when it comes back, else as promised."""
    return func.coalesce(_R.until, _R.due, type_=Utc)


def _within(asked: Asked) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [_R.queue.in_(asked.queues)]
    return [*where, _R.journey == asked.journey] if asked.journey else where


def _mark(flag: str) -> ColumnElement[bool]:
    return ~_R.may_contact if flag == "no_contact" else _R[flag] == literal(True)


def _ordered(query: Select[*tuple[Any, ...]], asked: Asked) -> Select[*tuple[Any, ...]]:
    if asked.view == "done":
        return query.order_by(_R.closed_at.desc(), _R.reference)
    back = case((_R.until <= asked.now, 1), else_=0)
    return query.order_by(_R.unseen.desc(), back.desc(), _R.urgent.desc(), _next(), _R.reference)


def _with_flag(
    session: Session, vault: Vault, asked: Asked, where: list[ColumnElement[bool]]
) -> Found:
    """Flags are sealed: the first ones of the view, in its order, are opened one by one."""
    query = _ordered(select(_R.reference, _R.id, _R.flags).where(*where), asked)
    rows = session.connection().execute(query.limit(LOOKED_THROUGH + 1)).all()
    has = [row.reference for row in rows[:LOOKED_THROUGH] if _flagged(vault, row, asked.flag)]
    first = PAGE * (asked.page - 1)
    entries = _entries(session, vault, has[first : first + PAGE], asked.now)
    return Found(entries, len(has), _pages(len(has)), len(rows) > LOOKED_THROUGH)


def _entries(
    session: Session, vault: Vault, references: list[str], now: datetime
) -> tuple[Entry, ...]:
    """Return these referrals as lines, in this order; only they are read and opened."""
    query = select(*_LISTED).where(_R.reference.in_(references))
    rows = {row.reference: row for row in session.connection().execute(query)}
    return tuple(entry_of(vault, rows[one], now) for one in references)


def _flagged(vault: Vault, row: AnyRow, flag: str) -> bool:
    return flag in flags_in(vault, row.id, row.flags)


def _pages(size: int) -> int:
    return max(1, -(-size // PAGE))
