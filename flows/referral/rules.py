"""The facts that decide, and who may refer what. The Kent rules of the content folder's service."""

from dataclasses import dataclass, replace
from enum import StrEnum

from flows.conversation import Conversation
from flows.questions.journey import CurrentAnswers, current_answers
from flows.vocabulary import (
    COUPLES,
    COUPLES_OF_OFFICERS,
    SPECIALIST_HARMS,
    AnswerStatus,
    Flag,
    Journey,
    Option,
    StopReason,
)


class TriState(StrEnum):
    """Yes, no, or not known. Not known never blocks."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Requester(StrEnum):
    """Who is asking."""

    SELF = "self"
    CALLBACK = "callback"
    OFFICER = "officer"
    OFFENDER = "offender"


class AgeBand(StrEnum):
    """An age band; the line is `ages.adult` in service.toml."""

    ADULT = "adult"
    YOUNG = "young"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the rules look at. Everything may be unknown."""

    requester: Requester
    consent: TriState = TriState.UNKNOWN
    wants_to_take_part: TriState = TriState.UNKNOWN
    domestic_or_sexual: TriState = TriState.UNKNOWN
    victim_asked: TriState = TriState.UNKNOWN
    victim_age: AgeBand = AgeBand.UNKNOWN
    other_party_age: AgeBand = AgeBand.UNKNOWN
    in_area: TriState = TriState.UNKNOWN
    live_case: TriState = TriState.UNKNOWN
    offender_identified: TriState = TriState.UNKNOWN
    accepts_responsibility: TriState = TriState.UNKNOWN
    is_dispute: TriState = TriState.UNKNOWN
    harm_ongoing: TriState = TriState.UNKNOWN


def stop_reason(facts: Facts) -> StopReason:
    """Return why this cannot be taken now, or NONE to go on.

    Only a known fact stops anything. Sources: agency consent (Norfolk and Suffolk, Calm), only
    victims ask in domestic and sexual cases (Kent), voluntary (all), area and disputes (Kent).
    """
    if facts.requester == Requester.OFFICER:
        if facts.consent == TriState.NO:
            return StopReason.NO_CONSENT
        if facts.wants_to_take_part == TriState.NO:
            return StopReason.NOT_WANTED
        if facts.domestic_or_sexual == TriState.YES and facts.victim_asked == TriState.NO:
            return StopReason.VICTIM_DID_NOT_ASK
    if facts.requester in (Requester.CALLBACK, Requester.OFFENDER):
        return StopReason.NONE
    if facts.requester == Requester.SELF and facts.wants_to_take_part == TriState.NO:
        return StopReason.PUSHED
    if facts.in_area == TriState.NO:
        return StopReason.OUTSIDE
    if facts.is_dispute == TriState.YES:
        return StopReason.DISPUTE
    return StopReason.NONE


def facts_of(conversation: Conversation) -> Facts:
    """Return the facts in the answers that count."""
    found = answers_with_origin(conversation)
    if conversation.journey == Journey.OFFICER:
        return _officer_facts(found)
    if conversation.journey == Journey.CALLBACK:
        who = Requester.OFFENDER if Flag.FROM_OFFENDER in conversation.flags else Requester.CALLBACK
        return replace(_self_facts(found), requester=who)
    return _self_facts(found)


def answers_with_origin(conversation: Conversation) -> CurrentAnswers:
    """Return the answers that count; for a call-back, with those of the talk it came from."""
    found = current_answers(conversation)
    if conversation.journey == Journey.CALLBACK and conversation.previous_journey:
        return {
            **current_answers(replace(conversation, journey=conversation.previous_journey)),
            **found,
        }
    return found


def _self_facts(answers: CurrentAnswers) -> Facts:
    harm = _value(answers, "harm")
    place = "district" if harm == Option.DISPUTE else "area"
    return Facts(
        requester=Requester.SELF,
        consent=TriState.YES,
        wants_to_take_part={Option.PUSHED: TriState.NO, "": TriState.UNKNOWN}.get(
            _value(answers, "wish"), TriState.YES
        ),
        domestic_or_sexual=_domestic_or_sexual(harm, _value(answers, "relationship")),
        victim_asked=TriState.YES,
        victim_age=_age_band(answers, "age"),
        other_party_age=_age_band(answers, "their_age"),
        in_area=_in_area(_value(answers, place), _value(answers, "happened_here")),
        live_case=_has_live_case(_value(answers, "case")),
        offender_identified=_tri_answer(answers, "identified"),
        is_dispute=_is_dispute(harm, _value(answers, "district")),
        harm_ongoing=_tri_answer(answers, "still_happening"),
    )


def _officer_facts(answers: CurrentAnswers) -> Facts:
    offence = _value(answers, "offence")
    return Facts(
        requester=Requester.OFFICER,
        consent=_consent(answers),
        wants_to_take_part=_officer_wants_to_take_part(answers),
        domestic_or_sexual=_domestic_or_sexual(offence, _value(answers, "in_relationship")),
        victim_asked=_tri_answer(answers, "victim_asked"),
        victim_age=_age_band(answers, "victim_age"),
        other_party_age=_age_band(answers, "offender_age"),
        in_area=_in_area(_value(answers, "victim_area"), "unknown"),
        live_case=_has_live_case(_value(answers, "stage")),
        accepts_responsibility=_tri_answer(answers, "accepts"),
        is_dispute=TriState.UNKNOWN if not offence else _tri_of(offence == Option.DISPUTE),
    )


def _consent(answers: CurrentAnswers) -> TriState:
    if "agreed" not in answers:
        return TriState.UNKNOWN
    agreed = answers["agreed"]
    return _tri_of(agreed.status == AnswerStatus.ANSWERED and agreed.value != Option.NO)


def _officer_wants_to_take_part(answers: CurrentAnswers) -> TriState:
    willing, interested = _tri_answer(answers, "willing"), _tri_answer(answers, "interested")
    if TriState.YES in (willing, interested):
        return TriState.YES
    return TriState.NO if willing == interested == TriState.NO else TriState.UNKNOWN


def _domestic_or_sexual(harm: str, relationship: str) -> TriState:
    close = relationship in (*COUPLES, *COUPLES_OF_OFFICERS)
    if close or harm in SPECIALIST_HARMS:
        return TriState.YES
    return TriState.NO if harm else TriState.UNKNOWN


def _in_area(lives: str, happened_here: str) -> TriState:
    if not lives:
        return TriState.UNKNOWN
    if lives != Option.ELSEWHERE:
        return TriState.YES
    return _TRI_STATES.get(happened_here, TriState.UNKNOWN)


def _is_dispute(harm: str, district: str) -> TriState:
    """A dispute is known to be one for mediation only once the district was asked."""
    if not harm:
        return TriState.UNKNOWN
    is_dispute = harm == Option.DISPUTE
    return _tri_of(is_dispute) if district or not is_dispute else TriState.UNKNOWN


def _has_live_case(stage: str) -> TriState:
    if stage in (Option.LIVE, Option.COURT):
        return TriState.YES
    return TriState.NO if stage in (Option.OVER, Option.NOT_REPORTED) else TriState.UNKNOWN


_TRI_STATES: dict[str, TriState] = {Option.YES: TriState.YES, Option.NO: TriState.NO}
_AGE_BANDS: dict[str, AgeBand] = {Option.ADULT: AgeBand.ADULT, Option.YOUNG: AgeBand.YOUNG}


def _value(answers: CurrentAnswers, key: str) -> str:
    return answers[key].value if key in answers else ""


def _tri_answer(answers: CurrentAnswers, key: str) -> TriState:
    return _TRI_STATES.get(_value(answers, key), TriState.UNKNOWN)


def _age_band(answers: CurrentAnswers, key: str) -> AgeBand:
    return _AGE_BANDS.get(_value(answers, key), AgeBand.UNKNOWN)


def _tri_of(condition: bool) -> TriState:
    return TriState.YES if condition else TriState.NO
