"""A database that release 0.1 wrote opens as before: every row is read by the code of today."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine

from flows.officers import Officer
from flows.pending import ConfirmUnconfirmedText
from storage import heartbeat, key_check, logbook, migrations
from storage.accounts import api_keys, oidc_subjects, passkeys, sign_ins, staff
from storage.backends import UnsafeDatabase
from storage.chats import (
    browser_sessions,
    dead_letters,
    handoffs,
    inbox,
    message_ids,
    officer_registry,
    officers,
    one_time_links,
    outbox,
    screens,
)
from storage.chats.conversations import load_conversation
from storage.chats.one_time_links import LinkKind
from storage.database import Database
from storage.referrals import contact_changes, duplicates, lifecycle, steps, unclaimed
from storage.reports import exports, missed_questions
from storage.reports.exports import ExportSelection
from storage.unit import Unit
from storage.vault import Vault
from tests.support.builders import CHANNELS, DAY, HOUR, NOW
from tests.support.counters import list_counters
from tests.support.schema import rows_of, schema_of

DATA = Path(__file__).parents[1] / "data"
DUMP, KEY_FILE = DATA / "release_0_1.sql", DATA / "release_0_1_vault.json"
"""Written by the storage functions of release 0.1, then `.dump`; the key is for this file only."""
RELEASE_0_1, STANDARD_NAMES = "0002", "0003"
MIRAS_SIGN_IN = "7w3VIlhenBhrNtuNnt6qXWaTZwvyjlobZ1xx5I1nGOE"
API_TOKEN = "rj_m8htEV_xIdAwXcCHY8SvZ9bm00wfpAQc1bhWh62Tj-k"
BROWSER_TOKEN = "xbl4r8z__jhnBmDTV30wBc2hFAsqJSbPHHeGSItXD3E"
OFFICERS_CODE = "voM69Fjzge6lk0JRWwTke_LruWfPi3Fd"
OMARS_CODE = "P7G7-4MH4-AWJM-N6NG-WF7R"
PRIVATE_PAGE_CODE = "tLzEeonaYpJ9CNsI1TpJ1yOeC2VIEbHq"
RESUME_CODE = "WDMD-YJ7G-NYKR-DT6N"


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """Return the SQLite file as release 0.1 left it."""
    path = tmp_path / "rj.db"
    path.touch(0o600)
    with closing(sqlite3.connect(path)) as plain:
        plain.executescript(DUMP.read_text("utf-8"))
    return path


@pytest.fixture
def upgraded(released: Path, tmp_path: Path) -> Iterator[Database]:
    """Give the same database, brought to the schema of today, with the keys that sealed it."""
    keys = Path(shutil.copy(KEY_FILE, tmp_path / "keys.json"))
    keys.chmod(0o600)
    database = Database(f"sqlite:///{released}", Vault.open(keys, create=False), lambda: NOW)
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def unit(upgraded: Database) -> Iterator[Unit]:
    """Give one transaction on it."""
    with upgraded.unit() as own:
        yield own


def test_it_has_a_row_in_every_table(released: Path) -> None:
    tables = DUMP.read_text("utf-8").count("CREATE TABLE ")
    with reading(released) as connection:
        rows = rows_of(connection)
    assert [table for table, kept in rows.items() if not kept] == []
    assert len(rows) == tables  # without Alembic's, but with the one of SQLite's own numbers


def test_nothing_is_wrong_with_it_afterwards(upgraded: Database) -> None:
    assert upgraded.check() == []


def test_the_way_to_standard_names_and_back_changes_no_row(released: Path) -> None:
    database = Database(f"sqlite:///{released}")
    with reading(released) as connection:
        first, schema = rows_of(connection), schema_of(connection)
    database.migrate(STANDARD_NAMES)
    with reading(released) as connection:
        upgraded = rows_of(connection)
    database.migrate_back(RELEASE_0_1)
    with reading(released) as connection:
        assert (rows_of(connection), schema_of(connection)) == (first, schema)
    database.migrate(STANDARD_NAMES)
    with reading(released) as connection:
        assert rows_of(connection) == upgraded
    assert _without_names(first) == _without_names(upgraded)
    database.close()


def test_an_upgrade_that_would_orphan_rows_changes_nothing(released: Path) -> None:
    database = Database(f"sqlite:///{released}")
    with closing(sqlite3.connect(released)) as plain:
        plain.execute("INSERT INTO officer VALUES ('1', 'no chat', x'', '2026-01-01 00:00:00')")
        plain.commit()
    with reading(released) as connection:
        before = rows_of(connection)
    with pytest.raises(UnsafeDatabase):
        database.migrate()
    with reading(released) as connection:
        assert (rows_of(connection), database.revision()) == (before, RELEASE_0_1)
    database.close()


def test_tables_are_not_written_anew_while_deleting_one_would_cascade(released: Path) -> None:
    database = Database(f"sqlite:///{released}")
    with reading(released) as connection:
        before = rows_of(connection)
    with pytest.raises(RuntimeError, match="Foreign keys"), database.transaction() as connection:
        migrations.upgrade(connection, STANDARD_NAMES)
    with reading(released) as connection:
        assert rows_of(connection) == before
    database.close()


def test_the_vault_that_sealed_it_is_known_and_another_is_not(unit: Unit, vault: Vault) -> None:
    assert key_check.vault_matches(unit)
    assert not key_check.vault_matches(Unit(unit.conn, vault, NOW))
    assert heartbeat.last_seen(unit) == NOW


def test_conversations_with_their_answers(unit: Unit) -> None:
    draft = load_conversation(unit, "telegram", "417").conversation
    assert [(one.question, one.value) for one in draft.answers] == [
        ("name", "Amina Okafor"),
        ("phone", "01622 496 000"),
    ]
    assert (draft.prompt_id, draft.draft_epoch, draft.last_input_at) == (7, 3, NOW)
    assert draft.pending == ConfirmUnconfirmedText("harm", "my window")
    sent = load_conversation(unit, "web", "b-2").conversation
    assert sent.receipt is not None
    assert (sent.receipt.reference, sent.receipt.may_contact) == ("AAAA-CCCC", True)


def test_the_inbox_and_the_outbox(unit: Unit) -> None:
    (first,) = inbox.due_inbox_items(unit, CHANNELS)
    later = Unit(unit.conn, unit.vault, NOW + HOUR)
    _, second = inbox.due_inbox_items(later, CHANNELS)
    assert (first.body, first.attempts) == ({"text": "my window"}, 0)
    assert (second.body, second.attempts) == ({"text": "hello"}, 1)
    again = inbox.Arrival("update 1", "417", {"text": "my window"})
    assert inbox.enqueue_arrivals(unit, "telegram", [again]) == 0
    (thanks,) = outbox.due_outbox_items(unit, CHANNELS)
    assert (thanks.address, thanks.body) == ("417", {"text": "Thank you, Amina."})
    (dead,) = dead_letters.list_dead_letters(unit)
    assert (dead.reason, dead.attempts, dead.enqueued_at) == ("http_500", 1, NOW)
    assert message_ids.message_ids_since(unit, thanks.chat_id or "", NOW) == ["1001", "1002"]


def test_referrals_with_their_steps(unit: Unit) -> None:
    record = lifecycle.open_record(unit, "AAAA-CCCC", "mira")
    assert [line.value for line in record.lines][:2] == ["Amina Okafor", "01622 496 000"]
    done = [(step.act, step.actor, step.note) for step in lifecycle.list_steps(unit, "AAAA-CCCC")]
    assert done[:4] == [
        ("handed_over", "person", ""),
        ("claim", "mira", ""),
        ("spoke", "mira", "Rang once, ring again on Friday"),
        ("wrote", "person", "I can talk on Friday"),
    ]
    entries = {entry.reference: entry for entry in lifecycle.list_queue(unit)}
    assert {entry.flags for entry in entries.values()} == {("unsafe_to_call",)}
    assert {entry.source for entry in entries.values()} == {"telegram"}
    assert [one.alert_count for one in unclaimed.list_unclaimed(unit, 2)] == [1]


def test_what_waits_on_a_referral(unit: Unit) -> None:
    row = steps.require_referral(unit, "AAAA-CCCC")
    change = contact_changes.pending_change(unit, row.id)
    assert change is not None
    assert (change.requested_by, change.requested_at) == ("mira", NOW + HOUR)
    assert (change.proposed.value, change.proposed.why) == (
        "01622 496 111",
        "She gave a new number",
    )
    assert change.proposed.was is not None
    handoff = handoffs.active_handoff(unit, row.chat_id)
    assert handoff == handoffs.Handoff(row.chat_id, "mira", "AAAA-CCCC", NOW + HOUR)
    (other,) = duplicates.possible_duplicates(unit, row.id)
    assert (other.reference, len(other.matching_kinds)) == ("DDDD-EEEE", 2)


def test_staff_and_what_they_sign_in_with(unit: Unit) -> None:
    mira = staff.stored_credentials(unit, "mira")
    assert mira is not None
    assert mira.password_hash.startswith("$argon2id$")
    assert (mira.totp_secret, mira.last_time_step) == ("JBSWY3DPEHPK3PXP", 57000000)
    signed = sign_ins.signed_in_staff(unit, MIRAS_SIGN_IN)
    assert signed is not None
    assert (signed.name, signed.method, signed.started_at) == ("mira", "password", NOW)
    found = oidc_subjects.find_account_by_subject(unit, "https://id.example.org", "subject-1")
    assert found == staff.find_account(unit, "mira")
    passkey = passkeys.find_passkey(unit, "Y3JlZGVudGlhbA")
    assert passkey is not None
    assert (passkey.public_key, passkey.sign_count) == ("cHVibGljIGtleQ", 4)
    invited = staff.find_invited_account(unit, OMARS_CODE)
    assert invited is not None
    assert (invited.name, invited.code_expires_at) == ("omar", NOW + 3 * DAY)
    key = api_keys.authenticate_api_key(unit, API_TOKEN)
    assert key is not None
    assert (key.name, key.created_by, key.scopes) == ("Cases", "ada", ("read:queue",))


def test_the_logbook_and_its_chain(unit: Unit) -> None:
    assert logbook.chain_broken_at(unit) is None
    lines = logbook.list_logbook_lines(unit)
    assert [(one.actor, one.action, one.target, one.reason, one.refused) for one in lines] == [
        ("omar", "read", "DDDD-EEEE", "rights", True),
        ("mira", "read", "AAAA-CCCC", "complaint", False),
        ("ada", "invite", "mira", "", False),
    ]
    logbook.add_logbook_line(unit, "ada", "invite", "sam")
    assert logbook.chain_broken_at(unit) is None


def test_lists_asked_for_questions_and_counts(unit: Unit) -> None:
    (export,) = exports.list_pending_exports(unit)
    assert (export.requested_by, export.reason_code) == ("omar", "audit")
    assert export.explanation == "For the yearly report"
    assert export.selection == ExportSelection("all", details=True)
    assert (export.size, export.file_format, export.approved) == (2, "csv", False)
    (question,) = missed_questions.list_missed_questions(unit)
    assert question.text == "Does my probation officer see this?"
    assert (NOW.date(), "asked", "self/name", 2) in list_counters(unit)


def test_officers_and_their_invitations(unit: Unit) -> None:
    kaur = Officer("Simran Kaur", "Kent Police", "simran.kaur@kent.example", verified=True)
    assert [one.officer for one in officer_registry.list_officers(unit)] == [kaur]
    assert load_conversation(unit, "telegram", "999").officer == kaur
    (invitation,) = officer_registry.list_open_invitations(unit)
    assert invitation.officer.name == "Jo Reed"
    assert officers.is_officer_invitation_valid(unit, OFFICERS_CODE)


def test_browsers_links_and_screens(unit: Unit) -> None:
    assert browser_sessions.session_address(unit, BROWSER_TOKEN) == "b-2"
    private = one_time_links.redeem_link(unit, LinkKind.PRIVATE_PAGE, PRIVATE_PAGE_CODE)
    assert private == one_time_links.LinkPayload("telegram", "417", {"step": 7})
    (message,) = screens.list_screen_messages(unit, "web", "b-2")
    assert message.text == "We have your request, Amina."
    # The message numbered 2 was removed before the dump: its number is not given again.
    screens.add_screen_message(unit, "web", "b-2", screens.ScreenMessage("", "New"))
    assert screens.screen_revision(unit, "web", "b-2") == "2.3"
    resumed = browser_sessions.redeem_resume_code(unit, RESUME_CODE)
    assert resumed is not None
    assert resumed[1] == "b-2"


@contextmanager
def reading(file: Path) -> Iterator[Connection]:
    """Give a connection to a SQLite file whatever its schema."""
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def _without_names(rows: dict[str, list[tuple[object, ...]]]) -> list[list[tuple[object, ...]]]:
    """Return the rows without the names of their tables, which may change, in one order."""
    return sorted((kept for table, kept in rows.items() if table != "sqlite_sequence"), key=repr)
