"""A fresh database and a fresh vault for each test; loaded as a pytest plugin, never imported."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from storage.backends.sqlite import PRAGMAS
from storage.backends.sqlite_driver import journal_mode
from storage.database import Database
from storage.unit import Unit
from storage.vault import Vault
from tests.harness.clock import FakeClock
from tests.harness.programs.postgresql import POSTGRESQL


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file with the tables and nothing in them."""
    path = tmp_path_factory.mktemp("empty") / "rj.db"
    made = Database(f"sqlite:///{path}")
    made.migrate()
    made.close()
    return path


@pytest.fixture
def ready_tables(empty_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a program in this process copy its first tables instead of making them, step by step.

    That they are made is for `tests/storage`, and for the tests that start a process.
    """
    migrate = Database.migrate

    def copy_or_migrate(database: Database, to: str = "head") -> None:
        if to != "head" or database.revision() is not None:
            migrate(database, to)
            return
        own_file = database.backend.reader.url.database or ""
        with (
            closing(sqlite3.connect(empty_file)) as ready,
            closing(sqlite3.connect(own_file)) as own,
        ):
            ready.backup(own)

    monkeypatch.setattr(Database, "migrate", copy_or_migrate)


@pytest.fixture
def file(empty_file: Path, tmp_path: Path) -> Path:
    """Return a SQLite file of this test's own."""
    return Path(shutil.copy(empty_file, tmp_path / "rj.db"))


@pytest.fixture(params=sorted({journal_mode(), "delete"}))
def journal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Set how the databases of a test keep their journal, once each way that there is here."""
    monkeypatch.setitem(PRAGMAS, "journal_mode", request.param)
    return str(request.param)


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest) -> str:
    """Return the URL of a database of this test's own, with the tables."""
    if engine == POSTGRESQL:
        return str(request.getfixturevalue("postgresql_url"))
    return f"sqlite:///{request.getfixturevalue('file')}"


@pytest.fixture
def database(database_url: str, vault: Vault, clock: FakeClock) -> Iterator[Database]:
    """Give a database of this test's own, with its vault and its clock."""
    own = Database(database_url, vault, clock)
    yield own
    own.close()


@pytest.fixture
def unit(database: Database) -> Iterator[Unit]:
    """Give one transaction on the database, at the time of the test's clock."""
    with database.unit() as own:
        yield own


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """Return a vault of this test's own."""
    return Vault.open(tmp_path / "vault.json", create=True)
