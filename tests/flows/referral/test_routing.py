"""Which queue: every combination of facts goes to exactly one that exists, for reasons in words."""

from dataclasses import replace
from functools import cache
from itertools import product

import pytest

from flows import wording
from flows.referral.routing import FLAG_RULES, ROUTING_RULES, Route, route_referral
from flows.referral.rules import AgeBand, Facts, Requester, TriState
from flows.service import service
from flows.vocabulary import DANGER_FLAGS, Flag
from tests.flows.referral.test_rules import ALL_FACTS, FactRecorder, every_facts
from tests.support.flow_client import begin_officer, begin_self, finish

SENT_BY = (
    "requester",
    "consent",
    "domestic_or_sexual",
    "victim_age",
    "other_party_age",
    "is_dispute",
    "in_area",
    "offender_identified",
    "wants_to_take_part",
)
"""All that the rules look at; a test proves that they look at nothing else."""
NOTED = tuple(
    name for name in ALL_FACTS if name not in ("consent", "other_party_age", "is_dispute")
)


DETECTED_FLAGS = (
    *sorted(DANGER_FLAGS),
    Flag.PRESSURE,
    Flag.NOT_VERIFIED,
    Flag.RISKS,
    Flag.NEEDS,
    Flag.FROM_OFFENDER,
)


@cache
def every_route() -> tuple[tuple[Facts, Route], ...]:
    """Return where each of the possible facts is routed, worked out once."""
    return tuple((facts, route_referral(facts)) for facts in every_facts(*SENT_BY))


def test_the_rules_look_at_these_facts_and_at_no_others() -> None:
    seen: set[str] = set()
    for facts, _ in every_route():
        watched = FactRecorder(facts, seen)
        for rule in ROUTING_RULES:
            rule.matches(watched)  # type: ignore[arg-type]
    assert seen == set(SENT_BY)


def test_the_notes_look_at_no_facts_but_these() -> None:
    seen: set[str] = set()
    for facts in every_facts(*SENT_BY[:6]):
        for _, fits in FLAG_RULES:
            fits(FactRecorder(facts, seen))  # type: ignore[arg-type]
    assert seen <= set(NOTED)


def test_every_combination_goes_to_one_queue_that_exists_and_is_worked() -> None:
    queues = {goes_to.queue for _, goes_to in every_route()}
    assert queues == set(service().queues)
    assert all(service().provider(queue) for queue in queues)


def test_every_reason_and_every_flag_has_words_for_staff() -> None:
    reasons = {reason for _, goes_to in every_route() for reason in goes_to.reasons}
    flags = {name for name, _ in FLAG_RULES} | set(DETECTED_FLAGS)
    assert reasons == {rule.reason for rule in ROUTING_RULES}
    for reason in reasons:
        assert wording.say_raw("en", f"desk.reasons.{reason}")
    for flag in flags:
        assert wording.say_raw("en", f"desk.flags.{flag}")
    for queue in service().queues:
        assert wording.say_raw("en", f"desk.queues.{queue}")


def test_the_first_reason_is_the_rule_that_decided() -> None:
    queues = {rule.reason: (rule.queue, rule.hold) for rule in ROUTING_RULES}
    for _, goes_to in every_route():
        assert queues[goes_to.reasons[0]] == (goes_to.queue, goes_to.hold)
        assert len(set(goes_to.reasons)) == len(goes_to.reasons)


def test_a_hold_is_always_a_check() -> None:
    assert {goes_to.queue for _, goes_to in every_route() if goes_to.hold} == {"check"}


def test_an_officers_domestic_or_sexual_case_is_always_on_hold_for_a_check() -> None:
    for facts, goes_to in every_route():
        if facts.requester == Requester.OFFICER and facts.domestic_or_sexual == TriState.YES:
            assert (goes_to.queue, goes_to.hold) == ("check", True)


def test_an_officers_case_without_known_consent_is_always_on_hold() -> None:
    for facts, goes_to in every_route():
        if facts.requester == Requester.OFFICER and facts.consent != TriState.YES:
            assert (goes_to.queue, goes_to.hold) == ("check", True)
            assert goes_to.reasons[0] == "consent_not_known"


def test_the_person_responsible_is_always_on_hold() -> None:
    for facts, goes_to in every_route():
        if facts.requester == Requester.OFFENDER:
            assert (goes_to.queue, goes_to.hold) == ("check", True)


def test_under_18_on_either_side_is_for_young_people_unless_staff_must_check_first() -> None:
    for facts, goes_to in every_route():
        if AgeBand.YOUNG in (facts.victim_age, facts.other_party_age):
            assert goes_to.queue == "young_people" or goes_to.hold
            assert "somebody_under_18" in goes_to.reasons
        else:
            assert goes_to.queue != "young_people"


def test_domestic_or_sexual_harm_never_goes_to_a_plain_queue() -> None:
    for facts, goes_to in every_route():
        if facts.domestic_or_sexual == TriState.YES:
            assert goes_to.queue in ("specialist", "young_people", "check")
            assert "specialist" in goes_to.flags


def test_the_plain_queue_is_only_for_what_is_known() -> None:
    for facts, goes_to in every_route():
        if goes_to.queue == "adults" and facts.requester != Requester.CALLBACK:
            assert AgeBand.ADULT == facts.victim_age == facts.other_party_age
            assert facts.wants_to_take_part != TriState.UNKNOWN


def test_what_else_is_known_changes_flags_and_never_the_queue() -> None:
    for who, going_on, live, accepts in product(Requester, TriState, TriState, TriState):
        facts = Facts(who, consent=TriState.YES)
        more = replace(facts, harm_ongoing=going_on, live_case=live, accepts_responsibility=accepts)
        plain, marked = route_referral(facts), route_referral(more)
        assert (plain.queue, plain.hold, plain.reasons) == (
            marked.queue,
            marked.hold,
            marked.reasons,
        )
        assert marked.urgent == (going_on == TriState.YES)
        assert ("on_hold_live_case" in marked.flags) == (live == TriState.YES)
        assert ("denies" in marked.flags) == (accepts == TriState.NO)


@pytest.mark.parametrize("flag", DETECTED_FLAGS)
def test_each_detected_flag_is_set_once(flag: Flag) -> None:
    goes_to = route_referral(Facts(Requester.SELF), (flag, flag))
    assert goes_to.flags.count(flag) == 1
    assert goes_to.urgent == (flag.startswith("danger_") or flag == "pressure")


# --- from answers to the record


def test_an_urgent_request_is_promised_sooner() -> None:
    still = {"known": "yes", "relationship": "family", "still_happening": "yes"}
    calm, urgent = finish(begin_self()), finish(begin_self().answer_until(still))
    assert urgent.record.urgent
    assert not calm.record.urgent
    assert urgent.record.due < calm.record.due


def test_only_the_way_that_was_chosen_may_be_used() -> None:
    for way, may in (("call", True), ("here", True), ("i_will_call", False)):
        walk = begin_self().answer_until({"way": way})
        walk.press("send")
        assert walk.record.may_contact == may, way


def test_a_number_that_was_not_given_means_no_call() -> None:
    walk = begin_self().answer_until({"way": "call", "number": "skipped"})
    walk.press("send")
    assert not walk.record.may_contact


def test_an_unverified_officer_is_flagged() -> None:
    for officer in (None, begin_officer().conversation.officer):
        walk = begin_officer(officer).answer_until({})
        walk.press("send")
        assert ("not_verified" in walk.record.flags) == (officer is None)
