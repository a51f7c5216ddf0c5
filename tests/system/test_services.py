"""Two services on one database, each with its own content, key, token and role: nothing crosses."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from storage.database import Database
from tests.harness.installed_program import (
    InstalledProgram,
    ask_for_a_call,
    go_through,
    wait_for_text,
)
from tests.harness.programs.postgresql import PostgresqlServer
from tests.support.happy_path import happy_path
from tests.telegram_server import TelegramServer

SUSSEX = {
    "service.toml": '[names]\nservice = "RJ Sussex"\nadult_service = "Sussex Mediation"\n',
    "en/scenes.toml": '[welcome]\nhello = "Hello from {service} and {adult_service}."\n',
}
pytestmark = pytest.mark.postgresql


@dataclass(frozen=True, slots=True)
class SharedDatabase:
    """One database of several services, in which each may use its own schema only."""

    server: PostgresqlServer
    name: str

    def open_service(
        self, name: str, home: Path, server: TelegramServer, content: Path | None = None
    ) -> InstalledProgram:
        """Return a service with a role of its own, which owns one schema."""
        self.run(f"CREATE ROLE {name} LOGIN")
        self.run(f"CREATE SCHEMA {name} AUTHORIZATION {name}")
        home.mkdir()
        url = f"{self.server.url(self.name, role=name)}?schema={name}"
        own = str(content or "")
        return InstalledProgram(home, server, "polling", DATABASE_URL=url, CONTENT_DIR=own)

    def run(self, statement: str, role: str = "") -> list[tuple[object, ...]]:
        """Run a statement as the owner of all, or as a role; return the rows."""
        url = self.server.url(self.name, role).replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            asked = connection.execute(statement.encode())
            return asked.fetchall() if asked.description else []


@pytest.fixture
def shared(postgresql_server: PostgresqlServer) -> Iterator[SharedDatabase]:
    """Give an empty database for several services."""
    made = SharedDatabase(postgresql_server, postgresql_server.create())
    yield made
    postgresql_server.drop(made.name)
    for role in ("kent", "sussex"):
        postgresql_server.execute(f"DROP ROLE IF EXISTS {role}")


@pytest.mark.slow
def test_two_services_on_one_database(shared: SharedDatabase, tmp_path: Path) -> None:
    own_content = tmp_path / "content"
    for name, text in SUSSEX.items():
        (own_content / name).parent.mkdir(parents=True, exist_ok=True)
        (own_content / name).write_text(text)
    with TelegramServer() as at_kent, TelegramServer() as at_sussex:
        kent = shared.open_service("kent", tmp_path / "kent", at_kent)
        sussex = shared.open_service("sussex", tmp_path / "sussex", at_sussex, own_content)
        with kent.running("bot"), sussex.running("bot"):
            reference = ask_for_a_call(at_kent)
            same = at_sussex.person("Amina")
            same.opens_link("leaflet")
            wait_for_text(same, "")
            same.settled()
            assert "Hello from RJ Sussex and Sussex Mediation." in same.shown()
            assert "Kent" not in same.shown()
            assert "RJ Sussex" not in at_kent.person("Amina").shown()
            # The half-way answers of the one are not those of the other.
            ben = at_kent.person("Ben")
            ben.opens_link("leaflet")
            go_through(ben, happy_path()[:4])
    assert [one["reference"] for one in kent.rj_json("queue")] == [reference]
    assert reference not in sussex.rj("queue", "--json")
    assert reference in sussex.rj_refused("queue", "open", reference, "--as", "Priya")
    assert shared.run("SELECT count(*) FROM chat", role="kent") == [(2,)]
    assert shared.run("SELECT count(*) FROM chat", role="sussex") == [(1,)]
    assert shared.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        shared.run("SELECT * FROM kent.referral", role="sussex")


def test_a_schema_that_is_no_name_is_refused() -> None:
    with pytest.raises(Exception, match="DATABASE_URL cannot be used"):
        Database("postgresql+psycopg://somebody@127.0.0.1/rj?schema=kent;drop")
