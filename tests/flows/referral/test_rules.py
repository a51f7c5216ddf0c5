"""Who may refer what: every row of the Kent rules, and every combination of what can be known."""

from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import product

import pytest

from flows import wording
from flows.referral import rules
from flows.referral.routing import route_referral
from flows.referral.rules import AgeBand, Facts, Requester, TriState, stop_reason
from flows.vocabulary import AnswerStatus, Flag
from tests.support.flow_client import (
    FlowClient,
    begin_callback,
    begin_officer,
    begin_self,
    english,
    finish,
)

OFFICER_REFERS = Facts(
    requester=Requester.OFFICER,
    consent=TriState.YES,
    wants_to_take_part=TriState.YES,
    domestic_or_sexual=TriState.NO,
    victim_age=AgeBand.ADULT,
    other_party_age=AgeBand.ADULT,
    in_area=TriState.YES,
    live_case=TriState.NO,
)
VICTIM_ASKS = replace(
    OFFICER_REFERS, requester=Requester.SELF, victim_asked=TriState.YES, is_dispute=TriState.NO
)
OTHER_SIDE_ASKS = Facts(requester=Requester.OFFENDER)

YES, NO, UNKNOWN = TriState.YES, TriState.NO, TriState.UNKNOWN
VALUES: dict[str, tuple[object, ...]] = {
    "requester": tuple(Requester),
    "victim_age": tuple(AgeBand),
    "other_party_age": tuple(AgeBand),
}


def every_facts(*names: str) -> Iterator[Facts]:
    """Return the facts of every combination of these fields; the rest is not known."""
    for values in product(*(VALUES.get(name, tuple(TriState)) for name in names)):
        yield replace(Facts(Requester.SELF), **dict(zip(names, values, strict=True)))  # type: ignore[arg-type]


ALL_FACTS = tuple(field.name for field in fields(Facts))
STOPPED_BY = (
    "requester",
    "consent",
    "wants_to_take_part",
    "domestic_or_sexual",
    "victim_asked",
    "in_area",
    "is_dispute",
)
"""All that stop_reason looks at; a test proves that it looks at nothing else."""

# What is known -> what is done, strongest first. The rows in plain words are the test's names.
KENT = {
    "an officer's victim does not agree: not taken, and how to ask is explained": (
        replace(OFFICER_REFERS, consent=NO),
        "no_consent",
        "",
    ),
    "it is somebody else's wish: no further, unless they want to": (
        replace(VICTIM_ASKS, wants_to_take_part=NO),
        "pushed",
        "",
    ),
    "an officer's victim wants nothing of it: not taken": (
        replace(OFFICER_REFERS, wants_to_take_part=NO),
        "not_wanted",
        "",
    ),
    "domestic or sexual, from the person responsible: staff reply, nothing is taken": (
        replace(OTHER_SIDE_ASKS, domestic_or_sexual=YES),
        "",
        "check hold",
    ),
    "domestic or sexual, and the victim asks: the specialist": (
        replace(VICTIM_ASKS, domestic_or_sexual=YES),
        "",
        "specialist",
    ),
    "domestic or sexual, from an officer, and the victim asked: held for a check": (
        replace(OFFICER_REFERS, domestic_or_sexual=YES, victim_asked=YES),
        "",
        "check hold",
    ),
    "domestic or sexual, from an officer, not known who asked: held for a check": (
        replace(OFFICER_REFERS, domestic_or_sexual=YES),
        "",
        "check hold",
    ),
    "domestic or sexual, from an officer, and the victim did not ask: not taken": (
        replace(OFFICER_REFERS, domestic_or_sexual=YES, victim_asked=NO),
        "victim_did_not_ask",
        "",
    ),
    "it is still going on: taken, urgent": (
        replace(VICTIM_ASKS, harm_ongoing=YES),
        "",
        "adults urgent",
    ),
    "the person responsible is under 18: young people's team": (
        replace(VICTIM_ASKS, other_party_age=AgeBand.YOUNG),
        "",
        "young_people",
    ),
    "the person harmed is under 18: young people's team": (
        replace(VICTIM_ASKS, victim_age=AgeBand.YOUNG),
        "",
        "young_people",
    ),
    "an officer refers somebody under 18: young people's team": (
        replace(OFFICER_REFERS, victim_age=AgeBand.YOUNG),
        "",
        "young_people",
    ),
    "nobody was identified: support, and staff may still call": (
        replace(VICTIM_ASKS, offender_identified=NO),
        "",
        "support",
    ),
    "responsibility is denied: taken as an enquiry, marked not yet": (
        replace(OFFICER_REFERS, accepts_responsibility=NO),
        "",
        "adults denies",
    ),
    "the case is live: taken, marked on hold": (
        replace(VICTIM_ASKS, live_case=YES),
        "",
        "adults on_hold_live_case",
    ),
    "outside Kent and Medway: where to go instead": (
        replace(VICTIM_ASKS, in_area=NO),
        "outside",
        "",
    ),
    "a dispute without a crime: local mediation": (
        replace(VICTIM_ASKS, is_dispute=YES),
        "dispute",
        "",
    ),
    "an officer's dispute without a crime: local mediation": (
        replace(OFFICER_REFERS, is_dispute=YES),
        "dispute",
        "",
    ),
    "otherwise: the adults' queue": (VICTIM_ASKS, "", "adults"),
    "otherwise, from an officer: the adults' queue": (OFFICER_REFERS, "", "adults"),
    "somebody only wants a call: the adults' queue": (Facts(Requester.CALLBACK), "", "adults"),
    "an age is not known: a person checks, nothing is stopped": (
        replace(VICTIM_ASKS, other_party_age=AgeBand.UNKNOWN),
        "",
        "check",
    ),
    "what they would like is not known: a person checks": (
        replace(VICTIM_ASKS, wants_to_take_part=UNKNOWN),
        "",
        "check",
    ),
    "consent is not known: held for a check": (
        replace(OFFICER_REFERS, consent=UNKNOWN),
        "",
        "check hold",
    ),
    "nothing at all is known of a person harmed: a person checks": (
        Facts(Requester.SELF),
        "",
        "check",
    ),
    "nothing at all is known from an officer: held for a check": (
        Facts(Requester.OFFICER),
        "",
        "check hold",
    ),
}


@pytest.mark.parametrize("row", sorted(KENT))
def test_the_rules_of_kent(row: str) -> None:
    facts, stopped_for, leads_to = KENT[row]
    assert stop_reason(facts) == stopped_for
    if leads_to:
        goes_to = route_referral(facts)
        queue, *marks = leads_to.split()
        assert goes_to.queue == queue
        assert goes_to.hold == ("hold" in marks)
        assert goes_to.urgent == ("urgent" in marks)
        assert set(marks) - {"hold", "urgent"} <= set(goes_to.flags)


@pytest.mark.parametrize(
    "heard", ["immediate_danger", "suicidal", "child_at_risk", "domestic_abuse_now"]
)
def test_detected_danger_is_urgent_and_flagged_whatever_else_is_known(heard: str) -> None:
    for facts in (VICTIM_ASKS, OFFICER_REFERS, OTHER_SIDE_ASKS, Facts(Requester.CALLBACK)):
        goes_to = route_referral(facts, (Flag(f"danger_{heard}"),))
        assert goes_to.urgent
        assert f"danger_{heard}" in goes_to.flags


class FactRecorder:
    """Facts that remember which of them were looked at."""

    def __init__(self, facts: Facts, seen: set[str]) -> None:
        self._facts, self._seen = facts, seen

    def __getattr__(self, name: str) -> object:
        self._seen.add(name)
        return getattr(self._facts, name)


def test_stopping_looks_at_these_facts_and_at_no_others() -> None:
    seen: set[str] = set()
    for facts in every_facts(*STOPPED_BY):
        stop_reason(FactRecorder(facts, seen))  # type: ignore[arg-type]
    assert seen == set(STOPPED_BY)


def test_every_combination_is_taken_or_stopped_for_a_reason_that_has_words() -> None:
    reasons = {stop_reason(facts) for facts in every_facts(*STOPPED_BY)}
    assert reasons == {
        "",
        "no_consent",
        "not_wanted",
        "victim_did_not_ask",
        "pushed",
        "outside",
        "dispute",
    }
    for reason in reasons - {""}:
        assert wording.say_raw("en", f"scenes.stopped.{reason}")


def test_what_is_not_known_never_blocks() -> None:
    for facts in every_facts(*STOPPED_BY):
        if stop_reason(facts):
            continue
        for name in STOPPED_BY[1:]:
            assert stop_reason(replace(facts, **{name: UNKNOWN})) == "", (facts, name)  # type: ignore[arg-type]


def test_a_call_back_and_the_other_side_are_never_stopped() -> None:
    for facts in every_facts(*STOPPED_BY):
        if facts.requester in (Requester.CALLBACK, Requester.OFFENDER):
            assert stop_reason(facts) == ""


# --- the facts, from what people answer


def _facts(walk: FlowClient) -> Facts:
    return rules.facts_of(walk.conversation)


def test_an_answer_not_given_is_not_known() -> None:
    walk = begin_self()
    for given in ("rather_not_say", "not_sure", "not_sure", "not_sure", "not_sure"):
        walk.answer(given)
    facts = _facts(walk)
    unknown = (
        "wants_to_take_part",
        "domestic_or_sexual",
        "victim_age",
        "other_party_age",
        "in_area",
        "is_dispute",
    )
    assert {str(getattr(facts, name)) for name in unknown} == {"unknown"}
    assert stop_reason(facts) == ""


@pytest.mark.parametrize("harm", ["domestic", "sexual"])
def test_domestic_and_sexual_harm_go_by_what_was_chosen(harm: str) -> None:
    assert _facts(begin_self().answer_until({"harm": harm})).domestic_or_sexual == YES
    assert _facts(begin_officer().answer_until({"offence": harm})).domestic_or_sexual == YES


@pytest.mark.parametrize("how", ["partner", "ex_partner"])
def test_any_harm_between_partners_is_domestic(how: str) -> None:
    walk = begin_self().answer_until({"harm": "damage", "known": "yes", "relationship": how})
    assert _facts(walk).domestic_or_sexual == YES


@pytest.mark.parametrize("how", ["now", "before"])
def test_any_offence_between_partners_is_domestic_for_an_officer_too(how: str) -> None:
    walk = begin_officer().answer_until({"victim_known": "yes", "in_relationship": how})
    assert _facts(walk).domestic_or_sexual == YES
    assert "victim_asked" in walk.current_answers


def test_only_known_and_both_no_is_not_wanted() -> None:
    for willing, interested in product(("yes", "no", AnswerStatus.NOT_SURE), repeat=2):
        walk = begin_officer().answer_until({"willing": willing, "interested": interested})
        both_no = (willing, interested) == ("no", "no")
        assert (walk.conversation.stop_reason == "not_wanted") == both_no


def test_a_dispute_is_stopped_only_once_the_district_was_asked() -> None:
    walk = begin_self().answer_until({"harm": "dispute"}, until="district")
    assert walk.open_key == "district"
    walk.answer("sevenoaks")
    assert walk.conversation.stop_reason == "dispute"
    assert "West Kent Mediation" in walk.turn.replies[-1].text


def test_somebody_who_lives_elsewhere_is_taken_when_it_happened_here() -> None:
    for happened, stage in (("yes", "checking"), ("not_sure", "checking"), ("no", "stopped")):
        walk = begin_self().answer_until(
            {"extra": "yes", "area": "elsewhere", "happened_here": happened}
        )
        assert walk.conversation.stage == stage, happened


def test_a_call_back_from_a_stopped_talk_keeps_the_answers() -> None:
    walk = begin_self().answer_until({"harm": "dispute", "district": "ashford"})
    walk.say("person")
    walk.press("call_me")
    finish(walk)
    assert walk.record.journey == "callback"
    assert "dispute" in walk.record.reasons
    assert walk.record.queue == "check"


def test_the_other_side_may_ask_for_a_call_and_staff_know() -> None:
    walk = FlowClient(profile="Lee", can_share_number=True)
    walk.say("/start")
    walk.press("go:questions")
    walk.press_topic("offender_side")
    walk.press("call_me:responsible")
    finish(walk)
    assert walk.record.queue == "check"
    assert walk.record.hold
    assert "from_the_person_responsible" in walk.record.flags
    assert walk.record.reasons[0] == "from_the_person_responsible"


def test_somebody_harmed_is_never_taken_for_the_other_side() -> None:
    walk = FlowClient()
    walk.say("/start")
    walk.press("go:questions")
    walk.press_topic("offender_side")
    walk.press("call_me:responsible")
    walk.say("back")
    walk.press("go:self")
    finish(walk)
    assert "from_the_person_responsible" not in walk.record.flags


def test_a_call_back_alone_is_plain() -> None:
    walk = begin_callback()
    finish(walk)
    assert (walk.record.queue, walk.record.hold, walk.record.may_contact) == ("adults", False, True)
    assert english("desk.reasons.call_asked_for")
