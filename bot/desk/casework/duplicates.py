"""Possible duplicates as staff see them: references, never a value."""

from collections.abc import Collection, Sequence

from bot.desk.permissions import may_see_queue, visible_queues
from flows.service import service
from storage.referrals import duplicates
from storage.referrals.duplicates import PossibleDuplicate
from storage.unit import Unit


def duplicates_for(unit: Unit, role: str, referral_id: str) -> Sequence[PossibleDuplicate]:
    """Return the others that may be of the same person, as far as this role may know of them."""
    found = duplicates.possible_duplicates(unit, referral_id)
    return [one for one in found if may_see_queue(role, one.queue)]


def duplicate_references(unit: Unit, role: str, among: Collection[str]) -> frozenset[str]:
    """Return which of these references this role should see marked as maybe the same person."""
    queues = visible_queues(role, tuple(service().queues))
    return duplicates.references_with_duplicates(unit, queues, among)
