"""From every earlier revision the schema becomes the one the tables describe."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from storage import migrations
from storage.database import Database
from storage.tables import METADATA

EARLIER = ["base", *migrations.revisions()]


def _differences(conn: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(conn), METADATA))


@pytest.mark.parametrize("start", EARLIER)
def test_each_earlier_revision_can_be_brought_up_to_date(tmp_path: Path, start: str) -> None:
    database = Database(f"sqlite:///{tmp_path / 'rj.db'}")
    if start != "base":
        with database.transaction() as conn:
            migrations.upgrade(conn, start)
    assert database.revision() == (None if start == "base" else start)
    database.migrate()
    assert database.is_current()
    assert database.check() == []
    with database.transaction() as conn:
        assert _differences(conn) == []
    database.close()


def test_migrating_twice_changes_nothing(database: Database) -> None:
    before = database.revision()
    database.migrate()
    assert database.revision() == before == migrations.head()


def test_there_is_one_line_of_revisions() -> None:
    assert len(migrations.revisions()) == len(set(migrations.revisions()))
    assert migrations.revisions()[-1] == migrations.head()


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
