"""What staff are told of referrals that may be of the same person: references, never a value."""

from collections.abc import Sequence

from sqlmodel import Session

from bot.desk.permissions import queues_of, sees
from flows.service import service
from storage.referrals import duplicates
from storage.referrals.duplicates import Alike


def alike_for(session: Session, role: str, referral_id: str) -> Sequence[Alike]:
    """Return the others that may be of the same person, as far as this role may know of them."""
    return [one for one in duplicates.alike(session, referral_id) if sees(role, one.queue)]


def marked_for(session: Session, role: str) -> frozenset[str]:
    """Return the references that this role should see marked as maybe the same person."""
    return duplicates.those_alike(session, queues_of(role, tuple(service().queues)))
