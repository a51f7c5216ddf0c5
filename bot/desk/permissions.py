"""Who may do what at the desk: one table, and what is not in it is refused."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a member of staff is. The administrator looks after accounts and opens no record."""

    MEDIATOR = "mediator"
    YOUNG_PEOPLE = "young_people"
    COORDINATOR = "coordinator"
    ADMINISTRATOR = "administrator"


class Ownership(StrEnum):
    """Whose referral it is, seen from one member of staff."""

    UNASSIGNED = "nobodys"
    OWN = "own"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Permission:
    """Who may: these roles, with a referral of these. `public`: no sign-in is needed."""

    roles: frozenset[Role] = frozenset()
    ownership: frozenset[Ownership] = frozenset()
    public: bool = False


_EVERYONE = frozenset(Role)
_TEAM = frozenset({Role.MEDIATOR, Role.YOUNG_PEOPLE, Role.COORDINATOR})
_COORDINATOR = frozenset({Role.COORDINATOR})
_ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
_UNASSIGNED_OR_OWN = frozenset({Ownership.UNASSIGNED, Ownership.OWN})
_OWN = frozenset({Ownership.OWN})
_ANY = frozenset(Ownership)

PERMISSIONS: dict[str, Permission] = {
    # signing in
    "sign_in": Permission(public=True),
    "own_account": Permission(_EVERYONE),
    # accounts
    "accounts": Permission(_ADMINISTRATOR),
    "officers": Permission(_ADMINISTRATOR),
    # the queue
    "queue": Permission(_TEAM),
    "claim_next": Permission(_TEAM),
    # one referral: seen while it is free or one's own; somebody else's only by a coordinator
    "read": Permission(_TEAM, _UNASSIGNED_OR_OWN),
    "read_others": Permission(_COORDINATOR, frozenset({Ownership.OTHERS})),
    "claim": Permission(_TEAM, _UNASSIGNED_OR_OWN),
    "work": Permission(_TEAM, _OWN),
    "reveal": Permission(_TEAM, _OWN),
    "settle": Permission(_TEAM, _UNASSIGNED_OR_OWN),
    "note": Permission(_TEAM, _UNASSIGNED_OR_OWN),
    "too_late": Permission(_TEAM, _ANY),
    "reassign": Permission(_COORDINATOR, _ANY),
    "reply": Permission(_TEAM, _OWN),
    "agree_change": Permission(_TEAM, _ANY),
    "take_down": Permission(_TEAM),
    # taking away
    "export": Permission(_TEAM),
    "print": Permission(_TEAM, _OWN),
    "agree_export": Permission(_COORDINATOR),
    "api_keys": Permission(_ADMINISTRATOR),
    "deliveries": Permission(_COORDINATOR | _ADMINISTRATOR),
    # looking back
    "numbers": Permission(_TEAM | _ADMINISTRATOR),
    "content": Permission(_EVERYONE),
    "missed_words": Permission(_COORDINATOR),
    "logbook": Permission(_COORDINATOR),
}
"""`settle`: acts on what nobody holds, because the person stopped it or it is to be erased.

`too_late`: a form for what is no longer one's own does nothing; it gives back what was typed.
Whoever may `reassign` may write a note about a colleague's referral as well.
Claiming what is already one's own only opens it.
"""

YOUNG_PEOPLE_QUEUE = "young_people"
"""The queue that the young people's team works; they see no other, and mediators do not see it."""


def may_see_queue(role: str, queue: str) -> bool:
    """Return whether this role may know of a referral in this queue."""
    if role == Role.COORDINATOR:
        return True
    if role == Role.YOUNG_PEOPLE:
        return queue == YOUNG_PEOPLE_QUEUE
    return role == Role.MEDIATOR and queue != YOUNG_PEOPLE_QUEUE


def visible_queues(role: str, queues: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the queues that this role may know of."""
    return tuple(queue for queue in queues if may_see_queue(role, queue))


def may(role: str, permission: str, ownership: Ownership | None = None, queue: str = "") -> bool:
    """Return whether a role may do this; for a referral, with whose it is and its queue.

    An unknown rule, a foreign queue, or a referral where the rule knows of none: no.
    """
    found = PERMISSIONS.get(permission)
    if found is None:
        return False
    if found.public:
        return True
    if role not in found.roles:
        return False
    if ownership is None:
        return not found.ownership
    return ownership in found.ownership and may_see_queue(role, queue)
