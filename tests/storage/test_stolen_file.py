"""Whoever takes the database file reads nothing that anybody said, in any writing."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from flows.pending import ConfirmUnconfirmedText
from flows.vocabulary import OutboxKind
from storage import retention
from storage.chats import inbox, message_ids, officers, outbox
from storage.chats.conversations import load_conversation, save_conversation
from storage.database import Database
from storage.referrals import acts, lifecycle
from storage.reports import missed_questions
from storage.tables import METADATA, MISSED_QUESTION
from tests.support.builders import CHANNELS, DAY, NOW, PC_KAUR, make_answer, make_record

SEALED = (
    "update",
    "address",
    "answer",
    "waiting",
    "officer",
    "message",
    "outgoing",
    "record",
    "note",
    "flag",
    "question",
)
CANARIES = {place: f"canary{n:02}{place}" for n, place in enumerate(SEALED)}


@pytest.fixture
def full(database: Database) -> Database:
    """Return a database with a canary in everything that is sealed."""
    said = CANARIES
    with database.unit(NOW) as unit:
        update_ = inbox.Arrival(said["update"], said["address"], {"text": said["update"]})
        inbox.enqueue_arrivals(unit, "telegram", [update_])
        before = load_conversation(unit, "telegram", said["address"])
        state = replace(
            before.conversation,
            answers=(make_answer("name", said["answer"]),),
            pending=ConfirmUnconfirmedText("name", said["waiting"]),
        )
        chat = save_conversation(unit, before, state).chat_id
        officer = replace(PC_KAUR, name=said["officer"])
        officers.save_officer(unit, chat, officer)
        officers.invite_officer(unit, officer)
        message_ids.add_message_id(unit, chat, said["message"], True)
        outbox.enqueue(unit, "telegram", OutboxKind.SAY, {"text": said["outgoing"]}, chat)
        record = replace(make_record("AAAA-CCCC"), consent=said["record"], flags=(said["flag"],))
        lifecycle.hand_over(unit, record, chat)
        acts.claim(unit, "AAAA-CCCC", "Ann")
        acts.perform_act(unit, "AAAA-CCCC", "spoke", "Ann", said["note"])
        missed_questions.add_missed_question(unit, said["question"])
    return database


def writings(word: str) -> Iterator[bytes]:
    """Give a word as UTF-8, UTF-16, hexadecimal, and the inside of its base64 at any offset."""
    plain = word.encode()
    yield plain
    yield word.encode("utf-16-le")
    yield word.encode("utf-16-be")
    yield plain.hex().encode()
    yield plain.hex().upper().encode()
    for offset in range(3):
        yield base64.b64encode(b" " * offset + plain)[4:-4]


def found_in(kept: bytes) -> set[str]:
    return {place for place, word in CANARIES.items() if any(one in kept for one in writings(word))}


def test_the_search_itself_finds_every_writing() -> None:
    for word in CANARIES.values():
        for one in writings(word):
            assert len(found_in(b"before" + one + b"after")) == 1


def test_a_stolen_file_holds_no_words(full: Database, file: Path) -> None:
    assert found_in(file.read_bytes()) == set()


def test_its_journal_holds_no_words_either(full: Database, file: Path) -> None:
    with full.unit(NOW) as unit:
        unit.conn.exec_driver_sql("PRAGMA cache_size=1")
        for table in METADATA.sorted_tables:
            column = next(iter(table.c))
            unit.conn.execute(update(table).values({column.name: column}))
        missed_questions.add_missed_question(unit, CANARIES["question"])
        unit.conn.exec_driver_sql("PRAGMA cache_spill=1")
        journal = file.with_name(file.name + "-journal").read_bytes()
        assert len(journal) > 512
        assert found_in(journal) == set()
        assert found_in(file.read_bytes()) == set()
    assert [kept.name for kept in file.parent.iterdir() if "rj.db" in kept.name] == ["rj.db"]


def test_the_words_are_really_in_there(full: Database, file: Path) -> None:
    with full.unit(NOW) as unit:
        (row,) = unit.conn.execute(select(MISSED_QUESTION)).all()
        (found,) = inbox.due_inbox_items(unit, CHANNELS)
    assert found.body == {"text": CANARIES["update"]}
    assert row.body in file.read_bytes()


def test_the_key_is_not_in_the_file(full: Database, file: Path, tmp_path: Path) -> None:
    keys = (tmp_path / "vault.json").read_text().split('"')
    kept = file.read_bytes()
    for word in keys:
        if len(word) > 40:
            assert word.encode() not in kept
            assert base64.b64decode(word) not in kept


def test_what_is_erased_is_gone_from_the_file(full: Database, file: Path) -> None:
    with full.unit(NOW + 180 * DAY) as unit:
        (row,) = unit.conn.execute(select(MISSED_QUESTION)).all()
        retention.sweep(unit)
    retention.erase_free_space(full)
    assert row.body[:40] not in file.read_bytes()
