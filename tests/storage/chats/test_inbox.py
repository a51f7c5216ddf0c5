"""What comes in is saved once, handled in order, and one bad row never stops the others."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random

import pytest
from sqlalchemy import select, update

from storage.chats import inbox
from storage.chats.inbox import Arrival
from storage.tables import INBOX
from storage.unit import Unit
from tests.support.builders import CHANNELS, HOUR, NOW
from tests.support.counters import list_counters


def arrival(n: int, chat: str = "amina") -> Arrival:
    return Arrival(str(n), chat, {"update_id": n, "text": f"words {n}"})


def numbers(rows: list[inbox.InboxItem]) -> list[int]:
    return [int(row.body["update_id"]) for row in rows]


@contextmanager
def broken(unit: Unit, n: int) -> Iterator[None]:
    """Spoil the sealed body of the nth row for a while."""
    row = (INBOX.c.n == n,)
    whole = unit.conn.execute(select(INBOX.c.body).where(*row)).scalar_one()
    unit.conn.execute(update(INBOX).where(*row).values(body=whole[:-1]))
    yield
    unit.conn.execute(update(INBOX).where(*row).values(body=whole))


def test_what_came_in_waits_in_order(unit: Unit) -> None:
    assert inbox.enqueue_arrivals(unit, "telegram", [arrival(3), arrival(1), arrival(2)]) == 3
    rows = inbox.due_inbox_items(unit, CHANNELS)
    assert numbers(rows) == [3, 1, 2]
    assert rows[0].body == {"update_id": 3, "text": "words 3"}
    assert (rows[0].channel, rows[0].attempts) == ("telegram", 0)


def test_ten_thousand_shuffled_repeats_are_kept_once(unit: Unit) -> None:
    dice = Random(5)
    once = [arrival(n) for n in range(200)]
    again = [dice.choice(once) for _ in range(10_000)]
    kept = sum(
        inbox.enqueue_arrivals(unit, "telegram", again[start : start + 100])
        for start in range(0, 10_000, 100)
    )
    assert kept == len({one.idempotency_key for one in again})
    assert len(inbox.due_inbox_items(unit, CHANNELS, limit=1000)) == kept


def test_a_repeat_after_it_was_handled_is_still_a_repeat(unit: Unit) -> None:
    inbox.enqueue_arrivals(unit, "telegram", [arrival(1)])
    inbox.mark_answered(
        unit,
        [row.id for row in inbox.due_inbox_items(unit, CHANNELS)],
    )
    assert inbox.enqueue_arrivals(unit, "telegram", [arrival(1)]) == 0
    assert inbox.due_inbox_items(unit, CHANNELS) == []


def test_the_same_number_with_other_words_is_new(unit: Unit) -> None:
    inbox.enqueue_arrivals(unit, "telegram", [arrival(1)])
    renumbered = Arrival("1", "amina", {"update_id": 1, "text": "something else"})
    assert inbox.enqueue_arrivals(unit, "telegram", [renumbered]) == 1
    assert inbox.enqueue_arrivals(unit, "web", [arrival(1)]) == 1


def test_handled_rows_lose_their_bodies(unit: Unit) -> None:
    inbox.enqueue_arrivals(unit, "telegram", [arrival(n) for n in range(450)])
    inbox.mark_answered(
        unit,
        [row.id for row in inbox.due_inbox_items(unit, CHANNELS, limit=500)],
    )
    assert set(unit.conn.scalars(select(INBOX.c.body))) == {None}


def test_a_failed_row_holds_up_its_own_chat_only(unit: Unit) -> None:
    both = [arrival(1), arrival(2, "ben"), arrival(3), arrival(4, "ben")]
    inbox.enqueue_arrivals(unit, "telegram", both)
    first = inbox.due_inbox_items(unit, CHANNELS)[0]
    assert inbox.record_failure(unit, first.id) == 1
    assert numbers(inbox.due_inbox_items(unit, CHANNELS)) == [2, 4]
    assert numbers(inbox.due_inbox_items(replace(unit, now=NOW + HOUR), CHANNELS)) == [1, 2, 3, 4]


def test_what_came_before_a_failed_row_is_not_held_up(unit: Unit) -> None:
    inbox.enqueue_arrivals(unit, "telegram", [arrival(1), arrival(2), arrival(3)])
    inbox.record_failure(unit, inbox.due_inbox_items(unit, CHANNELS)[1].id)
    assert numbers(inbox.due_inbox_items(unit, CHANNELS)) == [1]


def test_after_three_failures_it_is_set_aside_and_the_chat_goes_on(unit: Unit) -> None:
    inbox.enqueue_arrivals(unit, "telegram", [arrival(1), arrival(2)])
    bad = inbox.due_inbox_items(unit, CHANNELS)[0]
    assert [inbox.record_failure(unit, bad.id) for _ in range(3)] == [1, 2, 3]
    inbox.set_aside(unit, bad.id, "ValueError")
    assert numbers(inbox.due_inbox_items(unit, CHANNELS)) == [2]
    assert unit.conn.execute(select(INBOX.c.body).where(INBOX.c.id == bad.id)).scalar_one()


@pytest.mark.parametrize("position", [1, 2, 50, 99, 100])
def test_one_unreadable_row_in_a_hundred_is_set_aside_alone(unit: Unit, position: int) -> None:
    inbox.enqueue_arrivals(unit, "telegram", [arrival(n) for n in range(1, 101)])
    with broken(unit, position):
        rows = inbox.due_inbox_items(unit, CHANNELS)
    assert numbers(rows) == [n for n in range(1, 101) if n != position]
    assert len(inbox.due_inbox_items(unit, CHANNELS)) == 99


def test_an_unreadable_row_is_logged_and_counted_without_its_words(
    unit: Unit, caplog: pytest.LogCaptureFixture
) -> None:
    inbox.enqueue_arrivals(unit, "telegram", [arrival(1), arrival(2)])
    with broken(unit, 1):
        assert numbers(inbox.due_inbox_items(unit, CHANNELS)) == [2]
    assert inbox.due_inbox_items(unit, CHANNELS)[0].attempts == 0
    (entry,) = caplog.records
    assert (entry.name, entry.levelname, entry.msg) == ("rj.inbox", "ERROR", "row_set_aside")
    assert entry.__dict__["code"] == "VaultError"
    assert list_counters(unit) == [(NOW.date(), "inbox", "set_aside", 1)]
    stages = select(INBOX.c.stage).order_by(INBOX.c.n)
    assert list(unit.conn.scalars(stages)) == ["set_aside", "waiting"]


def test_rows_behind_many_unreadable_ones_are_found(unit: Unit) -> None:
    inbox.enqueue_arrivals(unit, "telegram", [arrival(1), arrival(2), arrival(3)])
    with broken(unit, 1), broken(unit, 2):
        assert numbers(inbox.due_inbox_items(unit, CHANNELS, limit=2)) == [3]


def test_half_a_surrogate_pair_is_kept(unit: Unit) -> None:
    odd = Arrival("1", "amina", {"text": "oh \ud83d no"})
    inbox.enqueue_arrivals(unit, "telegram", [odd])
    assert inbox.due_inbox_items(unit, CHANNELS)[0].body == odd.body
