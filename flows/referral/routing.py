"""Which queue a referral goes to: plain rules, and the first that fits wins."""

from collections.abc import Callable
from dataclasses import dataclass

from flows.referral.rules import AgeBand, Facts, Requester, TriState


@dataclass(frozen=True, slots=True)
class Route:
    """Where a referral goes. `hold`: a person checks before anything else is done.

    `reasons` and `flags` are keys; their words are under desk.reasons and desk.flags.
    """

    queue: str
    hold: bool
    urgent: bool
    reasons: tuple[str, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """One row: when it fits, which queue, and whether a person must check first."""

    reason: str
    matches: Callable[[Facts], bool]
    queue: str
    hold: bool = False


ROUTING_RULES = (
    RoutingRule(
        "consent_not_known",
        lambda f: f.requester == Requester.OFFICER and f.consent != TriState.YES,
        "check",
        True,
    ),
    RoutingRule(
        "offender_domestic_or_sexual",
        lambda f: _is_offender(f) and _is_domestic_or_sexual(f),
        "check",
        True,
    ),
    RoutingRule("from_the_person_responsible", lambda f: _is_offender(f), "check", True),
    RoutingRule(
        "officer_domestic_or_sexual",
        lambda f: f.requester == Requester.OFFICER and _is_domestic_or_sexual(f),
        "check",
        True,
    ),
    RoutingRule(
        "somebody_under_18",
        lambda f: AgeBand.YOUNG in (f.victim_age, f.other_party_age),
        "young_people",
    ),
    RoutingRule(
        "domestic_or_sexual",
        lambda f: _is_domestic_or_sexual(f) and _is_self_referral(f),
        "specialist",
    ),
    RoutingRule("dispute", lambda f: f.is_dispute == TriState.YES, "check", True),
    RoutingRule("outside_area", lambda f: f.in_area == TriState.NO, "check", True),
    RoutingRule("nobody_identified", lambda f: f.offender_identified == TriState.NO, "support"),
    RoutingRule("call_asked_for", lambda f: f.requester == Requester.CALLBACK, "adults"),
    RoutingRule(
        "age_not_known", lambda f: AgeBand.UNKNOWN in (f.victim_age, f.other_party_age), "check"
    ),
    RoutingRule("wish_not_known", lambda f: f.wants_to_take_part == TriState.UNKNOWN, "check"),
    RoutingRule("adults", lambda _: True, "adults"),
)
"""Strongest first. What is not known goes to a person ("check"); it never blocks."""

FLAG_RULES: tuple[tuple[str, Callable[[Facts], bool]], ...] = (
    ("going_on", lambda f: f.harm_ongoing == TriState.YES),
    ("pressure", lambda f: f.wants_to_take_part == TriState.NO),
    ("specialist", lambda f: _is_domestic_or_sexual(f)),
    ("on_hold_live_case", lambda f: f.live_case == TriState.YES),
    ("denies", lambda f: f.accepts_responsibility == TriState.NO),
    ("nobody_identified", lambda f: f.offender_identified == TriState.NO),
    (
        "area_not_known",
        lambda f: f.in_area == TriState.UNKNOWN and f.requester != Requester.CALLBACK,
    ),
    ("kind_not_known", lambda f: f.domestic_or_sexual == TriState.UNKNOWN),
    ("under_18", lambda f: f.victim_age == AgeBand.YOUNG),
)
"""What staff should see at once, whatever the queue."""

_URGENT_FLAGS = ("going_on", "pressure")


def route_referral(facts: Facts, raised_flags: tuple[str, ...] = ()) -> Route:
    """Return where a referral with these facts goes; `heard` are flags raised while talking."""
    rule = next(one for one in ROUTING_RULES if one.matches(facts))
    flags = tuple(
        dict.fromkeys([name for name, fits in FLAG_RULES if fits(facts)] + list(raised_flags))
    )
    urgent = any(flag in _URGENT_FLAGS or flag.startswith("danger_") for flag in flags)
    also = [
        one.reason
        for one in ROUTING_RULES
        if one is not rule and one.reason != "adults" and one.matches(facts)
    ]
    return Route(rule.queue, rule.hold, urgent, (rule.reason, *also), flags)


def _is_domestic_or_sexual(facts: Facts) -> bool:
    return facts.domestic_or_sexual == TriState.YES


def _is_self_referral(facts: Facts) -> bool:
    return facts.requester in (Requester.SELF, Requester.CALLBACK)


def _is_offender(facts: Facts) -> bool:
    return facts.requester == Requester.OFFENDER
