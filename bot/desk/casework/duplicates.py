"""What staff are told of referrals that may be of the same person: references, never a value."""

from collections.abc import Sequence

from sqlmodel import Session

from bot.desk.permissions import may_see_queue, visible_queues
from flows.service import service
from storage.referrals import duplicates
from storage.referrals.duplicates import PossibleDuplicate


def duplicates_for(session: Session, role: str, referral_id: str) -> Sequence[PossibleDuplicate]:
    """Return the others that may be of the same person, as far as this role may know of them."""
    return [
        one
        for one in duplicates.possible_duplicates(session, referral_id)
        if may_see_queue(role, one.queue)
    ]


def duplicate_references(session: Session, role: str) -> frozenset[str]:
    """Return the references that this role should see marked as maybe the same person."""
    return duplicates.references_with_duplicates(
        session, visible_queues(role, tuple(service().queues))
    )
