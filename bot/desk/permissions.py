"""Who may do what at the desk: one table, and what is not in it is refused."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a member of staff is. The administrator looks after accounts and opens no record."""

    MEDIATOR = "mediator"
    YOUNG_PEOPLE = "young_people"
    COORDINATOR = "coordinator"
    ADMINISTRATOR = "administrator"


class Whose(StrEnum):
    """Whose referral it is, seen from one member of staff."""

    NOBODYS = "nobodys"
    OWN = "own"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may: these roles, with a referral of these. `anyone`: no sign-in is needed."""

    roles: frozenset[Role] = frozenset()
    whose: frozenset[Whose] = frozenset()
    anyone: bool = False


_EVERYONE = frozenset(Role)
_TEAM = frozenset({Role.MEDIATOR, Role.YOUNG_PEOPLE, Role.COORDINATOR})
_COORDINATOR = frozenset({Role.COORDINATOR})
_ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
_FREE_OR_OWN = frozenset({Whose.NOBODYS, Whose.OWN})
_OWN = frozenset({Whose.OWN})
_ANY = frozenset(Whose)

RULES: dict[str, Rule] = {
    # signing in
    "sign_in": Rule(anyone=True),
    "own_account": Rule(_EVERYONE),
    # accounts
    "accounts": Rule(_ADMINISTRATOR),
    # the queue
    "queue": Rule(_TEAM),
    "claim_next": Rule(_TEAM),
    # one referral: seen while it is free or one's own; somebody else's only by a coordinator
    "read": Rule(_TEAM, _FREE_OR_OWN),
    "read_others": Rule(_COORDINATOR, frozenset({Whose.OTHERS})),
    "claim": Rule(_TEAM, _FREE_OR_OWN),
    "work": Rule(_TEAM, _OWN),
    "reveal": Rule(_TEAM, _OWN),
    "settle": Rule(_TEAM, _FREE_OR_OWN),
    "note": Rule(_TEAM, _FREE_OR_OWN),
    "too_late": Rule(_TEAM, _ANY),
    "reassign": Rule(_COORDINATOR, _ANY),
    "reply": Rule(_TEAM, _OWN),
    "agree_change": Rule(_TEAM, _ANY),
    "take_down": Rule(_TEAM),
    # taking away
    "export": Rule(_TEAM),
    "print": Rule(_TEAM, _OWN),
    "agree_export": Rule(_COORDINATOR),
    "api_keys": Rule(_ADMINISTRATOR),
    "webhook": Rule(_COORDINATOR | _ADMINISTRATOR),
    # looking back
    "numbers": Rule(_TEAM | _ADMINISTRATOR),
    "content": Rule(_EVERYONE),
    "missed_words": Rule(_COORDINATOR),
    "logbook": Rule(_COORDINATOR),
}
"""`settle`: acts on what nobody holds, because the person stopped it or it is to be erased.

`too_late`: a form for what is no longer one's own does nothing; it gives back what was typed.
Whoever may `reassign` may write a note about a colleague's referral as well.
Claiming what is already one's own only opens it.
"""

YOUNG = "young_people"
"""The queue that the young people's team works; they see no other, and mediators do not see it."""


def sees(role: str, queue: str) -> bool:
    """Return whether this role may know of a referral in this queue."""
    if role == Role.COORDINATOR:
        return True
    if role == Role.YOUNG_PEOPLE:
        return queue == YOUNG
    return role == Role.MEDIATOR and queue != YOUNG


def queues_of(role: str, queues: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the queues that this role may know of."""
    return tuple(queue for queue in queues if sees(role, queue))


def may(role: str, rule: str, whose: Whose | None = None, queue: str = "") -> bool:
    """Return whether a role may do this; for a referral, with whose it is and its queue.

    An unknown rule, a foreign queue, or a referral where the rule knows of none: no.
    """
    found = RULES.get(rule)
    if found is None:
        return False
    if found.anyone:
        return True
    if role not in found.roles:
        return False
    if whose is None:
        return not found.whose
    return whose in found.whose and sees(role, queue)
