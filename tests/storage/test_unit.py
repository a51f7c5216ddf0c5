"""The unit of work: rows that are added go together, and before anybody looks for them."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from flows.vocabulary import OutboxKind
from storage.chats import dead_letters, message_ids, outbox
from storage.database import Database
from storage.tables import MESSAGE, OUTBOX
from storage.unit import Unit
from tests.support.builders import NOW


def row_count(unit: Unit) -> int:
    return int(unit.conn.scalar(select(func.count()).select_from(OUTBOX)) or 0)


def enqueue(unit: Unit, text: str) -> str:
    return outbox.enqueue(unit, "email", OutboxKind.ALERT, {"text": text})


def test_a_query_sees_what_was_added_before_it(database: Database) -> None:
    with database.unit(NOW) as unit:
        enqueue(unit, "one")
        assert row_count(unit) == 1
        enqueue(unit, "two")
        assert [one.body["text"] for one in outbox.due_outbox_items(unit, ["email"])] == [
            "one",
            "two",
        ]


def test_what_was_added_is_written_at_the_end_or_not_at_all(database: Database) -> None:
    with database.unit(NOW) as unit:
        enqueue(unit, "kept")
    with pytest.raises(ZeroDivisionError), database.unit(NOW) as unit:
        enqueue(unit, "lost")
        raise ZeroDivisionError
    with pytest.raises(IntegrityError), database.unit(NOW) as unit:
        enqueue(unit, "lost too")
        message_ids.add_message_id(unit, "no such chat", "1", False)
    with database.reading(NOW) as unit:
        assert row_count(unit) == 1
        assert unit.conn.execute(select(MESSAGE)).all() == []


def test_a_savepoint_undoes_what_was_added_inside_and_nothing_else(database: Database) -> None:
    with database.unit(NOW) as unit:
        enqueue(unit, "before")
        with pytest.raises(ZeroDivisionError), unit.savepoint():
            enqueue(unit, "inside")
            raise ZeroDivisionError
        with pytest.raises(IntegrityError), unit.savepoint():
            message_ids.add_message_id(unit, "no such chat", "1", False)
        enqueue(unit, "after")
    with database.reading(NOW) as unit:
        found = dead_letters.list_undelivered(unit)
    assert [one.body["text"] for one in found] == ["before", "after"]
