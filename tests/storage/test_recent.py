"""Conversations in memory: only what was committed, only at its version, and not for ever."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from flows.conversation import Conversation
from storage import retention
from storage.chats import conversations
from storage.database import Database
from storage.recent import MAX_AGE, RecentConversation, RecentConversations
from storage.tables import CONVERSATION
from storage.unit import Unit
from tests.support.builders import NOW


def entry(version: int = 1) -> RecentConversation:
    return RecentConversation(version, Conversation(last_input_at=NOW), (), 0)


def save(unit: Unit, name: str, **changed: str) -> str:
    stored = conversations.load_conversation(unit, "telegram", name)
    changed_one = replace(stored.conversation, last_input_at=NOW, **changed)  # type: ignore[arg-type]
    return conversations.save_conversation(unit, stored, changed_one).conversation_id


def test_only_the_stored_version_is_found() -> None:
    recent = RecentConversations()
    recent.update({"a": entry(2)})
    assert recent.find("a", 2) == entry(2)
    assert recent.find("a", 1) is None
    assert recent.find("a", 3) is None
    assert recent.find("b", 2) is None


def test_the_ones_longest_ago_make_room() -> None:
    recent = RecentConversations(limit=2)
    recent.update({"a": entry(), "b": entry()})
    recent.update({"a": entry(2)})
    recent.update({"c": entry()})
    assert recent.find("b", 1) is None
    assert recent.find("a", 2)
    assert recent.find("c", 1)


def test_a_unit_that_fails_leaves_nothing_in_memory(database: Database) -> None:
    with database.unit(NOW) as unit:
        id = save(unit, "amina", language="en")
    with pytest.raises(ZeroDivisionError), database.unit(NOW) as unit:
        save(unit, "amina", language="undone")
        raise ZeroDivisionError
    with database.unit(NOW) as unit:
        with pytest.raises(ZeroDivisionError), unit.savepoint():
            save(unit, "amina", language="undone")
            raise ZeroDivisionError
        assert unit.saved == {}
        save(unit, "amina", language="en")
    assert database.recent.find(id, 2) is not None
    with database.reading(NOW) as unit:
        found = conversations.load_conversation(unit, "telegram", "amina")
    assert (found.version, found.conversation.language) == (2, "en")


def test_what_another_process_wrote_is_read_from_the_file(database: Database) -> None:
    with database.unit(NOW) as unit:
        id = save(unit, "amina", language="en")
        other = unit.seal(
            conversations.state_context(id),
            conversations.serialize_state(Conversation(language="other")),
        )
    with database.transaction() as connection:
        connection.execute(update(CONVERSATION).values(version=2, body=other))
    with database.reading(NOW) as unit:
        found = conversations.load_conversation(unit, "telegram", "amina")
    assert (found.version, found.conversation.language) == (2, "other")


def test_nothing_stays_in_memory_long_after_the_last_input(database: Database) -> None:
    with database.unit(NOW) as unit:
        id = save(unit, "amina")
    with database.unit(NOW + MAX_AGE) as unit:
        retention.sweep(unit)
    assert database.recent.find(id, 1)
    with database.unit(NOW + MAX_AGE + timedelta(seconds=1)) as unit:
        retention.sweep(unit)
    assert database.recent.find(id, 1) is None
