"""Referrals in the order they were sent, page by page: for other systems that fetch them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select

from flows import casework
from storage.referrals.rows import QueueEntry, entry_from_row
from storage.tables import REFERRAL
from storage.unit import Unit

_R = REFERRAL.c


@dataclass(frozen=True, slots=True)
class ReferralFilter:
    """Which referrals: "" and None are any; `include_closed` adds those no longer open."""

    queue: str = ""
    stage: str = ""
    since: datetime | None = None
    include_closed: bool = False


class BadCursor(ValueError):
    """A page was asked for after a referral that is not there."""


def page_after(
    unit: Unit, filters: ReferralFilter, cursor: str, limit: int
) -> tuple[list[QueueEntry], str | None]:
    """Return one page after the referral `cursor`, and the cursor of the next page, if any.

    Keyset pagination by time sent and reference: referrals that arrive meanwhile move no page.
    "" begins at the start. Raises BadCursor when there is no such referral.
    """
    where = [_R.queue == filters.queue] if filters.queue else []
    where += [_R.stage == filters.stage] if filters.stage else []
    where += [_R.sent_at >= filters.since] if filters.since else []
    if not filters.include_closed and not filters.stage:
        where.append(_R.stage.in_(casework.LISTED_STAGES))
    connection = unit.conn
    if cursor:
        sent_at = connection.scalars(select(_R.sent_at).where(_R.reference == cursor)).first()
        if sent_at is None:
            raise BadCursor
        later = and_(_R.sent_at == sent_at, _R.reference > cursor)
        where.append(or_(_R.sent_at > sent_at, later))
    query = select(REFERRAL).where(*where).order_by(_R.sent_at, _R.reference).limit(limit + 1)
    found = [entry_from_row(unit, row) for row in connection.execute(query)]
    return found[:limit], found[limit - 1].reference if len(found) > limit else None
