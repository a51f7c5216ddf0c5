"""Which queue a referral goes to: plain rules, and the first that fits wins."""

from collections.abc import Callable
from dataclasses import dataclass

from flows.referral.rules import Age, Facts, Tri, Who


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
class Rule:
    """One row: when it fits, which queue, and whether a person must check first."""

    reason: str
    fits: Callable[[Facts], bool]
    queue: str
    hold: bool = False


RULES = (
    Rule(
        "consent_not_known", lambda f: f.who == Who.OFFICER and f.consent != Tri.YES, "check", True
    ),
    Rule("offender_domestic_or_sexual", lambda f: _offender(f) and _sensitive(f), "check", True),
    Rule("from_the_person_responsible", lambda f: _offender(f), "check", True),
    Rule(
        "officer_domestic_or_sexual",
        lambda f: f.who == Who.OFFICER and _sensitive(f),
        "check",
        True,
    ),
    Rule("somebody_under_18", lambda f: Age.YOUNG in (f.victim_age, f.other_age), "young_people"),
    Rule("domestic_or_sexual", lambda f: _sensitive(f) and _asked_themselves(f), "specialist"),
    Rule("dispute", lambda f: f.dispute == Tri.YES, "check", True),
    Rule("outside_area", lambda f: f.in_area == Tri.NO, "check", True),
    Rule("nobody_identified", lambda f: f.identified == Tri.NO, "support"),
    Rule("call_asked_for", lambda f: f.who == Who.CALLBACK, "adults"),
    Rule("age_not_known", lambda f: Age.UNKNOWN in (f.victim_age, f.other_age), "check"),
    Rule("wish_not_known", lambda f: f.own_wish == Tri.UNKNOWN, "check"),
    Rule("adults", lambda _: True, "adults"),
)
"""Strongest first. What is not known goes to a person ("check"); it never blocks."""

NOTES: tuple[tuple[str, Callable[[Facts], bool]], ...] = (
    ("going_on", lambda f: f.going_on == Tri.YES),
    ("pressure", lambda f: f.own_wish == Tri.NO),
    ("specialist", lambda f: _sensitive(f)),
    ("on_hold_live_case", lambda f: f.live_case == Tri.YES),
    ("denies", lambda f: f.accepts == Tri.NO),
    ("nobody_identified", lambda f: f.identified == Tri.NO),
    ("area_not_known", lambda f: f.in_area == Tri.UNKNOWN and f.who != Who.CALLBACK),
    ("kind_not_known", lambda f: f.domestic_or_sexual == Tri.UNKNOWN),
    ("under_18", lambda f: f.victim_age == Age.YOUNG),
)
"""What staff should see at once, whatever the queue."""

_URGENT = ("going_on", "pressure")


def route(facts: Facts, heard: tuple[str, ...] = ()) -> Route:
    """Return where a referral with these facts goes; `heard` are flags raised while talking."""
    rule = next(one for one in RULES if one.fits(facts))
    flags = tuple(dict.fromkeys([name for name, fits in NOTES if fits(facts)] + list(heard)))
    urgent = any(flag in _URGENT or flag.startswith("danger_") for flag in flags)
    also = [
        one.reason
        for one in RULES
        if one is not rule and one.reason != "adults" and one.fits(facts)
    ]
    return Route(rule.queue, rule.hold, urgent, (rule.reason, *also), flags)


def _sensitive(facts: Facts) -> bool:
    return facts.domestic_or_sexual == Tri.YES


def _asked_themselves(facts: Facts) -> bool:
    return facts.who in (Who.SELF, Who.CALLBACK)


def _offender(facts: Facts) -> bool:
    return facts.who == Who.OFFENDER
