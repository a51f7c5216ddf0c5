"""What comes in is saved once, handled in order, and one bad row never stops the others."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest
from sqlalchemy import Connection, select, update

from storage.chats import inbox
from storage.chats.inbox import Arrival
from storage.database import Database
from storage.tables import INBOX
from storage.vault import Vault
from tests.support.builders import CHANNELS, HOUR, NOW


def arrival(n: int, chat: str = "amina") -> Arrival:
    return Arrival(str(n), chat, {"update_id": n, "text": f"words {n}"})


def numbers(rows: list[inbox.InboxItem]) -> list[int]:
    return [int(row.body["update_id"]) for row in rows]


@pytest.fixture
def conn(database: Database) -> Iterator[Connection]:
    with database.transaction() as connection:
        yield connection


@contextmanager
def broken(conn: Connection, n: int) -> Iterator[None]:
    """Spoil the sealed body of the nth row for a while."""
    row = (INBOX.c.n == n,)
    whole = conn.execute(select(INBOX.c.body).where(*row)).scalar_one()
    conn.execute(update(INBOX).where(*row).values(body=whole[:-1]))
    yield
    conn.execute(update(INBOX).where(*row).values(body=whole))


def test_what_came_in_waits_in_order(conn: Connection, vault: Vault) -> None:
    assert (
        inbox.enqueue_arrivals(conn, vault, "telegram", [arrival(3), arrival(1), arrival(2)], NOW)
        == 3
    )
    rows = inbox.due_inbox_items(conn, vault, NOW, CHANNELS)
    assert numbers(rows) == [3, 1, 2]
    assert rows[0].body == {"update_id": 3, "text": "words 3"}
    assert (rows[0].channel, rows[0].attempts) == ("telegram", 0)


def test_ten_thousand_shuffled_repeats_are_kept_once(conn: Connection, vault: Vault) -> None:
    dice = Random(5)
    once = [arrival(n) for n in range(200)]
    again = [dice.choice(once) for _ in range(10_000)]
    kept = sum(
        inbox.enqueue_arrivals(conn, vault, "telegram", again[start : start + 100], NOW)
        for start in range(0, 10_000, 100)
    )
    assert kept == len({one.idempotency_key for one in again})
    assert len(inbox.due_inbox_items(conn, vault, NOW, CHANNELS, limit=1000)) == kept


def test_a_repeat_after_it_was_handled_is_still_a_repeat(conn: Connection, vault: Vault) -> None:
    inbox.enqueue_arrivals(conn, vault, "telegram", [arrival(1)], NOW)
    inbox.mark_answered(
        conn, [row.id for row in inbox.due_inbox_items(conn, vault, NOW, CHANNELS)], NOW
    )
    assert inbox.enqueue_arrivals(conn, vault, "telegram", [arrival(1)], NOW) == 0
    assert inbox.due_inbox_items(conn, vault, NOW, CHANNELS) == []


def test_the_same_number_with_other_words_is_new(conn: Connection, vault: Vault) -> None:
    inbox.enqueue_arrivals(conn, vault, "telegram", [arrival(1)], NOW)
    renumbered = Arrival("1", "amina", {"update_id": 1, "text": "something else"})
    assert inbox.enqueue_arrivals(conn, vault, "telegram", [renumbered], NOW) == 1
    assert inbox.enqueue_arrivals(conn, vault, "web", [arrival(1)], NOW) == 1


def test_handled_rows_lose_their_bodies(conn: Connection, vault: Vault) -> None:
    inbox.enqueue_arrivals(conn, vault, "telegram", [arrival(n) for n in range(450)], NOW)
    inbox.mark_answered(
        conn, [row.id for row in inbox.due_inbox_items(conn, vault, NOW, CHANNELS, limit=500)], NOW
    )
    assert set(conn.scalars(select(INBOX.c.body))) == {None}


def test_a_failed_row_holds_up_its_own_chat_only(conn: Connection, vault: Vault) -> None:
    both = [arrival(1), arrival(2, "ben"), arrival(3), arrival(4, "ben")]
    inbox.enqueue_arrivals(conn, vault, "telegram", both, NOW)
    first = inbox.due_inbox_items(conn, vault, NOW, CHANNELS)[0]
    assert inbox.record_failure(conn, first.id, NOW) == 1
    assert numbers(inbox.due_inbox_items(conn, vault, NOW, CHANNELS)) == [2, 4]
    assert numbers(inbox.due_inbox_items(conn, vault, NOW + HOUR, CHANNELS)) == [1, 2, 3, 4]


def test_what_came_before_a_failed_row_is_not_held_up(conn: Connection, vault: Vault) -> None:
    inbox.enqueue_arrivals(conn, vault, "telegram", [arrival(1), arrival(2), arrival(3)], NOW)
    inbox.record_failure(conn, inbox.due_inbox_items(conn, vault, NOW, CHANNELS)[1].id, NOW)
    assert numbers(inbox.due_inbox_items(conn, vault, NOW, CHANNELS)) == [1]


def test_after_three_failures_it_is_set_aside_and_the_chat_goes_on(
    conn: Connection, vault: Vault
) -> None:
    inbox.enqueue_arrivals(conn, vault, "telegram", [arrival(1), arrival(2)], NOW)
    bad = inbox.due_inbox_items(conn, vault, NOW, CHANNELS)[0]
    assert [inbox.record_failure(conn, bad.id, NOW) for _ in range(3)] == [1, 2, 3]
    inbox.set_aside(conn, bad.id, NOW)
    assert numbers(inbox.due_inbox_items(conn, vault, NOW, CHANNELS)) == [2]
    assert conn.execute(select(INBOX.c.body).where(INBOX.c.id == bad.id)).scalar_one()


@pytest.mark.parametrize("position", [1, 2, 50, 99, 100])
def test_one_unreadable_row_in_a_hundred_is_set_aside_alone(
    conn: Connection, vault: Vault, position: int
) -> None:
    inbox.enqueue_arrivals(conn, vault, "telegram", [arrival(n) for n in range(1, 101)], NOW)
    with broken(conn, position):
        rows = inbox.due_inbox_items(conn, vault, NOW, CHANNELS)
    assert numbers(rows) == [n for n in range(1, 101) if n != position]
    assert len(inbox.due_inbox_items(conn, vault, NOW, CHANNELS)) == 99


def test_rows_behind_many_unreadable_ones_are_found(conn: Connection, vault: Vault) -> None:
    inbox.enqueue_arrivals(conn, vault, "telegram", [arrival(1), arrival(2), arrival(3)], NOW)
    with broken(conn, 1), broken(conn, 2):
        assert numbers(inbox.due_inbox_items(conn, vault, NOW, CHANNELS, limit=2)) == [3]


def test_half_a_surrogate_pair_is_kept(conn: Connection, vault: Vault) -> None:
    odd = Arrival("1", "amina", {"text": "oh \ud83d no"})
    inbox.enqueue_arrivals(conn, vault, "telegram", [odd], NOW)
    assert inbox.due_inbox_items(conn, vault, NOW, CHANNELS)[0].body == odd.body
