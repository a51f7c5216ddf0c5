"""Whoever takes the database file reads nothing that anybody said, in any writing.

The schema says what must be sealed: every column of bytes. Each holds a canary here, one that
is added without one fails by its name, and no canary is found in the file or a copy of it.
"""

import base64
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary, func, select, update

from flows.pending import ConfirmUnconfirmedText
from flows.vocabulary import OutboxKind
from storage import heartbeat, logbook, retention
from storage.accounts import api_keys, passkeys, sign_ins, staff
from storage.accounts.sign_ins import SignInMethod
from storage.backends.sqlite_driver import DRIVER
from storage.chats import (
    browser_sessions,
    inbox,
    message_ids,
    officers,
    one_time_links,
    outbox,
    screens,
)
from storage.chats.conversations import load_conversation, save_conversation
from storage.chats.one_time_links import LinkKind
from storage.database import Database
from storage.referrals import acts, contact_changes, lifecycle, search_index
from storage.referrals.contact_changes import ProposedContactChange
from storage.reports import daily_counters, exports, missed_questions, response_times
from storage.reports.exports import ExportSelection, ProposedExport
from storage.tables import MISSED_QUESTION
from storage.unit import Unit
from storage.vault import Vault
from storage.web_tables import METADATA, STAFF
from tests.support.builders import CHANNELS, DAY, NOW, PC_KAUR, make_answer, make_record

pytestmark = pytest.mark.usefixtures("journal")

TABLES = METADATA.sorted_tables
SEALED = [column for table in TABLES for column in table.c if isinstance(column.type, LargeBinary)]
"""Fingerprints and hashes are text in the schema, so every column of bytes is a sealed one."""
CANARIES = {str(column): f"canary{n:02}{column}" for n, column in enumerate(SEALED)}
CANARIES["system_state.body"] = NOW.isoformat()
"""By table and column. The system state holds no words: its canary is the time of the sweep."""
REFERENCE = "AAAA-CCCC"


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch) -> dict[bytes, str]:
    """Return what vaults seal during the test: each cell, and the text inside."""
    cells: dict[bytes, str] = {}
    seal = Vault.seal

    def remember(vault: Vault, text: str, context: str) -> bytes:
        cell = seal(vault, text, context)
        cells[cell] = text
        return cell

    monkeypatch.setattr(Vault, "seal", remember)
    return cells


@pytest.fixture
def full(database: Database, sealed: dict[bytes, str]) -> Database:
    """Return a database with a canary in every column that is sealed, and a row in every table."""
    with database.unit(NOW) as unit:
        heartbeat.record(unit)
        chat_id = _plant_chat(unit)
        _plant_referral(unit, chat_id)
        _plant_browser(unit)
        _plant_staff(unit)
    return database


def _plant_chat(unit: Unit) -> str:
    text, address = CANARIES["inbox.body"], CANARIES["chat.address"]
    inbox.enqueue_arrivals(unit, "telegram", [inbox.Arrival(text, address, {"text": text})])
    before = load_conversation(unit, "telegram", address)
    after = replace(
        before.conversation,
        answers=(make_answer("name", CANARIES["answer.body"]),),
        pending=ConfirmUnconfirmedText("name", CANARIES["conversation.body"]),
    )
    chat_id = save_conversation(unit, before, after).chat_id
    officers.save_officer(unit, chat_id, replace(PC_KAUR, name=CANARIES["officer.body"]))
    officers.invite_officer(unit, replace(PC_KAUR, name=CANARIES["invitation.body"]))
    message_ids.add_message_id(unit, chat_id, CANARIES["message.body"], True)
    reply = {"text": CANARIES["outbox.body"]}
    outbox.enqueue(unit, "telegram", OutboxKind.SAY, reply, chat_id)
    missed_questions.add_missed_question(unit, CANARIES["missed_question.body"])
    return chat_id


def _plant_referral(unit: Unit, chat_id: str) -> None:
    plain = make_record(REFERENCE)
    email = replace(plain.lines[0], question="email", value="amina@example.org")
    name = replace(plain.lines[0], value=CANARIES["search_shard.body"])
    record = replace(
        plain,
        lines=(name, *plain.lines, email),
        consent=CANARIES["referral.body"],
        flags=(CANARIES["referral.flags"],),
    )
    lifecycle.hand_over(unit, record, chat_id)
    acts.claim(unit, REFERENCE, "ann")
    acts.perform_act(unit, REFERENCE, "spoke", "ann", CANARIES["step.note"])
    assert search_index.index_new(unit) == 1
    assert response_times.recount(unit, lambda start, end: end - start) == 1
    number = CANARIES["contact_change.body"]
    proposed = ProposedContactChange("phone", number, number, "She rang")
    contact_changes.request_change(unit, REFERENCE, proposed, "ann")
    why = CANARIES["export.explanation"]
    wanted = ProposedExport("audit", why, ExportSelection("all"), 1, "csv")
    exports.request_export(unit, "ann", wanted, preapproved=False)


def _plant_browser(unit: Unit) -> None:
    address = CANARIES["browser_session.address"]
    browser_sessions.begin_browser_session(unit, "web", address)
    carried = {"text": CANARIES["one_time_link.body"]}
    one_time_links.issue_link(unit, LinkKind.PRIVATE_PAGE, "web", address, 30, carried)
    message = screens.ScreenMessage("", CANARIES["screen_message.body"])
    screens.add_screen_message(unit, "web", address, message)


def _plant_staff(unit: Unit) -> None:
    code = staff.invite_staff(unit, "ann", "mediator", "ada")
    id = staff.activate_account(unit, code, "$argon2id$", CANARIES["staff.totp_secret"]) or ""
    passkeys.add_passkey(unit, id, CANARIES["passkey.body"], "key", 0)
    sign_ins.begin_sign_in(unit, id, SignInMethod.PASSWORD)
    api_keys.issue_api_key(unit, "Cases", ("read:queue",), "ada")
    logbook.add_logbook_line(unit, "ada", "invite", "ann")
    daily_counters.increment_counter(unit, "asked", "self/name")


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


def not_sealed(unit: Unit, sealed: dict[bytes, str]) -> list[str]:
    """Return the columns of bytes that hold a cell which no vault sealed, or no canary."""
    found = []
    for column in SEALED:
        cells = unit.conn.scalars(select(column).where(column.is_not(None))).all()
        texts = [sealed.get(cell) for cell in cells]
        if None in texts or not any(CANARIES[str(column)] in (text or "") for text in texts):
            found.append(str(column))
    return found


def test_every_column_of_bytes_is_sealed_and_holds_its_canary(
    full: Database, sealed: dict[bytes, str]
) -> None:
    with full.reading() as unit:
        missing = not_sealed(unit, sealed)
    assert missing == [], f"Plant a canary in {', '.join(missing)}: see `full`."


@pytest.mark.parametrize("cell", [None, b"", b"canary", b"JBSWY3DPEHPK3PXP"])
def test_a_column_without_its_canary_is_named(
    full: Database, sealed: dict[bytes, str], cell: bytes | None
) -> None:
    with full.unit() as unit:
        unit.conn.execute(update(STAFF).values(totp_secret=cell))
        assert not_sealed(unit, sealed) == ["staff.totp_secret"]


def test_there_is_a_row_in_every_table(full: Database) -> None:
    with full.reading() as unit:
        count = {
            table.name: unit.conn.scalar(select(func.count()).select_from(table))
            for table in TABLES
        }
    assert [name for name, rows in count.items() if not rows] == []


def files_of(file: Path) -> list[Path]:
    """Return the database's file and what SQLite keeps beside it."""
    return [kept for kept in file.parent.iterdir() if kept.name.startswith(file.name)]


def stolen_bytes(file: Path) -> bytes:
    """Return all that a thief would have."""
    return b"".join(kept.read_bytes() for kept in files_of(file))


def test_a_stolen_file_holds_no_words(full: Database, file: Path) -> None:
    assert found_in(stolen_bytes(file)) == set()


def test_a_backup_and_a_dump_hold_no_words_either(
    full: Database, file: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "backup.db"
    with closing(DRIVER.connect(file)) as plain, closing(DRIVER.connect(copy)) as backup:
        plain.backup(backup)
    with closing(sqlite3.connect(copy)) as backup:
        dump = "\n".join(backup.iterdump()).encode()
    assert b"INSERT INTO" in dump
    assert found_in(copy.read_bytes()) == found_in(dump) == set()


def test_its_journal_holds_no_words_either(full: Database, file: Path, journal: str) -> None:
    with full.unit(NOW) as unit:
        unit.conn.exec_driver_sql("PRAGMA cache_size=1")
        for table in TABLES:
            column = next(iter(table.c))
            unit.conn.execute(update(table).values({column.name: column}))
        missed_questions.add_missed_question(unit, CANARIES["missed_question.body"])
        unit.conn.exec_driver_sql("PRAGMA cache_spill=1")
        kept_beside = "-wal" if journal == "wal" else "-journal"
        assert file.with_name(file.name + kept_beside).stat().st_size > 512
        assert found_in(stolen_bytes(file)) == set()
    full.close()
    assert files_of(file) == [file]


def test_the_words_are_really_in_there(full: Database, file: Path) -> None:
    with full.unit(NOW) as unit:
        (row,) = unit.conn.execute(select(MISSED_QUESTION)).all()
        (found,) = inbox.due_inbox_items(unit, CHANNELS)
    assert found.body == {"text": CANARIES["inbox.body"]}
    assert row.body in stolen_bytes(file)


def test_the_key_is_not_in_the_file(full: Database, file: Path, tmp_path: Path) -> None:
    keys = (tmp_path / "vault.json").read_text().split('"')
    kept = stolen_bytes(file)
    for word in keys:
        if len(word) > 40:
            assert word.encode() not in kept
            assert base64.b64decode(word) not in kept


def test_what_is_erased_is_gone_from_the_files(full: Database, file: Path, journal: str) -> None:
    with full.unit(NOW + 180 * DAY) as unit:
        (row,) = unit.conn.execute(select(MISSED_QUESTION)).all()
        retention.sweep(unit)
    assert row.body[:40] in stolen_bytes(file) or journal == "delete"
    assert full.backend.truncate_journal(), "which follows each sweep"
    assert row.body[:40] not in stolen_bytes(file)
    full.backend.erase_free_space()
    assert row.body[:40] not in stolen_bytes(file)
