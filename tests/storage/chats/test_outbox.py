"""What must go out goes in order within a chat, is tried again, and leaves no words behind."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, select, update
from sqlmodel import Session

from storage.chats import outbox
from storage.chats.conversations import close_chat, reopen_chat
from storage.chats.outbox import OutboxItem
from storage.database import Database
from storage.reports import daily_counters
from storage.tables import OUTBOX
from storage.vault import Vault
from tests.support.builders import CHANNELS, HOUR, MINUTE, NOW, store_answers


@pytest.fixture
def amina(database: Database, vault: Vault) -> str:
    return store_answers(database, vault, "4915112345")


@pytest.fixture
def ben(database: Database, vault: Vault) -> str:
    return store_answers(database, vault, "4915199999")


@pytest.fixture
def conn(amina: str, ben: str, database: Database) -> Iterator[Connection]:
    with database.transaction() as connection:
        yield connection


def put(conn: Connection, vault: Vault, text: str, chat_id: str | None) -> str:
    return outbox.enqueue(conn, vault, "telegram", "say", {"text": text}, NOW, chat_id)


def texts(rows: list[OutboxItem]) -> list[str]:
    return [str(row.body["text"]) for row in rows]


def test_one_at_a_time_in_each_chat(conn: Connection, vault: Vault, amina: str, ben: str) -> None:
    for text, chat in (("a1", amina), ("a2", amina), ("b1", ben), ("b2", ben)):
        put(conn, vault, text, chat)
    first = outbox.due_outbox_items(conn, vault, NOW, CHANNELS)
    assert texts(first) == ["a1", "b1"]
    assert (first[0].address, first[0].kind, first[0].attempts) == ("4915112345", "say", 0)
    outbox.mark_sent(conn, first[0].id, NOW)
    assert texts(outbox.due_outbox_items(conn, vault, NOW, CHANNELS)) == ["a2", "b1"]


def test_what_is_sent_leaves_no_words(conn: Connection, vault: Vault, amina: str) -> None:
    outbox.mark_sent(conn, put(conn, vault, "a1", amina), NOW)
    assert conn.execute(select(OUTBOX.c.body, OUTBOX.c.stage)).all() == [(None, "sent")]
    assert outbox.due_outbox_items(conn, vault, NOW, CHANNELS) == []


def test_a_row_to_be_tried_again_holds_up_its_chat(
    conn: Connection, vault: Vault, amina: str, ben: str
) -> None:
    a1 = put(conn, vault, "a1", amina)
    put(conn, vault, "a2", amina)
    put(conn, vault, "b1", ben)
    outbox.schedule_retry(conn, a1, NOW + MINUTE, "flood")
    assert texts(outbox.due_outbox_items(conn, vault, NOW, CHANNELS)) == ["b1"]
    again = outbox.due_outbox_items(conn, vault, NOW + MINUTE, CHANNELS)
    assert texts(again) == ["a1", "b1"]
    assert again[0].attempts == 1


def test_something_for_later_holds_nobody_up(conn: Connection, vault: Vault, amina: str) -> None:
    remind = {"text": "tidy"}
    outbox.enqueue(conn, vault, "telegram", "tidy", remind, NOW, amina, not_before=NOW + HOUR)
    put(conn, vault, "a1", amina)
    assert texts(outbox.due_outbox_items(conn, vault, NOW, CHANNELS)) == ["a1"]
    assert texts(outbox.due_outbox_items(conn, vault, NOW + HOUR, CHANNELS)) == ["tidy"]


def test_giving_up_is_counted_and_the_chat_goes_on(
    conn: Connection, vault: Vault, amina: str
) -> None:
    a1 = put(conn, vault, "a1", amina)
    put(conn, vault, "a2", amina)
    outbox.give_up(conn, a1, NOW)
    outbox.give_up(conn, a1, NOW)
    assert texts(outbox.due_outbox_items(conn, vault, NOW, CHANNELS)) == ["a2"]
    assert conn.execute(select(OUTBOX.c.body).where(OUTBOX.c.id == a1)).scalar_one() is None
    assert [(one.key, one.n) for one in daily_counters.list_counters(Session(conn))] == [
        ("given_up", 1)
    ]


def test_a_closed_chat_waits(conn: Connection, vault: Vault, amina: str) -> None:
    put(conn, vault, "a1", amina)
    close_chat(conn, amina, NOW)
    assert outbox.due_outbox_items(conn, vault, NOW, CHANNELS) == []
    reopen_chat(conn, amina)
    assert texts(outbox.due_outbox_items(conn, vault, NOW, CHANNELS)) == ["a1"]


def test_what_is_not_sent_can_be_dropped(
    conn: Connection, vault: Vault, amina: str, ben: str
) -> None:
    outbox.mark_sent(conn, put(conn, vault, "a1", amina), NOW)
    put(conn, vault, "a2", amina)
    put(conn, vault, "b1", ben)
    outbox.delete_unsent_for_chat(conn, amina)
    assert texts(outbox.due_outbox_items(conn, vault, NOW, CHANNELS)) == ["b1"]


def test_alerts_for_staff_have_no_chat_and_no_order(conn: Connection, vault: Vault) -> None:
    for text in ("one", "two"):
        outbox.enqueue(conn, vault, "staff", "alert", {"text": text}, NOW)
    rows = outbox.due_outbox_items(conn, vault, NOW, ["staff"])
    assert texts(rows) == ["one", "two"]
    assert {row.address for row in rows} == {""}
    assert outbox.due_outbox_items(conn, vault, NOW, ["telegram"]) == []


def test_a_row_that_cannot_be_opened_holds_nobody_up(
    conn: Connection, vault: Vault, amina: str, ben: str
) -> None:
    bad = put(conn, vault, "a1", amina)
    put(conn, vault, "b1", ben)
    conn.execute(update(OUTBOX).where(OUTBOX.c.id == bad).values(body=b"nonsense"))
    assert texts(outbox.due_outbox_items(conn, vault, NOW, CHANNELS)) == ["b1"]


def test_words_cannot_be_sent_to_another_chat(
    conn: Connection, vault: Vault, amina: str, ben: str
) -> None:
    put(conn, vault, "for Amina", amina)
    conn.execute(update(OUTBOX).values(chat_id=ben))
    assert outbox.due_outbox_items(conn, vault, NOW, CHANNELS) == []


def test_daily_counts_add_up(database: Database) -> None:
    with database.transaction() as own:
        for key in ("en", "pl", "en"):
            daily_counters.increment_counter(own, NOW.date(), "language", key)
    with database.session() as session:
        counted = [(one.key, one.n) for one in daily_counters.list_counters(session)]
    assert counted == [("en", 2), ("pl", 1)]
