"""The facts that decide, and who may refer what. The Kent rules of the content folder's service."""

from dataclasses import dataclass, replace
from enum import StrEnum

from flows.conversation import Conversation, Given
from flows.questions.journey import Counting, counting


class Tri(StrEnum):
    """Yes, no, or not known. Not known never blocks."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Who(StrEnum):
    """Who is asking."""

    SELF = "self"
    CALLBACK = "callback"
    OFFICER = "officer"
    OFFENDER = "offender"


class Age(StrEnum):
    """An age band; the line is `ages.adult` in service.toml."""

    ADULT = "adult"
    YOUNG = "young"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the rules look at. Everything may be unknown."""

    who: Who
    consent: Tri = Tri.UNKNOWN
    own_wish: Tri = Tri.UNKNOWN
    domestic_or_sexual: Tri = Tri.UNKNOWN
    victim_asked: Tri = Tri.UNKNOWN
    victim_age: Age = Age.UNKNOWN
    other_age: Age = Age.UNKNOWN
    in_area: Tri = Tri.UNKNOWN
    live_case: Tri = Tri.UNKNOWN
    identified: Tri = Tri.UNKNOWN
    accepts: Tri = Tri.UNKNOWN
    dispute: Tri = Tri.UNKNOWN
    going_on: Tri = Tri.UNKNOWN


def stop_reason(facts: Facts) -> str:
    """Return why this cannot be taken now, as a key under scenes.stopped, or "" to go on.

    Only a known fact stops anything. Sources: agency consent (Norfolk and Suffolk, Calm), only
    victims ask in domestic and sexual cases (Kent), voluntary (all), area and disputes (Kent).
    """
    if facts.who == Who.OFFICER:
        if facts.consent == Tri.NO:
            return "no_consent"
        if facts.own_wish == Tri.NO:
            return "not_wanted"
        if facts.domestic_or_sexual == Tri.YES and facts.victim_asked == Tri.NO:
            return "victim_did_not_ask"
    if facts.who in (Who.CALLBACK, Who.OFFENDER):
        return ""
    if facts.who == Who.SELF and facts.own_wish == Tri.NO:
        return "pushed"
    if facts.in_area == Tri.NO:
        return "outside"
    if facts.dispute == Tri.YES:
        return "dispute"
    return ""


def facts_of(conversation: Conversation) -> Facts:
    """Return the facts in the answers that count."""
    found = told(conversation)
    if conversation.journey == "officer":
        return _officer_facts(found)
    if conversation.journey == "callback":
        who = Who.OFFENDER if "from_the_person_responsible" in conversation.flags else Who.CALLBACK
        return replace(_own_facts(found), who=who)
    return _own_facts(found)


def told(conversation: Conversation) -> Counting:
    """Return the answers that count; for a call-back, with those of the talk it came from."""
    found = counting(conversation)
    if conversation.journey == "callback" and conversation.came_from:
        return {**counting(replace(conversation, journey=conversation.came_from)), **found}
    return found


def _own_facts(found: Counting) -> Facts:
    harm = _value(found, "harm")
    place = "district" if harm == "dispute" else "area"
    return Facts(
        who=Who.SELF,
        consent=Tri.YES,
        own_wish={"pushed": Tri.NO, "": Tri.UNKNOWN}.get(_value(found, "wish"), Tri.YES),
        domestic_or_sexual=_domestic_or_sexual(harm, _value(found, "relationship")),
        victim_asked=Tri.YES,
        victim_age=_age(found, "age"),
        other_age=_age(found, "their_age"),
        in_area=_in_area(_value(found, place), _value(found, "happened_here")),
        live_case=_live(_value(found, "case")),
        identified=_tri(found, "identified"),
        dispute=_dispute(harm, _value(found, "district")),
        going_on=_tri(found, "still_happening"),
    )


def _officer_facts(found: Counting) -> Facts:
    offence = _value(found, "offence")
    return Facts(
        who=Who.OFFICER,
        consent=_consent(found),
        own_wish=_officer_wish(found),
        domestic_or_sexual=_domestic_or_sexual(offence, _value(found, "in_relationship")),
        victim_asked=_tri(found, "victim_asked"),
        victim_age=_age(found, "victim_age"),
        other_age=_age(found, "offender_age"),
        in_area=_in_area(_value(found, "victim_area"), "unknown"),
        live_case=_live(_value(found, "stage")),
        accepts=_tri(found, "accepts"),
        dispute=Tri.UNKNOWN if not offence else _yes(offence == "dispute"),
    )


def _consent(found: Counting) -> Tri:
    if "agreed" not in found:
        return Tri.UNKNOWN
    agreed = found["agreed"]
    return _yes(agreed.given == Given.SAID and agreed.value != "no")


def _officer_wish(found: Counting) -> Tri:
    willing, interested = _tri(found, "willing"), _tri(found, "interested")
    if Tri.YES in (willing, interested):
        return Tri.YES
    return Tri.NO if willing == interested == Tri.NO else Tri.UNKNOWN


def _domestic_or_sexual(harm: str, relationship: str) -> Tri:
    close = relationship in ("partner", "ex_partner", "now", "before")
    if close or harm in ("domestic", "sexual"):
        return Tri.YES
    return Tri.NO if harm else Tri.UNKNOWN


def _in_area(lives: str, happened_here: str) -> Tri:
    if not lives:
        return Tri.UNKNOWN
    if lives != "elsewhere":
        return Tri.YES
    return {"yes": Tri.YES, "no": Tri.NO}.get(happened_here, Tri.UNKNOWN)


def _dispute(harm: str, district: str) -> Tri:
    """A dispute is known to be one for mediation only once the district was asked."""
    if not harm:
        return Tri.UNKNOWN
    return _yes(harm == "dispute") if harm != "dispute" or district else Tri.UNKNOWN


def _live(stage: str) -> Tri:
    known = {"live": Tri.YES, "court": Tri.YES, "over": Tri.NO, "not_reported": Tri.NO}
    return known.get(stage, Tri.UNKNOWN)


def _value(found: Counting, key: str) -> str:
    return found[key].value if key in found else ""


def _tri(found: Counting, key: str) -> Tri:
    return {"yes": Tri.YES, "no": Tri.NO}.get(_value(found, key), Tri.UNKNOWN)


def _age(found: Counting, key: str) -> Age:
    return {"adult": Age.ADULT, "young": Age.YOUNG}.get(_value(found, key), Age.UNKNOWN)


def _yes(so: bool) -> Tri:
    return Tri.YES if so else Tri.NO
