"""What must go out goes in order within a chat, is tried again, and leaves no words behind."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, select, update

from flows.vocabulary import OutboxKind
from storage.chats import outbox
from storage.chats.conversations import close_chat, reopen_chat
from storage.chats.outbox import OutboxItem, OutboxPriority, SendOptions
from storage.database import Database
from storage.reports import daily_counters
from storage.tables import OUTBOX
from storage.unit import Unit
from tests.support.builders import CHANNELS, HOUR, MINUTE, NOW, store_answers
from tests.support.counters import list_counters


@pytest.fixture
def amina(database: Database) -> str:
    return store_answers(database, "4915112345")


@pytest.fixture
def ben(database: Database) -> str:
    return store_answers(database, "4915199999")


@pytest.fixture
def unit(amina: str, ben: str, database: Database) -> Iterator[Unit]:
    """Give one transaction, once both chats are stored."""
    with database.unit() as own:
        yield own


URGENT = SendOptions(priority=OutboxPriority.URGENT)


def put(unit: Unit, text: str, chat_id: str | None) -> str:
    return outbox.enqueue(unit, "telegram", OutboxKind.SAY, {"text": text}, chat_id)


def texts(rows: list[OutboxItem]) -> list[str]:
    return [str(row.body["text"]) for row in rows]


def test_one_at_a_time_in_each_chat(unit: Unit, amina: str, ben: str) -> None:
    for text, chat in (("a1", amina), ("a2", amina), ("b1", ben), ("b2", ben)):
        put(unit, text, chat)
    first = outbox.due_outbox_items(unit, CHANNELS)
    assert texts(first) == ["a1", "b1"]
    assert (first[0].address, first[0].kind, first[0].attempts) == ("4915112345", "say", 0)
    outbox.mark_sent(unit, first[0].id)
    assert texts(outbox.due_outbox_items(unit, CHANNELS)) == ["a2", "b1"]


def test_what_is_urgent_overtakes_other_messages_of_its_chat(
    unit: Unit, amina: str, ben: str
) -> None:
    for text in ("a1", "a2"):
        put(unit, text, amina)
    outbox.enqueue(unit, "telegram", OutboxKind.SAY, {"text": "999"}, amina, URGENT)
    put(unit, "b1", ben)
    found = outbox.due_outbox_items(unit, CHANNELS)
    assert texts(found) == ["999", "b1"]
    assert [one.has_more for one in found] == [True, False]
    outbox.mark_sent(unit, found[0].id)
    assert texts(outbox.due_outbox_items(unit, CHANNELS)) == ["a1", "b1"]


def test_what_is_urgent_waits_for_no_retry_but_for_a_chat_to_be_cleared(
    unit: Unit, amina: str
) -> None:
    outbox.schedule_retry(unit, put(unit, "a1", amina), NOW + MINUTE, "flood")
    clear = outbox.enqueue(unit, "telegram", OutboxKind.CLEAR, {"text": "clear"}, amina)
    outbox.enqueue(unit, "telegram", OutboxKind.SAY, {"text": "999"}, amina, URGENT)
    later = replace(unit, now=NOW + MINUTE)
    assert texts(outbox.due_outbox_items(unit, CHANNELS)) == []
    assert texts(outbox.due_outbox_items(later, CHANNELS)) == ["a1"], "and then the clearing"
    outbox.mark_sent(unit, clear)
    assert texts(outbox.due_outbox_items(unit, CHANNELS)) == ["999"]
    assert texts(outbox.due_outbox_items(later, CHANNELS)) == ["999"]


@pytest.mark.usefixtures("file")
def test_what_has_priority_is_first_of_all_chats_by_an_index(
    unit: Unit, amina: str, ben: str
) -> None:
    new = SendOptions(priority=OutboxPriority.FIRST_CONTACT)
    outbox.enqueue(unit, "telegram", OutboxKind.SAY, {"text": "new"}, amina, new)
    put(unit, "staff", None)
    outbox.enqueue(unit, "telegram", OutboxKind.SAY, {"text": "999"}, ben, URGENT)
    assert texts(outbox.due_outbox_items(unit, CHANNELS)) == ["999", "staff", "new"]
    seen: list[tuple[str, tuple[Any, ...]]] = []
    event.listen(unit.unflushed, "before_cursor_execute", lambda *told: seen.append(told[2:4]))
    outbox.due_outbox_items(unit, CHANNELS)
    [(statement, parameters)] = seen
    plan = unit.unflushed.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    assert any("ix_outbox_stage_priority_n" in row.detail for row in plan)
    assert not any("B-TREE" in row.detail for row in plan), "nothing is sorted"


def test_prompts_that_wait_make_room_and_nothing_else_does(unit: Unit, amina: str) -> None:
    put(unit, "receipt", amina)
    outbox.enqueue(unit, "telegram", OutboxKind.SAY, {"text": "q"}, amina, SendOptions(prompts=1))
    outbox.delete_prompts(unit, amina)
    assert texts(outbox.list_unsent_for_chat(unit, amina)) == ["receipt"]


def test_what_is_sent_leaves_no_words(unit: Unit, amina: str) -> None:
    outbox.mark_sent(unit, put(unit, "a1", amina))
    assert unit.conn.execute(select(OUTBOX.c.body, OUTBOX.c.stage)).all() == [(None, "sent")]
    assert outbox.due_outbox_items(unit, CHANNELS) == []


def test_a_row_to_be_tried_again_holds_up_its_chat(unit: Unit, amina: str, ben: str) -> None:
    a1 = put(unit, "a1", amina)
    put(unit, "a2", amina)
    put(unit, "b1", ben)
    outbox.schedule_retry(unit, a1, NOW + MINUTE, "flood")
    assert texts(outbox.due_outbox_items(unit, CHANNELS)) == ["b1"]
    again = outbox.due_outbox_items(replace(unit, now=NOW + MINUTE), CHANNELS)
    assert texts(again) == ["a1", "b1"]
    assert again[0].attempts == 1


def test_something_for_later_holds_nobody_up(unit: Unit, amina: str) -> None:
    remind = {"text": "later"}
    outbox.enqueue(unit, "telegram", OutboxKind.DELETE, remind, amina, SendOptions(NOW + HOUR))
    put(unit, "a1", amina)
    assert texts(outbox.due_outbox_items(unit, CHANNELS)) == ["a1"]
    assert texts(outbox.due_outbox_items(replace(unit, now=NOW + HOUR), CHANNELS)) == ["later"]


def test_giving_up_is_counted_and_the_chat_goes_on(unit: Unit, amina: str) -> None:
    a1 = put(unit, "a1", amina)
    put(unit, "a2", amina)
    outbox.give_up(unit, a1)
    outbox.give_up(unit, a1)
    assert texts(outbox.due_outbox_items(unit, CHANNELS)) == ["a2"]
    assert unit.conn.execute(select(OUTBOX.c.body).where(OUTBOX.c.id == a1)).scalar_one() is None
    assert list_counters(unit) == [(NOW.date(), "outbox", "given_up", 1)]


def test_a_closed_chat_waits(unit: Unit, amina: str) -> None:
    put(unit, "a1", amina)
    close_chat(unit, amina)
    assert outbox.due_outbox_items(unit, CHANNELS) == []
    reopen_chat(unit, amina)
    assert texts(outbox.due_outbox_items(unit, CHANNELS)) == ["a1"]


def test_what_is_not_sent_can_be_dropped(unit: Unit, amina: str, ben: str) -> None:
    outbox.mark_sent(unit, put(unit, "a1", amina))
    put(unit, "a2", amina)
    put(unit, "b1", ben)
    outbox.delete_unsent_for_chat(unit, amina)
    assert texts(outbox.due_outbox_items(unit, CHANNELS)) == ["b1"]


def test_alerts_for_staff_have_no_chat_and_no_order(unit: Unit) -> None:
    for text in ("one", "two"):
        outbox.enqueue(unit, "email", OutboxKind.ALERT, {"text": text})
    rows = outbox.due_outbox_items(unit, ["email"])
    assert texts(rows) == ["one", "two"]
    assert {row.address for row in rows} == {""}
    assert outbox.due_outbox_items(unit, ["telegram"]) == []


def test_a_row_that_cannot_be_opened_holds_nobody_up(
    unit: Unit, amina: str, ben: str, caplog: pytest.LogCaptureFixture
) -> None:
    bad = put(unit, "a1", amina)
    put(unit, "b1", ben)
    unit.conn.execute(update(OUTBOX).where(OUTBOX.c.id == bad).values(body=b"nonsense"))
    assert texts(outbox.due_outbox_items(unit, CHANNELS)) == ["b1"]
    assert [record.msg for record in caplog.records] == ["row_unreadable"]


def test_words_cannot_be_sent_to_another_chat(unit: Unit, amina: str, ben: str) -> None:
    put(unit, "for Amina", amina)
    unit.conn.execute(update(OUTBOX).values(chat_id=ben))
    assert outbox.due_outbox_items(unit, CHANNELS) == []


def test_daily_counts_add_up(database: Database) -> None:
    with database.unit() as unit:
        for key in ("en", "pl", "en"):
            daily_counters.increment_counter(unit, "language", key)
    with database.reading() as unit:
        counted = [(key, count) for _, _, key, count in list_counters(unit)]
    assert counted == [("en", 2), ("pl", 1)]
