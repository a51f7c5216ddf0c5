"""Referrals in the order they were sent, page by page: for other systems that fetch them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlmodel import Session

from flows import casework
from storage.referrals.rows import Entry, entry_of
from storage.tables import REFERRAL
from storage.vault import Vault

_R = REFERRAL.c


@dataclass(frozen=True, slots=True)
class Filter:
    """Which referrals: "" and None are any; `closed`: those that are not open any more too."""

    queue: str = ""
    stage: str = ""
    since: datetime | None = None
    closed: bool = False


class NoSuchPlace(ValueError):
    """A page was asked for after a referral that is not there."""


def after(
    session: Session, vault: Vault, now: datetime, which: Filter, last: str, limit: int
) -> tuple[list[Entry], str | None]:
    """Return one page after the referral `last`, and the reference to go on after, if any.

    Raises NoSuchPlace when there is no referral `last`; "" begins at the start.
    """
    where = [_R.queue == which.queue] if which.queue else []
    where += [_R.stage == which.stage] if which.stage else []
    where += [_R.sent_at >= which.since] if which.since else []
    if not which.closed and not which.stage:
        where.append(_R.stage.in_((*casework.OPEN, "withdrawn")))
    connection = session.connection()
    if last:
        sent_at = connection.scalars(select(_R.sent_at).where(_R.reference == last)).first()
        if sent_at is None:
            raise NoSuchPlace
        later = and_(_R.sent_at == sent_at, _R.reference > last)
        where.append(or_(_R.sent_at > sent_at, later))
    query = select(REFERRAL).where(*where).order_by(_R.sent_at, _R.reference).limit(limit + 1)
    found = [entry_of(vault, row, now) for row in connection.execute(query)]
    return found[:limit], found[limit - 1].reference if len(found) > limit else None
