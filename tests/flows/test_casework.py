"""What staff can do with a referral, and when: every act from every stage."""

from itertools import product

import pytest

from flows import casework, wording
from flows.casework import ACTS, CLOSED_STAGES, InvalidTransition, stage_after

EVERY_ACT = tuple(dict.fromkeys(name for name, _, _ in ACTS.transitions))
IN_TOUCH = ("spoke", "no_answer", "wrong_number", "not_now", "suitable")
"""Acts of somebody who is, or tries to be, in touch with the person."""


@pytest.mark.parametrize(("stage", "act"), list(product(ACTS.states, EVERY_ACT)))
def test_every_act_is_allowed_or_refused_by_name(stage: str, act: str) -> None:
    if act in ACTS.allowed_from(stage):
        assert stage_after(stage, act) in ACTS.states
    else:
        with pytest.raises(InvalidTransition):
            stage_after(stage, act)


@pytest.mark.parametrize("act", ["", "handed_over", "CLAIM", "claim ", "__class__", "trigger"])
def test_an_act_that_does_not_exist_is_refused(act: str) -> None:
    for stage in ACTS.states:
        with pytest.raises(InvalidTransition):
            stage_after(stage, act)


def test_a_stage_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidTransition):
        stage_after("lost", "claim")
    assert casework.allowed_acts("lost") == ()


def test_an_act_leads_to_one_stage_wherever_it_starts() -> None:
    for act in EVERY_ACT:
        assert len({end for name, _, end in ACTS.transitions if name == act}) == 1


def test_every_stage_and_every_act_has_words_for_staff() -> None:
    for stage in ACTS.states:
        assert wording.say_raw("en", f"desk.stages.{stage}")
    for act in EVERY_ACT:
        assert wording.say_raw("en", f"desk.acts.{act}")


def test_what_belongs_to_the_person_or_to_the_clock_is_not_offered_to_staff() -> None:
    for stage in ACTS.states:
        offered = set(casework.allowed_acts(stage))
        assert not offered & {"ask_to_delete", "withdraw", "lease_ended"}


def _reached_from(stage: str, acts: tuple[str, ...] = EVERY_ACT) -> set[str]:
    reached, edge = {stage}, [stage]
    while edge:
        here = edge.pop()
        for act in set(ACTS.allowed_from(here)) & set(acts):
            there = stage_after(here, act)
            if there not in reached:
                reached.add(there)
                edge.append(there)
    return reached


def test_everything_can_be_reached_and_all_but_what_is_erased_can_be_opened_again() -> None:
    assert _reached_from("new") == set(ACTS.states)
    for stage in set(ACTS.states) - {"erased"}:
        assert "new" in _reached_from(stage), stage
    assert _reached_from("erased") == {"erased"}


def test_what_is_closed_can_be_opened_again_at_once() -> None:
    assert stage_after("closed", "reopen") == "new"


def test_nobody_is_in_touch_straight_after_a_withdrawal_or_a_wish_to_delete() -> None:
    for stage in ("withdrawn", "paused", *CLOSED_STAGES):
        assert not set(casework.allowed_acts(stage)) & {*IN_TOUCH, "claim", "transfer"}


def test_a_withdrawal_is_taken_from_every_open_stage_and_never_leads_to_contact() -> None:
    for stage in casework.OPEN_STAGES:
        assert stage_after(stage, "withdraw") == "withdrawn"
    assert _reached_from("withdrawn", ("withdraw", "ask_to_delete", "close", "erase")) == {
        "withdrawn",
        "paused",
        "closed",
        "erased",
    }
    opening = {act for act in EVERY_ACT if after_or_none("withdrawn", act) in casework.OPEN_STAGES}
    assert opening == {"ask_to_delete"}


def after_or_none(stage: str, act: str) -> str | None:
    """Return where an act leads, or None where it is not allowed."""
    return stage_after(stage, act) if act in ACTS.allowed_from(stage) else None


def test_a_wish_to_delete_is_taken_wherever_there_is_something_to_delete() -> None:
    for stage in set(ACTS.states) - {"erased", "paused"}:
        assert after_or_none(stage, "ask_to_delete") == "paused", stage


def test_what_nobody_works_on_goes_back_to_the_queue() -> None:
    for stage in ("claimed", "in_touch", "waiting"):
        assert stage_after(stage, "lease_ended") == "new"
        assert stage_after(stage, "hand_back") == "new"


def test_only_one_can_claim() -> None:
    assert stage_after("new", "claim") == "claimed"
    with pytest.raises(InvalidTransition):
        stage_after("claimed", "claim")


def test_nothing_is_erased_that_somebody_works_on() -> None:
    for stage in ("new", "claimed", "in_touch", "waiting"):
        assert "erase" not in casework.allowed_acts(stage)


def test_the_picture_shows_every_act() -> None:
    drawn = casework.mermaid()
    for act in EVERY_ACT:
        assert act in drawn
