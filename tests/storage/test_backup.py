"""Encrypted backups: whole or not there, opened by the recovery key only, and what stays gone."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from flows.casework import Act
from flows.conversation import Answer
from flows.vocabulary import OutboxKind
from storage.accounts import api_keys, sign_ins, staff
from storage.accounts.sign_ins import SignInMethod
from storage.backups.archive import (
    BackupError,
    make_recovery_key,
    restore_backup,
    write_backup,
    write_erasures,
)
from storage.chats import conversations, inbox, officer_registry, officers, outbox
from storage.chats.inbox import Arrival
from storage.chats.outbox import OutboxStage
from storage.database import Database
from storage.referrals import acts, lifecycle
from storage.referrals.rows import ReferralErased
from storage.tables import OUTBOX
from storage.vault import Vault
from storage.web_tables import METADATA, SIGN_IN
from tests.harness.programs.postgresql import PostgresqlServer
from tests.support.builders import NOW, PC_KAUR, make_answer, make_record, store_answers


@pytest.fixture
def away(tmp_path: Path) -> Path:
    """Return a folder on another machine, as it were."""
    folder = tmp_path / "away"
    folder.mkdir()
    return folder


@pytest.fixture
def public_key(away: Path) -> str:
    return make_recovery_key(away / "recovery.key")


@pytest.fixture
def backup(database: Database, tmp_path: Path, away: Path, public_key: str) -> Path:
    """Return a backup of a conversation and a referral."""
    store_answers(database, "417", make_answer("name", "Amina"))
    with database.unit(NOW) as unit:
        lifecycle.hand_over(unit, make_record("ACDE-3467"), None)
    write_backup(database, tmp_path / "vault.json", public_key, away / "rj.age")
    return away / "rj.age"


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """Return the folder of an empty machine."""
    return tmp_path / "new"


def restored(backup: Path, folder: Path, *erasures: Path) -> Iterator[Database]:
    """Give the restored database."""
    file, key = folder / "data" / "rj.db", folder / "keys" / "vault.key"
    url = f"sqlite:///{file}"
    restore_backup(backup, backup.parent / "recovery.key", list(erasures), url, key)
    database = Database(f"sqlite:///{file}", Vault.open(key, create=False), lambda: NOW)
    yield database
    database.close()


def answers_of(database: Database, address: str) -> tuple[Answer, ...]:
    with database.reading() as unit:
        stored = conversations.load_conversation(unit, "telegram", address)
    return stored.conversation.answers


def test_what_was_kept_is_there_again_for_its_owner_alone(backup: Path, empty: Path) -> None:
    for database in restored(backup, empty):
        assert [one.value for one in answers_of(database, "417")] == ["Amina"]
        with database.unit() as unit:
            assert lifecycle.open_record(unit, "ACDE-3467", "mira") == make_record("ACDE-3467")
        assert database.check() == []
    for file in (empty / "data" / "rj.db", empty / "keys" / "vault.key", backup):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(one.name for one in (empty / "data").iterdir()) == ["rj.db"]


def test_a_backup_made_while_somebody_writes_is_consistent(
    database: Database, backup: Path, tmp_path: Path, away: Path, public_key: str, empty: Path
) -> None:
    with database.unit(NOW) as unit:
        lifecycle.hand_over(unit, make_record("ACDE-2222"), None)
        write_backup(database, tmp_path / "vault.json", public_key, away / "second.age")
    for found in restored(away / "second.age", empty):
        with found.reading() as reader:
            assert [one.reference for one in lifecycle.list_queue(reader)] == ["ACDE-3467"]


def test_what_is_gone_since_the_backup_stays_gone(
    database: Database, backup: Path, away: Path, public_key: str, empty: Path
) -> None:
    with database.unit(NOW) as unit:
        acts.claim(unit, "ACDE-3467", "mira")
        lifecycle.open_record(unit, "ACDE-3467", "mira")
        for act in (Act.SPOKE, Act.CLOSE, Act.ERASE):
            acts.perform_act(unit, "ACDE-3467", act, "mira")
        known = conversations.load_conversation(unit, "telegram", "417")
        conversations.save_conversation(unit, known, type(known.conversation)())
    write_erasures(database, public_key, away / "gone.age")
    for found in restored(backup, empty, away / "gone.age"):
        assert answers_of(found, "417") == ()
        with found.reading() as reader:
            (entry,) = lifecycle.list_queue(reader, include_closed=True)
            assert entry.stage == "erased"
            with pytest.raises(ReferralErased), found.unit() as unit:
                lifecycle.open_record(unit, "ACDE-3467", "mira")


def test_answers_given_after_an_earlier_deletion_are_kept(
    database: Database, tmp_path: Path, away: Path, public_key: str, empty: Path
) -> None:
    store_answers(database, "417")
    write_erasures(database, public_key, away / "gone.age")
    store_answers(database, "417", make_answer("name", "Amina"))
    write_backup(database, tmp_path / "vault.json", public_key, away / "later.age")
    (away / "later.age").rename(away / "rj.age")
    for found in restored(away / "rj.age", empty, away / "gone.age"):
        assert [one.value for one in answers_of(found, "417")] == ["Amina"]


def test_who_asked_to_hear_nothing_more_is_not_contacted(
    database: Database, backup: Path, away: Path, public_key: str, empty: Path
) -> None:
    with database.unit(NOW) as unit:
        lifecycle.stop_contact(unit, "ACDE-3467", Act.WITHDRAW)
    write_erasures(database, public_key, away / "gone.age")
    for found in restored(backup, empty, away / "gone.age"):
        with found.reading() as reader:
            status = lifecycle.referral_status(reader, "ACDE-3467")
        assert status is not None
        assert status.stage == "withdrawn"


def test_nobody_comes_back_who_was_shut_out(
    database: Database, tmp_path: Path, away: Path, public_key: str, empty: Path
) -> None:
    store_answers(database, "417")
    with database.unit(NOW) as unit:
        chat = conversations.load_conversation(unit, "telegram", "417").chat_id
        code = officers.invite_officer(unit, PC_KAUR)
        invited = officers.redeem_officer_invitation(unit, code)
        assert invited is not None
        officers.save_officer(unit, chat, invited)
        staff.invite_staff(unit, "jo", "mediator", "ada")
        token = api_keys.issue_api_key(unit, "Case system", ("referrals",), "ada")
        account = staff.find_account(unit, "jo")
        assert account is not None
        sign_ins.begin_sign_in(unit, account.id, SignInMethod.PASSWORD)
    write_backup(database, tmp_path / "vault.json", public_key, away / "rj.age")
    with database.unit(NOW) as unit:
        staff.disable_account(unit, "jo")
        (key,) = api_keys.list_api_keys(unit)
        api_keys.revoke_api_key(unit, key.id)
        (officer,) = officer_registry.list_officers(unit)
        officer_registry.revoke_officer(unit, officer.key)
    write_erasures(database, public_key, away / "gone.age")
    for found in restored(away / "rj.age", empty, away / "gone.age"):
        with found.unit() as unit:
            assert all(one.disabled_at for one in staff.list_accounts(unit))
            assert api_keys.authenticate_api_key(unit, token) is None
            assert officer_registry.revoked_chats(unit) == [chat]
            assert unit.conn.scalar(select(func.count()).select_from(SIGN_IN)) == 0


def test_old_messages_do_not_reach_a_phone_and_alerts_do_reach_staff(
    database: Database, tmp_path: Path, away: Path, public_key: str, empty: Path
) -> None:
    store_answers(database, "417")
    with database.unit(NOW) as unit:
        chat = conversations.load_conversation(unit, "telegram", "417").chat_id
        outbox.enqueue(unit, "telegram", OutboxKind.SAY, {"text": "hello"}, chat)
        outbox.enqueue(unit, "email", OutboxKind.ALERT, {"text": "New request"})
    write_backup(database, tmp_path / "vault.json", public_key, away / "rj.age")
    for found in restored(away / "rj.age", empty):
        with found.reading() as reader:
            rows = reader.conn.execute(select(OUTBOX.c.kind, OUTBOX.c.stage)).all()
        assert {(row.kind, row.stage) for row in rows} == {
            (OutboxKind.SAY, OutboxStage.WITHHELD),
            (OutboxKind.ALERT, OutboxStage.WAITING),
        }


def test_only_the_recovery_key_opens_a_backup(backup: Path, empty: Path) -> None:
    make_recovery_key(backup.parent / "another.key")
    with pytest.raises(BackupError, match="not its recovery key"):
        restore_backup(
            backup, backup.parent / "another.key", [], f"sqlite:///{empty}/rj.db", empty / "key"
        )
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize("keeps", [0.0, 0.3, 0.9, 0.999])
def test_a_backup_that_was_cut_off_is_refused_whole(
    backup: Path, empty: Path, keeps: float
) -> None:
    whole = backup.read_bytes()
    backup.write_bytes(whole[: int(len(whole) * keeps)])
    with pytest.raises(BackupError, match="damaged"):
        restore_backup(
            backup, backup.parent / "recovery.key", [], f"sqlite:///{empty}/rj.db", empty / "key"
        )
    assert list(empty.iterdir()) == []


def test_nothing_is_ever_written_over(
    database: Database, backup: Path, tmp_path: Path, public_key: str, file: Path
) -> None:
    key = backup.parent / "recovery.key"
    before = {one: one.read_bytes() for one in (backup, key, file)}
    with pytest.raises(BackupError, match="already"):
        write_backup(database, tmp_path / "vault.json", public_key, backup)
    with pytest.raises(BackupError, match="already"):
        write_erasures(database, public_key, backup)
    with pytest.raises(BackupError, match="already"):
        make_recovery_key(key)
    with pytest.raises(BackupError, match="already"):
        restore_backup(backup, key, [], f"sqlite:///{file}", tmp_path / "new.key")
    assert {one: one.read_bytes() for one in before} == before


def test_a_list_of_erasures_is_no_backup_nor_the_other_way_round(
    database: Database, backup: Path, public_key: str, empty: Path
) -> None:
    gone, key = backup.parent / "gone.age", backup.parent / "recovery.key"
    write_erasures(database, public_key, gone)
    with pytest.raises(BackupError, match="not what is asked for"):
        restore_backup(gone, key, [], f"sqlite:///{empty}/rj.db", empty / "key")
    with pytest.raises(BackupError, match="not what is asked for"):
        restore_backup(backup, key, [backup], f"sqlite:///{empty}/rj.db", empty / "key")


@pytest.mark.parametrize("text", ["", "age1nonsense", "# a note only\n"])
def test_keys_that_are_none_are_named(
    database: Database, backup: Path, tmp_path: Path, empty: Path, text: str
) -> None:
    wrong = tmp_path / "wrong.key"
    wrong.write_text(text)
    with pytest.raises(BackupError, match="recovery key"):
        restore_backup(backup, wrong, [], f"sqlite:///{empty}/rj.db", empty / "key")
    with pytest.raises(BackupError, match="BACKUP_RECIPIENT"):
        write_backup(database, tmp_path / "vault.json", text, tmp_path / "no.age")


def test_nothing_is_left_behind_when_a_backup_fails(
    database: Database, tmp_path: Path, public_key: str, away: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        write_backup(database, tmp_path / "no such key", public_key, away / "rj.age")
    assert [one.name for one in away.iterdir()] == ["recovery.key"]


def rows_of(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Return all that is stored, as it is stored, by table."""
    with database.transaction() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table)).all()), key=repr)
            for table in METADATA.sorted_tables
        }


@pytest.mark.postgresql
def test_a_service_moves_from_a_file_to_postgresql_and_goes_on(
    backup: Path, empty: Path, postgresql_server: PostgresqlServer
) -> None:
    for database in restored(backup, empty):
        on_file = rows_of(database)
    key, url = empty / "new.key", postgresql_server.url(postgresql_server.create())
    restore_backup(backup, backup.parent / "recovery.key", [], url, key)
    moved = Database(url, Vault.open(key, create=False), lambda: NOW)
    again = rows_of(moved)
    assert {name: len(rows) for name, rows in again.items()} == {
        name: len(rows) for name, rows in on_file.items()
    }
    assert [one.value for one in answers_of(moved, "417")] == ["Amina"]
    with moved.unit(NOW) as unit:
        inbox.enqueue_arrivals(unit, "telegram", [Arrival("new", "417", {"text": "hello"})])
        lifecycle.hand_over(unit, make_record("ACDE-9999"), None)
        assert lifecycle.open_record(unit, "ACDE-3467", "mira") == make_record("ACDE-3467")
    with pytest.raises(BackupError, match="holds something already"):
        restore_backup(backup, backup.parent / "recovery.key", [], url, empty / "other.key")
    assert not (empty / "other.key").exists()
    moved.close()
