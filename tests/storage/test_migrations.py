"""From every earlier revision the schema becomes the one the tables describe."""

from pathlib import Path

import pytest
from sqlalchemy import text

from storage import migrations
from storage.database import Database
from storage.revisions import newest_revision
from storage.web_tables import METADATA
from tests.harness.postgresql import POSTGRESQL, PostgresqlServer
from tests.support.schema import downgrade, schema_of

EARLIER = ["base", *migrations.revisions()]


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


@pytest.mark.parametrize("earlier", migrations.revisions())
def test_the_way_back_leads_to_the_schema_of_that_time(tmp_path: Path, earlier: str) -> None:
    back, there = (Database(f"sqlite:///{tmp_path / name}") for name in ("back.db", "there.db"))
    back.migrate()
    downgrade(tmp_path / "back.db", earlier)
    there.migrate(earlier)
    with back.transaction() as conn, there.transaction() as expected:
        assert schema_of(conn) == schema_of(expected)
    back.close()
    there.close()


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
