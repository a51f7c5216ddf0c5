"""The database keeps what it is told to keep, and says so when it cannot."""

import asyncio
import stat
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import ColumnElement, insert, select, text, true
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from storage.backends import UnsafeDatabase
from storage.backends.sqlite import PRAGMAS
from storage.backends.sqlite_driver import DRIVER, VERSION, WAL_IS_SAFE_SINCE, journal_mode
from storage.database import Database
from storage.key_check import vault_matches
from storage.tables import MISSED_QUESTION
from storage.unit import Unit
from storage.vault import Vault, VaultError
from tests.support.builders import NOW

pytestmark = pytest.mark.usefixtures("journal")


def test_every_connection_is_set_as_promised(database: Database, journal: str) -> None:
    with database.transaction() as conn:
        found = {name: conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS}
    assert found == PRAGMAS
    assert found["journal_mode"] == journal
    assert found["synchronous"] == 3
    assert database.check() == []


def test_a_setting_that_does_not_hold_stops_everything(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PRAGMAS, "journal_mode", "wal2")
    own = Database(f"sqlite:///{file}")
    with pytest.raises(UnsafeDatabase, match="journal_mode"), own.transaction():
        pass
    own.close()


def test_the_file_and_its_folder_are_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "rj.db"
    own = Database(f"sqlite:///{path}")
    own.migrate()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o644)
    assert own.check() == [f"Others can read the database. Type: chmod 600 {path}"]
    own.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_that_would_vanish_is_refused(url: str) -> None:
    with pytest.raises(UnsafeDatabase, match="names a file"):
        Database(url)


def test_an_error_undoes_the_whole_transaction(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction() as conn:
        conn.execute(insert(MISSED_QUESTION), {"id": "1", "body": b"", "at": NOW})
        raise RuntimeError
    with database.reading() as unit:
        assert unit.conn.execute(select(MISSED_QUESTION)).all() == []


def test_a_unit_for_reading_cannot_write(database: Database) -> None:
    with database.reading() as unit, pytest.raises(OperationalError, match="readonly"):
        unit.conn.execute(insert(MISSED_QUESTION), {"id": "1", "body": b"", "at": NOW})


def test_a_unit_has_the_clock_time_of_its_transaction(database: Database) -> None:
    times = iter([NOW, NOW + timedelta(hours=1)])
    database.clock = lambda: next(times)
    with database.unit() as unit:
        assert unit.now == NOW
    with database.reading() as unit:
        assert unit.now == NOW + timedelta(hours=1)
    with database.unit(NOW + timedelta(days=1)) as unit:
        assert unit.now == NOW + timedelta(days=1)


def test_without_a_vault_nothing_is_written_or_read(file: Path) -> None:
    own = Database(f"sqlite:///{file}")
    assert own.is_current()
    with pytest.raises(VaultError, match="without its vault"), own.unit():
        pass
    with pytest.raises(VaultError, match="without its vault"), own.reading():
        pass
    own.close()


def test_a_unit_seals_for_one_context_and_fingerprints_a_list(database: Database) -> None:
    with database.unit() as unit:
        sealed = unit.seal("chat/1/address", "Amina")
        assert unit.unseal("chat/1/address", sealed) == "Amina"
        with pytest.raises(VaultError):
            unit.unseal("chat/2/address", sealed)
        expected = unit.vault.fingerprint('["chat","web","Amina"]')
        assert unit.fingerprint("chat", "web", "Amina") == expected


def test_errors_never_show_what_was_to_be_kept(database: Database) -> None:
    row = {"id": "1", "body": b"Amina", "at": NOW}
    with pytest.raises(IntegrityError) as trouble, database.transaction() as conn:
        conn.execute(insert(MISSED_QUESTION), row)
        conn.execute(insert(MISSED_QUESTION), row)
    assert "Amina" not in str(trouble.value)


async def test_everything_is_written_on_one_thread(database: Database) -> None:
    threads = {await database.write(lambda _: threading.current_thread().name) for _ in range(9)}
    assert len(threads) == 1


async def test_what_is_written_can_be_read(database: Database) -> None:
    await database.write(_insert, id="1", at=NOW)
    assert await database.read(_ids, MISSED_QUESTION.c.at == NOW) == ["1"]


async def test_an_error_while_writing_reaches_who_asked(database: Database) -> None:
    with pytest.raises(OperationalError):
        await database.write(lambda unit: unit.conn.execute(text("nonsense")))


async def test_a_commit_wakes_the_others_though_nobody_waits_for_it_any_more(
    database: Database,
) -> None:
    begun, go_on, woken = threading.Event(), threading.Event(), asyncio.Event()

    def slow(unit: Unit) -> None:
        begun.set()
        go_on.wait(10)
        unit.signals.add("inbox")

    database.on_commit = lambda signals: woken.set()
    writing = asyncio.create_task(database.write(slow))
    await asyncio.to_thread(begun.wait, 10)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    go_on.set()
    await asyncio.wait_for(woken.wait(), 10)


def test_times_come_back_in_utc_with_their_zone(database: Database) -> None:
    summer = datetime(2026, 7, 1, 10, 0, tzinfo=timezone(timedelta(hours=1)))
    with database.transaction() as conn:
        conn.execute(insert(MISSED_QUESTION), {"id": "1", "body": b"", "at": summer})
        kept = conn.execute(select(MISSED_QUESTION.c.at)).scalar_one()
    assert kept == summer
    assert kept.tzinfo is UTC
    assert kept.hour == 9


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    row = {"id": "1", "body": b"", "at": NOW.replace(tzinfo=None)}
    with pytest.raises(StatementError, match="without a zone"), database.transaction() as conn:
        conn.execute(insert(MISSED_QUESTION), row)


def test_damage_is_found(database: Database, file: Path) -> None:
    plain = DRIVER.connect(file)
    plain.execute("PRAGMA foreign_keys=0")
    plain.execute("INSERT INTO officer VALUES ('1', 'no chat', x'', '2026-01-01 00:00:00')")
    plain.commit()
    plain.close()
    assert database.check() == ["Some rows belong to nothing."]


def test_the_vault_that_came_first_is_the_one_that_fits(
    database: Database, vault: Vault, tmp_path: Path
) -> None:
    stranger = Vault.open(tmp_path / "other.json", create=True)
    with database.unit() as unit:
        assert unit.vault is vault
        assert vault_matches(unit)
        assert not vault_matches(replace(unit, vault=stranger))
        assert vault_matches(replace(unit, vault=Vault.rotate(tmp_path / "vault.json")))


def test_free_space_is_taken_out_of_the_file(database: Database, file: Path) -> None:
    rows = [{"id": str(n), "body": bytes(4096), "at": NOW} for n in range(50)]
    with database.transaction() as conn:
        conn.execute(insert(MISSED_QUESTION), rows)
        conn.execute(MISSED_QUESTION.delete())
    assert database.backend.truncate_journal()
    before = file.stat().st_size
    database.backend.erase_free_space()
    assert file.stat().st_size < before - 100_000


def test_a_reader_and_a_writer_share_the_file(database: Database) -> None:
    with database.reading() as unit:
        assert _ids(unit, true()) == []
    with database.unit() as unit:
        _insert(unit, "1", NOW)
    with database.reading() as unit:
        assert _ids(unit, true()) == ["1"]


def _insert(unit: Unit, id: str, at: datetime) -> int:
    return unit.conn.execute(insert(MISSED_QUESTION), {"id": id, "body": b"", "at": at}).rowcount


def _ids(unit: Unit, condition: ColumnElement[bool]) -> list[str]:
    return list(unit.conn.scalars(select(MISSED_QUESTION.c.id).where(condition)))


def test_the_write_ahead_log_is_used_where_it_is_safe() -> None:
    assert journal_mode(WAL_IS_SAFE_SINCE) == journal_mode((4, 0, 0)) == "wal"
    assert journal_mode((3, 51, 2)) == journal_mode((3, 40, 1)) == "delete"
    assert PRAGMAS["journal_mode"] in ("wal", "delete")
    assert tuple(int(part) for part in DRIVER.sqlite_version.split(".")) == VERSION


@pytest.mark.parametrize(("before", "after"), [("delete", "wal"), ("wal", "delete")])
def test_a_file_of_the_other_mode_is_taken_over(
    file: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch, before: str, after: str
) -> None:
    for mode, id in ((before, "1"), (after, "2")):
        monkeypatch.setitem(PRAGMAS, "journal_mode", mode)
        own = Database(f"sqlite:///{file}", vault)
        with own.unit() as unit:
            _insert(unit, id, NOW)
        with own.reading() as unit:
            assert unit.conn.exec_driver_sql("PRAGMA journal_mode").scalar() == mode
            assert _ids(unit, true()) == ["1", "2"][: int(id)]
        own.close()
        assert [kept.name for kept in file.parent.iterdir() if "rj.db" in kept.name] == ["rj.db"]


@pytest.mark.parametrize("journal", ["wal"], indirect=True)
def test_with_a_write_ahead_log_nobody_waits_for_a_reader(database: Database) -> None:
    with database.reading() as reader:
        assert _ids(reader, true()) == []
        with database.unit() as unit:
            _insert(unit, "1", NOW)
        assert _ids(reader, true()) == [], "a reader goes on seeing what it began with"
        assert not database.backend.truncate_journal()
    with database.reading() as reader:
        assert _ids(reader, true()) == ["1"]
    assert database.backend.truncate_journal()


@pytest.mark.parametrize("journal", ["wal"], indirect=True)
def test_the_write_ahead_log_is_for_its_owner_alone(database: Database, file: Path) -> None:
    with database.unit() as unit:
        _insert(unit, "1", NOW)
    beside = [kept for kept in file.parent.iterdir() if kept.name.startswith("rj.db-")]
    assert len(beside) == 2
    assert {stat.S_IMODE(kept.stat().st_mode) for kept in beside} == {0o600}
