"""Which queue a referral goes to: plain rules, and the first that fits wins."""

from collections.abc import Callable
from dataclasses import dataclass

from flows.referral.rules import AgeBand, Facts, Requester, TriState
from flows.vocabulary import DANGER_FLAGS, Flag, Queue


@dataclass(frozen=True, slots=True)
class Route:
    """Where a referral goes. `hold`: a person checks before anything else is done.

    `reasons` and `flags` are keys; their words are under desk.reasons and desk.flags.
    """

    queue: Queue
    hold: bool
    urgent: bool
    reasons: tuple[str, ...]
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """One row: when it fits, which queue, and whether a person must check first."""

    reason: str
    matches: Callable[[Facts], bool]
    queue: Queue
    hold: bool = False


_ELSE = "adults"
"""The reason of the last rule: it fits everybody, so it says nothing beside another."""

ROUTING_RULES = (
    RoutingRule(
        "consent_not_known",
        lambda f: f.requester == Requester.OFFICER and f.consent != TriState.YES,
        Queue.CHECK,
        True,
    ),
    RoutingRule(
        "offender_domestic_or_sexual",
        lambda f: _is_offender(f) and _is_domestic_or_sexual(f),
        Queue.CHECK,
        True,
    ),
    RoutingRule("from_the_person_responsible", lambda f: _is_offender(f), Queue.CHECK, True),
    RoutingRule(
        "officer_domestic_or_sexual",
        lambda f: f.requester == Requester.OFFICER and _is_domestic_or_sexual(f),
        Queue.CHECK,
        True,
    ),
    RoutingRule(
        "somebody_under_18",
        lambda f: AgeBand.YOUNG in (f.victim_age, f.other_party_age),
        Queue.YOUNG_PEOPLE,
    ),
    RoutingRule(
        "domestic_or_sexual",
        lambda f: _is_domestic_or_sexual(f) and _is_self_referral(f),
        Queue.SPECIALIST,
    ),
    RoutingRule("dispute", lambda f: f.is_dispute == TriState.YES, Queue.CHECK, True),
    RoutingRule("outside_area", lambda f: f.in_area == TriState.NO, Queue.CHECK, True),
    RoutingRule("nobody_identified", lambda f: f.offender_identified == TriState.NO, Queue.SUPPORT),
    RoutingRule("call_asked_for", lambda f: f.requester == Requester.CALLBACK, Queue.ADULTS),
    RoutingRule(
        "age_not_known", lambda f: AgeBand.UNKNOWN in (f.victim_age, f.other_party_age), Queue.CHECK
    ),
    RoutingRule("wish_not_known", lambda f: f.wants_to_take_part == TriState.UNKNOWN, Queue.CHECK),
    RoutingRule(_ELSE, lambda _: True, Queue.ADULTS),
)
"""Strongest first. What is not known goes to a person ("check"); it never blocks."""

FLAG_RULES: tuple[tuple[Flag, Callable[[Facts], bool]], ...] = (
    (Flag.GOING_ON, lambda f: f.harm_ongoing == TriState.YES),
    (Flag.PRESSURE, lambda f: f.wants_to_take_part == TriState.NO),
    (Flag.SPECIALIST, lambda f: _is_domestic_or_sexual(f)),
    (Flag.LIVE_CASE, lambda f: f.live_case == TriState.YES),
    (Flag.DENIES, lambda f: f.accepts_responsibility == TriState.NO),
    (Flag.NOBODY_IDENTIFIED, lambda f: f.offender_identified == TriState.NO),
    (
        Flag.AREA_NOT_KNOWN,
        lambda f: f.in_area == TriState.UNKNOWN and f.requester != Requester.CALLBACK,
    ),
    (Flag.KIND_NOT_KNOWN, lambda f: f.domestic_or_sexual == TriState.UNKNOWN),
    (Flag.UNDER_18, lambda f: f.victim_age == AgeBand.YOUNG),
)
"""What staff should see at once, whatever the queue."""

_URGENT_FLAGS = DANGER_FLAGS | {Flag.GOING_ON, Flag.PRESSURE}


def route_referral(facts: Facts, raised_flags: tuple[Flag, ...] = ()) -> Route:
    """Return where a referral with these facts goes; `raised_flags` were raised while talking."""
    rule = next(one for one in ROUTING_RULES if one.matches(facts))
    flags = tuple(
        dict.fromkeys([name for name, fits in FLAG_RULES if fits(facts)] + list(raised_flags))
    )
    urgent = any(flag in _URGENT_FLAGS for flag in flags)
    also = [
        one.reason
        for one in ROUTING_RULES
        if one is not rule and one.reason != _ELSE and one.matches(facts)
    ]
    return Route(rule.queue, rule.hold, urgent, (rule.reason, *also), flags)


def _is_domestic_or_sexual(facts: Facts) -> bool:
    return facts.domestic_or_sexual == TriState.YES


def _is_self_referral(facts: Facts) -> bool:
    return facts.requester in (Requester.SELF, Requester.CALLBACK)


def _is_offender(facts: Facts) -> bool:
    return facts.requester == Requester.OFFENDER
