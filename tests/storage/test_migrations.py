"""From every earlier revision the schema becomes the one the tables describe, and goes back."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import text

from storage import migrations
from storage.backends import UnsafeDatabase
from storage.database import Database
from storage.revisions import newest_revision
from storage.web_tables import METADATA
from tests.harness.programs.postgresql import POSTGRESQL, PostgresqlServer
from tests.support.schema import schema_of

EARLIER = ["base", *migrations.revisions()]
AT_ONCE = 6
"""How many processes begin at the same moment."""


@pytest.fixture
def new_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database that has no table yet."""
    if engine == POSTGRESQL:
        server: PostgresqlServer = request.getfixturevalue("postgresql_server")
        return server.url(server.create())
    return f"sqlite:///{tmp_path / 'rj.db'}"


@pytest.mark.parametrize("start", EARLIER)
def test_each_earlier_revision_can_be_brought_up_to_date(new_url: str, start: str) -> None:
    database = Database(new_url)
    if start != "base":
        database.migrate(start)
    assert database.revision() == (None if start == "base" else start)
    database.migrate()
    assert database.is_current()
    assert database.check() == []
    with database.transaction() as conn:
        as_migrated = schema_of(conn)
        conn.execute(text("DROP TABLE alembic_version"))
        METADATA.drop_all(conn)
        METADATA.create_all(conn)
        assert schema_of(conn) == as_migrated
    database.close()


def test_the_way_back_leads_to_the_schema_of_each_time(new_url: str) -> None:
    database, as_it_was = Database(new_url), {}
    for revision in migrations.revisions():
        database.migrate(revision)
        with database.transaction() as conn:
            as_it_was[revision] = schema_of(conn)
    for revision in migrations.revisions()[-2::-1]:
        database.migrate_back(revision)
        assert database.revision() == revision
        with database.transaction() as conn:
            assert schema_of(conn) == as_it_was[revision]
    database.close()


@pytest.mark.parametrize("to", ["base", "nonsense", newest_revision()])
def test_there_is_no_way_back_to_what_is_not_an_earlier_revision(
    database: Database, to: str
) -> None:
    with pytest.raises(UnsafeDatabase, match="can go back to"):
        database.migrate_back(to)
    assert database.is_current()


def test_what_a_newer_release_has_migrated_is_left_as_it_is(database: Database) -> None:
    with database.transaction() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UnsafeDatabase, match=r"newer release .* revision 9999"):
        database.migrate()
    assert database.revision() == "9999"


@pytest.mark.parametrize("start", ["base", migrations.revisions()[0]])
def test_many_that_begin_at_once_migrate_it_once(new_url: str, start: str) -> None:
    first = Database(new_url)
    if start != "base":
        first.migrate(start)
    together = Barrier(AT_ONCE)

    def begin() -> list[str]:
        database = Database(new_url)
        is_old = not database.is_current()
        together.wait()
        if is_old:
            database.migrate()
        found = database.check()
        database.close()
        return found

    with ThreadPoolExecutor(AT_ONCE) as processes:
        assert [one.result() for one in [processes.submit(begin) for _ in range(AT_ONCE)]] == [
            [] for _ in range(AT_ONCE)
        ]
    first.close()


def test_migrating_twice_changes_nothing(database: Database) -> None:
    before = database.revision()
    database.migrate()
    assert database.revision() == before == newest_revision()


def test_there_is_one_line_of_revisions() -> None:
    assert len(migrations.revisions()) == len(set(migrations.revisions()))
    assert migrations.revisions()[-1] == newest_revision()


def test_an_old_schema_says_what_to_type(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'rj.db'}")
    assert not database.is_current()
    assert database.check() == ["The schema is not current. Type: rj migrate"]
    database.close()


def test_migrations_are_found_in_a_folder_with_an_odd_name(tmp_path: Path) -> None:
    folder = tmp_path / "100% odd"
    folder.mkdir()
    database = Database(f"sqlite:///{folder / 'rj.db'}")
    database.migrate()
    assert database.is_current()
    database.close()
