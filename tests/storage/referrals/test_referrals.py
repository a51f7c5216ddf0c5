"""A referral is handed over once, claimed by one person, and every act has a date and a name."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from flows import casework
from flows.casework import Act, ReferralStage
from flows.vocabulary import Flag
from storage.database import Database
from storage.referrals import acts, lifecycle
from storage.referrals.lifecycle import ReferenceTaken
from storage.referrals.rows import QueueEntry, ReferralErased, ReferralStep
from storage.referrals.steps import NotReferralOwner, UnknownReferral
from storage.unit import Unit
from storage.vault import Vault
from tests.support.builders import DAY, HOUR, NOW, make_record, store_answers

ONE, TWO = "AAAA-CCCC", "DDDD-EEEE"
NEXT_WEEK = NOW + 7 * DAY


@pytest.fixture
def one(unit: Unit) -> str:
    assert lifecycle.hand_over(unit, make_record(ONE), None)
    return ONE


def queue(unit: Unit, include_closed: bool = False) -> list[QueueEntry]:
    return lifecycle.list_queue(unit, include_closed)


def only_entry(unit: Unit) -> QueueEntry:
    (only,) = queue(unit, include_closed=True)
    return only


def steps(unit: Unit) -> list[ReferralStep]:
    return lifecycle.list_steps(unit, ONE)


def acts_on(unit: Unit) -> list[tuple[str, str]]:
    return [(step.act, step.actor) for step in steps(unit)]


def take_step(unit: Unit, act: str, who: str = "Ann", note: str = "", to: str = "") -> str:
    until = NEXT_WEEK if act == "snooze" else None
    return acts.perform_act(unit, ONE, act, who, note, until, to)


# Handing over


def test_a_record_goes_into_its_queue(unit: Unit, one: str) -> None:
    found = only_entry(unit)
    assert (found.reference, found.queue, found.provider) == (ONE, "adults", "kent")
    assert (found.stage, found.owner, found.late) == ("new", None, False)
    assert (found.due, found.zone) == (NOW + DAY, "Europe/London")
    assert found.flags == (Flag.NEEDS,)
    assert acts_on(unit) == [("handed_over", "person")]


def test_handing_over_again_changes_nothing(unit: Unit, one: str) -> None:
    again = replace(make_record(ONE), sent_at=NOW + HOUR, urgent=True)
    assert not lifecycle.hand_over(unit, again, None)
    assert not only_entry(unit).urgent


def test_two_people_can_never_share_a_reference(database: Database) -> None:
    amina, ben = store_answers(database, "amina"), store_answers(database, "ben")
    with database.unit(NOW) as unit:
        assert lifecycle.hand_over(unit, make_record(ONE), amina)
        assert not lifecycle.hand_over(unit, make_record(ONE), amina)
        with pytest.raises(ReferenceTaken):
            lifecycle.hand_over(unit, make_record(ONE), ben)
        with pytest.raises(ReferenceTaken):
            lifecycle.hand_over(unit, make_record(ONE), None)


def test_the_record_is_read_back_whole(unit: Unit, one: str) -> None:
    assert lifecycle.open_record(unit, ONE, "Ann") == make_record(ONE)
    lifecycle.open_record(unit, ONE, "Raj")
    assert acts_on(unit)[1:] == [("opened", "Ann"), ("opened", "Raj")]


def test_a_turn_that_fails_hands_nothing_over(database: Database) -> None:
    with pytest.raises(RuntimeError), database.unit(NOW) as unit:
        lifecycle.hand_over(unit, make_record(ONE), None)
        raise RuntimeError
    with database.reading(NOW) as unit:
        assert lifecycle.list_queue(unit) == []


# The queue


def test_first_the_unseen_then_the_urgent_then_by_due_time(unit: Unit) -> None:
    for reference, days, urgent in (
        ("LATE", -1, False),
        ("SOON", 1, False),
        ("URGT", 3, True),
        ("GONE", 5, False),
        ("FLAG", 6, False),
    ):
        record = make_record(reference, NOW + days * DAY, urgent)
        lifecycle.hand_over(unit, record, None)
    lifecycle.stop_contact(unit, "GONE", Act.WITHDRAW)
    lifecycle.raise_flag(unit, "FLAG", Flag.IMMEDIATE_DANGER)
    found = queue(unit)
    assert [one.reference for one in found] == ["FLAG", "GONE", "URGT", "LATE", "SOON"]
    assert [one.late for one in found] == [False, False, False, True, False]
    lifecycle.open_record(unit, "GONE", "Ann")
    assert queue(unit)[0].reference == "FLAG"


def test_a_closed_referral_leaves_the_queue_but_not_the_books(unit: Unit, one: str) -> None:
    take_step(unit, "claim")
    take_step(unit, "declined")
    assert queue(unit) == []
    assert only_entry(unit).stage == "closed"


# Claiming


def test_a_claim_lasts_until_the_promise(unit: Unit, one: str) -> None:
    assert acts.claim(unit, ONE, "Ann")
    assert not acts.claim(unit, ONE, "Raj")
    found = only_entry(unit)
    assert (found.stage, found.owner, found.lease_until) == ("claimed", "Ann", NOW + DAY)
    assert acts_on(unit)[1:] == [("claim", "Ann")]


def test_claiming_twice_is_one_claim(unit: Unit, one: str) -> None:
    assert acts.claim(unit, ONE, "Ann")
    assert acts.claim(unit, ONE, "Ann")
    assert acts_on(unit)[1:] == [("claim", "Ann")]


def test_after_the_promise_a_claim_lasts_four_hours(unit: Unit, one: str) -> None:
    late = NOW + 3 * DAY
    in_delhi = late.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert acts.claim(replace(unit, now=in_delhi), ONE, "Ann")
    assert only_entry(unit).lease_until == late + 4 * HOUR


def test_an_unworked_claim_returns(unit: Unit, one: str) -> None:
    acts.claim(unit, ONE, "Ann")
    lifecycle.open_record(unit, ONE, "Ann")
    assert acts.release_expired_leases(replace(unit, now=NOW + 23 * HOUR)) == []
    assert acts.release_expired_leases(replace(unit, now=NOW + DAY)) == [ONE]
    assert acts.release_expired_leases(replace(unit, now=NOW + DAY)) == []
    found = only_entry(unit)
    assert (found.stage, found.owner, found.lease_until) == ("new", None, None)
    assert acts_on(unit)[-1] == ("lease_ended", "clock")
    assert acts.claim(replace(unit, now=NOW + DAY), ONE, "Raj")


def test_a_worked_claim_stays(unit: Unit, one: str) -> None:
    acts.claim(unit, ONE, "Ann")
    take_step(unit, "no_answer")
    assert acts.release_expired_leases(replace(unit, now=NOW + 30 * DAY)) == []
    assert only_entry(unit).owner == "Ann"


def test_the_next_in_line_is_never_on_hold_or_without_contact(unit: Unit) -> None:
    urgent = make_record("URGT", NOW + 3 * DAY, urgent=True)
    held = replace(make_record("HELD", urgent=True), hold=True)
    silent = replace(make_record("MUTE", urgent=True), may_contact=False)
    for record in (make_record(ONE), held, silent, urgent):
        lifecycle.hand_over(unit, record, None)
    assert [acts.claim_next(unit, "Ann") for _ in range(3)] == [
        "URGT",
        ONE,
        None,
    ]
    assert acts.claim(unit, "HELD", "Ann")


def test_a_reference_nobody_has_is_unknown(unit: Unit) -> None:
    for try_it in (
        lambda: acts.claim(unit, ONE, "Ann"),
        lambda: take_step(unit, "claim"),
        lambda: lifecycle.open_record(unit, ONE, "Ann"),
        lambda: steps(unit),
        lambda: lifecycle.raise_flag(unit, ONE, Flag.IMMEDIATE_DANGER),
        lambda: lifecycle.stop_contact(unit, ONE, Act.WITHDRAW),
    ):
        with pytest.raises(UnknownReferral):
            try_it()


def test_a_thousand_racing_claims_have_one_winner_each(
    database: Database, file: Path, vault: Vault
) -> None:
    references = [f"R{n:03}" for n in range(50)]
    with database.unit(NOW) as unit:
        for reference in references:
            lifecycle.hand_over(unit, make_record(reference), None)
    with ExitStack() as all_of_them:
        racers = [Database(f"sqlite:///{file}", vault) for _ in range(8)]
        for racer in racers:
            all_of_them.callback(racer.close)
        start = threading.Barrier(8)
        wins = _race(racers, references, start)
    assert sorted(wins) == references
    with database.reading(NOW) as unit:
        for found in lifecycle.list_queue(unit):
            claims = [
                taken.actor
                for taken in lifecycle.list_steps(unit, found.reference)
                if taken.act == "claim"
            ]
            assert claims == [found.owner]


def _race(racers: list[Database], references: list[str], start: threading.Barrier) -> list[str]:
    """Have 20 people try for every reference, 8 at a time; return what was won."""
    tries = [(f"staff {n}", reference) for reference in references for n in range(20)]

    def run(mine: int) -> list[str]:
        start.wait()
        won = []
        for who, reference in tries[mine :: len(racers)]:
            with racers[mine].unit(NOW) as unit:
                if acts.claim(unit, reference, who):
                    won.append(reference)
        return won

    with ThreadPoolExecutor(len(racers)) as threads:
        return [reference for won in threads.map(run, range(len(racers))) for reference in won]


# Acts


def test_each_act_is_a_dated_step_with_a_name(unit: Unit, one: str) -> None:
    take_step(unit, "claim")
    acts.perform_act(
        replace(unit, now=NOW + HOUR), ONE, "not_now", "Ann", "Call after work", until=NEXT_WEEK
    )
    last = steps(unit)[-1]
    assert last == ReferralStep(
        "not_now", "Ann", NOW + HOUR, "waiting", "Call after work", NEXT_WEEK
    )
    assert only_entry(unit).until == NEXT_WEEK


def test_only_the_owner_acts(unit: Unit, one: str) -> None:
    take_step(unit, "claim", "Ann")
    for act in ("spoke", "close", "claim", "hand_back"):
        with pytest.raises(NotReferralOwner):
            take_step(unit, act, "Raj")
    assert acts_on(unit)[1:] == [("claim", "Ann")]


def test_an_act_that_does_not_start_from_here_is_refused(unit: Unit, one: str) -> None:
    for act in ("spoke", "erase", "withdraw", "ask_to_delete", "lease_ended", "dance"):
        with pytest.raises(casework.InvalidTransition):
            take_step(unit, act)
    assert acts_on(unit) == [("handed_over", "person")]


@pytest.mark.parametrize("path", ["", "claim", "claim spoke", "claim no_answer", "claim close"])
def test_every_allowed_act_can_be_taken(unit: Unit, path: str) -> None:
    lifecycle.hand_over(unit, make_record(ONE), None)
    stage = "new"
    for act in path.split():
        stage = take_step(unit, act)
    for act in casework.allowed_acts(stage):
        undo = unit.conn.begin_nested()
        assert take_step(unit, act, to="Raj") == casework.stage_after(stage, act)
        undo.rollback()


def test_a_transfer_needs_a_name_and_starts_a_new_lease(unit: Unit, one: str) -> None:
    take_step(unit, "claim")
    take_step(unit, "spoke")
    with pytest.raises(casework.InvalidTransition):
        take_step(unit, "transfer")
    assert take_step(unit, "transfer", to="Raj") == "claimed"
    found = only_entry(unit)
    assert (found.owner, found.lease_until) == ("Raj", NOW + DAY)


def test_handing_back_frees_it_for_others(unit: Unit, one: str) -> None:
    take_step(unit, "claim", "Ann")
    assert take_step(unit, "hand_back", "Ann") == "new"
    assert take_step(unit, "claim", "Raj") == "claimed"


# What the person does


@pytest.mark.parametrize(
    ("act", "stage"),
    [(Act.WITHDRAW, ReferralStage.WITHDRAWN), (Act.ASK_TO_DELETE, ReferralStage.PAUSED)],
)
def test_when_the_person_says_stop_contact_stops(
    unit: Unit, one: str, act: Act, stage: ReferralStage
) -> None:
    take_step(unit, "claim")
    lifecycle.stop_contact(unit, ONE, act)
    found = only_entry(unit)
    assert (found.stage, found.owner, found.may_contact, found.unseen) == (
        stage,
        None,
        False,
        True,
    )
    assert found.lease_until is None
    assert acts_on(unit)[-1] == (act, "person")
    assert queue(unit) == [found]


def test_contact_stops_even_when_the_referral_is_closed(unit: Unit, one: str) -> None:
    take_step(unit, "claim")
    take_step(unit, "close")
    lifecycle.stop_contact(unit, ONE, Act.WITHDRAW)
    found = only_entry(unit)
    assert (found.stage, found.may_contact, found.unseen) == ("closed", False, True)
    assert queue(unit) == [found]


def test_who_withdrew_before_asking_to_delete_is_not_contacted_again(unit: Unit, one: str) -> None:
    lifecycle.stop_contact(unit, one, Act.WITHDRAW)
    lifecycle.stop_contact(unit, one, Act.ASK_TO_DELETE)
    assert take_step(unit, "still_wanted") == "new"
    assert not only_entry(unit).may_contact


def test_after_a_check_that_it_is_still_wanted_contact_is_allowed_again(
    unit: Unit, one: str
) -> None:
    lifecycle.stop_contact(unit, ONE, Act.ASK_TO_DELETE)
    assert take_step(unit, "still_wanted") == "new"
    found = only_entry(unit)
    assert (found.may_contact, found.unseen) == (True, False)


def test_a_flag_is_added_once(unit: Unit, one: str) -> None:
    lifecycle.raise_flag(unit, ONE, Flag.IMMEDIATE_DANGER)
    lifecycle.raise_flag(unit, ONE, Flag.IMMEDIATE_DANGER)
    assert only_entry(unit).flags == (Flag.NEEDS, Flag.IMMEDIATE_DANGER)


def test_erasing_leaves_the_bare_steps(unit: Unit, one: str) -> None:
    take_step(unit, "claim")
    take_step(unit, "spoke", note="She is at her sister's")
    take_step(unit, "close")
    assert take_step(unit, "erase", "Raj") == "erased"
    found = only_entry(unit)
    assert (found.stage, found.flags, found.owner) == ("erased", (), None)
    assert {taken.note for taken in steps(unit)} == {""}
    assert acts_on(unit)[-1] == ("erase", "Raj")
    with pytest.raises(ReferralErased):
        lifecycle.open_record(unit, ONE, "Ann")
    lifecycle.stop_contact(unit, ONE, Act.WITHDRAW)
    lifecycle.raise_flag(unit, ONE, Flag.IMMEDIATE_DANGER)
    assert only_entry(unit) == found
