"""A referral is handed over once, claimed by one person, and every act has a date and a name."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlmodel import Session

from flows import casework
from storage.database import Database
from storage.referrals import lifecycle
from storage.referrals.lifecycle import (
    NotReferralOwner,
    QueueEntry,
    ReferenceTaken,
    ReferralErased,
    ReferralStep,
    UnknownReferral,
)
from storage.vault import Vault
from tests.support.builders import DAY, HOUR, NOW, make_record, store_answers

ONE, TWO = "AAAA-CCCC", "DDDD-EEEE"
NEXT_WEEK = NOW + 7 * DAY


@pytest.fixture
def conn(database: Database) -> Iterator[Connection]:
    with database.transaction() as connection:
        yield connection


@pytest.fixture
def one(conn: Connection, vault: Vault) -> str:
    assert lifecycle.hand_over(conn, vault, make_record(ONE), None, NOW)
    return ONE


def queue(conn: Connection, vault: Vault, include_closed: bool = False) -> list[QueueEntry]:
    return lifecycle.list_queue(Session(conn), vault, NOW, include_closed)


def only_entry(conn: Connection, vault: Vault) -> QueueEntry:
    (only,) = queue(conn, vault, include_closed=True)
    return only


def steps(conn: Connection, vault: Vault) -> list[ReferralStep]:
    return lifecycle.list_steps(Session(conn), vault, ONE)


def acts(conn: Connection, vault: Vault) -> list[tuple[str, str]]:
    return [(step.act, step.who) for step in steps(conn, vault)]


def take_step(
    conn: Connection, vault: Vault, act: str, who: str = "Ann", note: str = "", to: str = ""
) -> str:
    until = NEXT_WEEK if act == "snooze" else None
    return lifecycle.perform_act(conn, vault, ONE, act, who, NOW, note, until, to)


# Handing over


def test_a_record_goes_into_its_queue(conn: Connection, vault: Vault, one: str) -> None:
    found = only_entry(conn, vault)
    assert (found.reference, found.queue, found.provider) == (ONE, "adults", "kent")
    assert (found.stage, found.owner, found.late) == ("new", None, False)
    assert (found.due, found.zone) == (NOW + DAY, "Europe/London")
    assert found.flags == ("unsafe_to_call",)
    assert acts(conn, vault) == [("handed_over", "person")]


def test_handing_over_again_changes_nothing(conn: Connection, vault: Vault, one: str) -> None:
    again = replace(make_record(ONE), sent_at=NOW + HOUR, urgent=True)
    assert not lifecycle.hand_over(conn, vault, again, None, NOW)
    assert not only_entry(conn, vault).urgent


def test_two_people_can_never_share_a_reference(database: Database, vault: Vault) -> None:
    amina, ben = store_answers(database, vault, "amina"), store_answers(database, vault, "ben")
    with database.transaction() as conn:
        assert lifecycle.hand_over(conn, vault, make_record(ONE), amina, NOW)
        assert not lifecycle.hand_over(conn, vault, make_record(ONE), amina, NOW)
        with pytest.raises(ReferenceTaken):
            lifecycle.hand_over(conn, vault, make_record(ONE), ben, NOW)
        with pytest.raises(ReferenceTaken):
            lifecycle.hand_over(conn, vault, make_record(ONE), None, NOW)


def test_the_record_is_read_back_whole(conn: Connection, vault: Vault, one: str) -> None:
    assert lifecycle.open_record(conn, vault, ONE, "Ann", NOW) == make_record(ONE)
    lifecycle.open_record(conn, vault, ONE, "Raj", NOW)
    assert acts(conn, vault)[1:] == [("opened", "Ann"), ("opened", "Raj")]


def test_a_turn_that_fails_hands_nothing_over(database: Database, vault: Vault) -> None:
    with pytest.raises(RuntimeError), database.transaction() as conn:
        lifecycle.hand_over(conn, vault, make_record(ONE), None, NOW)
        raise RuntimeError
    with database.session() as session:
        assert lifecycle.list_queue(session, vault, NOW) == []


# The queue


def test_first_the_unseen_then_the_urgent_then_by_due_time(conn: Connection, vault: Vault) -> None:
    for reference, days, urgent in (
        ("LATE", -1, False),
        ("SOON", 1, False),
        ("URGT", 3, True),
        ("GONE", 5, False),
        ("FLAG", 6, False),
    ):
        record = make_record(reference, NOW + days * DAY, urgent)
        lifecycle.hand_over(conn, vault, record, None, NOW)
    lifecycle.stop_contact(conn, "GONE", "withdraw", NOW)
    lifecycle.raise_flag(conn, vault, "FLAG", "in_danger", NOW)
    found = queue(conn, vault)
    assert [one.reference for one in found] == ["FLAG", "GONE", "URGT", "LATE", "SOON"]
    assert [one.late for one in found] == [False, False, False, True, False]
    lifecycle.open_record(conn, vault, "GONE", "Ann", NOW)
    assert queue(conn, vault)[0].reference == "FLAG"


def test_a_closed_referral_leaves_the_queue_but_not_the_books(
    conn: Connection, vault: Vault, one: str
) -> None:
    take_step(conn, vault, "claim")
    take_step(conn, vault, "declined")
    assert queue(conn, vault) == []
    assert only_entry(conn, vault).stage == "closed"


# Claiming


def test_a_claim_lasts_until_the_promise(conn: Connection, vault: Vault, one: str) -> None:
    assert lifecycle.claim(conn, ONE, "Ann", NOW)
    assert not lifecycle.claim(conn, ONE, "Raj", NOW)
    found = only_entry(conn, vault)
    assert (found.stage, found.owner, found.lease_until) == ("claimed", "Ann", NOW + DAY)
    assert acts(conn, vault)[1:] == [("claim", "Ann")]


def test_claiming_twice_is_one_claim(conn: Connection, vault: Vault, one: str) -> None:
    assert lifecycle.claim(conn, ONE, "Ann", NOW)
    assert lifecycle.claim(conn, ONE, "Ann", NOW)
    assert acts(conn, vault)[1:] == [("claim", "Ann")]


def test_after_the_promise_a_claim_lasts_four_hours(
    conn: Connection, vault: Vault, one: str
) -> None:
    late = NOW + 3 * DAY
    in_delhi = late.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert lifecycle.claim(conn, ONE, "Ann", in_delhi)
    assert only_entry(conn, vault).lease_until == late + 4 * HOUR


def test_an_unworked_claim_returns(conn: Connection, vault: Vault, one: str) -> None:
    lifecycle.claim(conn, ONE, "Ann", NOW)
    lifecycle.open_record(conn, vault, ONE, "Ann", NOW)
    assert lifecycle.release_expired_leases(conn, NOW + 23 * HOUR) == []
    assert lifecycle.release_expired_leases(conn, NOW + DAY) == [ONE]
    assert lifecycle.release_expired_leases(conn, NOW + DAY) == []
    found = only_entry(conn, vault)
    assert (found.stage, found.owner, found.lease_until) == ("new", None, None)
    assert acts(conn, vault)[-1] == ("lease_ended", "clock")
    assert lifecycle.claim(conn, ONE, "Raj", NOW + DAY)


def test_a_worked_claim_stays(conn: Connection, vault: Vault, one: str) -> None:
    lifecycle.claim(conn, ONE, "Ann", NOW)
    take_step(conn, vault, "no_answer")
    assert lifecycle.release_expired_leases(conn, NOW + 30 * DAY) == []
    assert only_entry(conn, vault).owner == "Ann"


def test_the_next_in_line_is_never_on_hold_or_without_contact(
    conn: Connection, vault: Vault
) -> None:
    urgent = make_record("URGT", NOW + 3 * DAY, urgent=True)
    held = replace(make_record("HELD", urgent=True), hold=True)
    silent = replace(make_record("MUTE", urgent=True), may_contact=False)
    for record in (make_record(ONE), held, silent, urgent):
        lifecycle.hand_over(conn, vault, record, None, NOW)
    assert [lifecycle.claim_next(conn, "Ann", NOW) for _ in range(3)] == ["URGT", ONE, None]
    assert lifecycle.claim(conn, "HELD", "Ann", NOW)


def test_a_reference_nobody_has_is_unknown(conn: Connection, vault: Vault) -> None:
    for try_it in (
        lambda: lifecycle.claim(conn, ONE, "Ann", NOW),
        lambda: take_step(conn, vault, "claim"),
        lambda: lifecycle.open_record(conn, vault, ONE, "Ann", NOW),
        lambda: steps(conn, vault),
        lambda: lifecycle.raise_flag(conn, vault, ONE, "in_danger", NOW),
        lambda: lifecycle.stop_contact(conn, ONE, "withdraw", NOW),
    ):
        with pytest.raises(UnknownReferral):
            try_it()


def test_a_thousand_racing_claims_have_one_winner_each(
    database: Database, file: Path, vault: Vault
) -> None:
    references = [f"R{n:03}" for n in range(50)]
    with database.transaction() as conn:
        for reference in references:
            lifecycle.hand_over(conn, vault, make_record(reference), None, NOW)
    with ExitStack() as all_of_them:
        racers = [Database(f"sqlite:///{file}") for _ in range(8)]
        for racer in racers:
            all_of_them.callback(racer.close)
        start = threading.Barrier(8)
        wins = _race(racers, references, start)
    assert sorted(wins) == references
    with database.session() as session:
        for found in lifecycle.list_queue(session, vault, NOW):
            claims = [
                taken.who
                for taken in lifecycle.list_steps(session, vault, found.reference)
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
            with racers[mine].transaction() as conn:
                if lifecycle.claim(conn, reference, who, NOW):
                    won.append(reference)
        return won

    with ThreadPoolExecutor(len(racers)) as threads:
        return [reference for won in threads.map(run, range(len(racers))) for reference in won]


# Acts


def test_each_act_is_a_dated_step_with_a_name(conn: Connection, vault: Vault, one: str) -> None:
    take_step(conn, vault, "claim")
    lifecycle.perform_act(
        conn, vault, ONE, "not_now", "Ann", NOW + HOUR, "Call after work", until=NEXT_WEEK
    )
    last = steps(conn, vault)[-1]
    assert last == ReferralStep(
        "not_now", "Ann", NOW + HOUR, "waiting", "Call after work", NEXT_WEEK
    )
    assert only_entry(conn, vault).until == NEXT_WEEK


def test_only_the_owner_acts(conn: Connection, vault: Vault, one: str) -> None:
    take_step(conn, vault, "claim", "Ann")
    for act in ("spoke", "close", "claim", "hand_back"):
        with pytest.raises(NotReferralOwner):
            take_step(conn, vault, act, "Raj")
    assert acts(conn, vault)[1:] == [("claim", "Ann")]


def test_an_act_that_does_not_start_from_here_is_refused(
    conn: Connection, vault: Vault, one: str
) -> None:
    for act in ("spoke", "erase", "withdraw", "ask_to_delete", "lease_ended", "dance"):
        with pytest.raises(casework.InvalidTransition):
            take_step(conn, vault, act)
    assert acts(conn, vault) == [("handed_over", "person")]


@pytest.mark.parametrize("path", ["", "claim", "claim spoke", "claim no_answer", "claim close"])
def test_every_allowed_act_can_be_taken(conn: Connection, vault: Vault, path: str) -> None:
    lifecycle.hand_over(conn, vault, make_record(ONE), None, NOW)
    stage = "new"
    for act in path.split():
        stage = take_step(conn, vault, act)
    for act in casework.allowed_acts(stage):
        undo = conn.begin_nested()
        assert take_step(conn, vault, act, to="Raj") == casework.stage_after(stage, act)
        undo.rollback()


def test_a_transfer_needs_a_name_and_starts_a_new_lease(
    conn: Connection, vault: Vault, one: str
) -> None:
    take_step(conn, vault, "claim")
    take_step(conn, vault, "spoke")
    with pytest.raises(casework.InvalidTransition):
        take_step(conn, vault, "transfer")
    assert take_step(conn, vault, "transfer", to="Raj") == "claimed"
    found = only_entry(conn, vault)
    assert (found.owner, found.lease_until) == ("Raj", NOW + DAY)


def test_handing_back_frees_it_for_others(conn: Connection, vault: Vault, one: str) -> None:
    take_step(conn, vault, "claim", "Ann")
    assert take_step(conn, vault, "hand_back", "Ann") == "new"
    assert take_step(conn, vault, "claim", "Raj") == "claimed"


# What the person does


@pytest.mark.parametrize(("act", "stage"), [("withdraw", "withdrawn"), ("ask_to_delete", "paused")])
def test_when_the_person_says_stop_contact_stops(
    conn: Connection, vault: Vault, one: str, act: str, stage: str
) -> None:
    take_step(conn, vault, "claim")
    lifecycle.stop_contact(conn, ONE, act, NOW)
    found = only_entry(conn, vault)
    assert (found.stage, found.owner, found.may_contact, found.unseen) == (
        stage,
        None,
        False,
        True,
    )
    assert found.lease_until is None
    assert acts(conn, vault)[-1] == (act, "person")
    assert queue(conn, vault) == [found]


def test_contact_stops_even_when_the_referral_is_closed(
    conn: Connection, vault: Vault, one: str
) -> None:
    take_step(conn, vault, "claim")
    take_step(conn, vault, "close")
    lifecycle.stop_contact(conn, ONE, "withdraw", NOW)
    found = only_entry(conn, vault)
    assert (found.stage, found.may_contact, found.unseen) == ("closed", False, True)
    assert queue(conn, vault) == [found]


def test_who_withdrew_before_asking_to_delete_is_not_contacted_again(
    conn: Connection, vault: Vault, one: str
) -> None:
    lifecycle.stop_contact(conn, one, "withdraw", NOW)
    lifecycle.stop_contact(conn, one, "ask_to_delete", NOW)
    assert take_step(conn, vault, "still_wanted") == "new"
    assert not only_entry(conn, vault).may_contact


def test_after_a_check_that_it_is_still_wanted_contact_is_allowed_again(
    conn: Connection, vault: Vault, one: str
) -> None:
    lifecycle.stop_contact(conn, ONE, "ask_to_delete", NOW)
    assert take_step(conn, vault, "still_wanted") == "new"
    found = only_entry(conn, vault)
    assert (found.may_contact, found.unseen) == (True, False)


def test_a_flag_is_added_once(conn: Connection, vault: Vault, one: str) -> None:
    lifecycle.raise_flag(conn, vault, ONE, "in_danger", NOW)
    lifecycle.raise_flag(conn, vault, ONE, "in_danger", NOW)
    assert only_entry(conn, vault).flags == ("unsafe_to_call", "in_danger")


def test_erasing_leaves_the_bare_steps(conn: Connection, vault: Vault, one: str) -> None:
    take_step(conn, vault, "claim")
    take_step(conn, vault, "spoke", note="She is at her sister's")
    take_step(conn, vault, "close")
    assert take_step(conn, vault, "erase", "Raj") == "erased"
    found = only_entry(conn, vault)
    assert (found.stage, found.flags, found.owner) == ("erased", (), None)
    assert {taken.note for taken in steps(conn, vault)} == {""}
    assert acts(conn, vault)[-1] == ("erase", "Raj")
    with pytest.raises(ReferralErased):
        lifecycle.open_record(conn, vault, ONE, "Ann", NOW)
    lifecycle.stop_contact(conn, ONE, "withdraw", NOW)
    lifecycle.raise_flag(conn, vault, ONE, "in_danger", NOW)
    assert only_entry(conn, vault) == found
