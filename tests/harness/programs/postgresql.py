"""A PostgreSQL server of the tests' own, where it is installed; loaded as a pytest plugin."""

import getpass
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from storage.database import Database
from tests.harness.thorough import is_thorough
from tests.support.ports import free_port

SQLITE, POSTGRESQL = "sqlite", "postgresql"
ALWAYS = ("tests/storage/", "tests/bot/pipeline/")
"""Where the tests that use a database run on PostgreSQL too."""
THOROUGH = ("tests/system/test_crash_recovery.py::test_killed_at_every_kill_point",)
"""Where they do so with `--thorough` only, as in CI."""
UNPRIVILEGED = "postgres"
"""The account that runs the server when root runs the tests: it refuses to run as root."""


def server_programs() -> Path | None:
    """Return the folder of the server's programs, None where it is not installed."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None


class PostgresqlServer:
    """One server on the loopback, with a template of the tables and nothing in them."""

    def __init__(self, programs: Path) -> None:
        self._programs, self.port = programs, free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="rj-postgresql-", dir=_fast_folder()))
        self._user = UNPRIVILEGED if os.geteuid() == 0 else getpass.getuser()
        self._numbers = count()
        if os.geteuid() == 0:
            shutil.chown(self._folder, self._user)
        self._run(
            "initdb",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
            "--no-instructions",
        )
        self.start()

    def start(self) -> None:
        """Start it; returns once it can be connected to."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        # What is committed here is not to outlive a power cut.
        options += " -c shared_buffers=32MB -c max_connections=60 -c full_page_writes=on"
        self._run("pg_ctl", "--wait", "--log", str(self._folder / "log"), "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it, as a crash does unless another `mode` is given."""
        self._run("pg_ctl", "--wait", "--mode", mode, "stop")

    def remove(self) -> None:
        """Stop it and delete all that it wrote."""
        self.stop()
        shutil.rmtree(self._folder)

    def process_id(self) -> int:
        """Return the number of the server's first process."""
        return int((self._folder / "data" / "postmaster.pid").read_text().split()[0])

    def url(self, name: str, role: str = "") -> str:
        """Return the URL of a database, as DATABASE_URL has it, for a role or its owner."""
        return f"postgresql+psycopg://{role or self._user}@127.0.0.1:{self.port}/{name}"

    def create(self, template: str = "template0") -> str:
        """Make a database from a template; return its name."""
        name = f"t{next(self._numbers)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop(self, name: str) -> None:
        """Delete a database, whoever is connected to it."""
        self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        """Run a statement of a whole server's, such as one about databases or roles."""
        url = self.url("postgres").replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [self._programs / program, "-D", self._folder / "data", *words],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self._user if os.geteuid() == 0 else None,
            cwd="/",
        )


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """Give a server of this run's own."""
    programs = server_programs()
    assert programs, "PostgreSQL is not installed"
    server = PostgresqlServer(programs)
    yield server
    server.remove()


@pytest.fixture(scope="session")
def empty_postgresql(postgresql_server: PostgresqlServer) -> str:
    """Return the name of a database with the tables and nothing in them."""
    name = postgresql_server.create()
    made = Database(postgresql_server.url(name))
    made.migrate()
    made.close()
    return name


@pytest.fixture
def postgresql_url(postgresql_server: PostgresqlServer, empty_postgresql: str) -> Iterator[str]:
    """Give the URL of a database of this test's own, with the tables."""
    name = postgresql_server.create(empty_postgresql)
    yield postgresql_server.url(name)
    postgresql_server.drop(name)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """Return the kind of database that a test runs on."""
    return str(getattr(request, "param", SQLITE))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what uses a database on both kinds; what asks for the file itself is about SQLite."""
    names = metafunc.fixturenames
    of_sqlite = {"file", "journal"} & set(names)
    is_chosen = any(
        "engine" in mark.args for mark in metafunc.definition.iter_markers("parametrize")
    )
    if "engine" not in names or of_sqlite or is_chosen or server_programs() is None:
        return
    folders = (*ALWAYS, *THOROUGH) if is_thorough() else ALWAYS
    everywhere = metafunc.config.getoption("--both-databases")
    if everywhere or metafunc.definition.nodeid.startswith(folders):
        metafunc.parametrize("engine", (SQLITE, POSTGRESQL), indirect=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--both-databases` to pytest's options."""
    parser.addoption(
        "--both-databases", action="store_true", help="every test of a database on both kinds"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Stop where CI would leave out what needs PostgreSQL."""
    config.addinivalue_line("markers", "postgresql: needs a PostgreSQL server")
    if "CI" in os.environ and server_programs() is None:
        raise pytest.UsageError("PostgreSQL is not installed; CI leaves nothing out.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what needs PostgreSQL where it is not installed."""
    if server_programs() is None:
        items[:] = [item for item in items if not item.get_closest_marker("postgresql")]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once that PostgreSQL is not installed."""
    if server_programs() is None:
        terminalreporter.write_line(
            "PostgreSQL is not installed here: everything ran on SQLite alone."
        )


def _fast_folder() -> str | None:
    return os.environ.get("PYTEST_DEBUG_TEMPROOT")
