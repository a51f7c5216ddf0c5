"""The program is stopped, or PostgreSQL is, while many people are in the middle of something."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from storage.database import Database
from storage.vault import Vault
from tests.drills.browsers import until
from tests.drills.fork_server import ChildProgram, ForkServer
from tests.drills.load import running_under_load, url_of
from tests.drills.scene import scene
from tests.drills.test_disk import locked
from tests.harness.clock import FakeClock
from tests.harness.programs.postgresql import PostgresqlServer, server_programs

STOPS = 4
LIFE_SECONDS = 1.0


@pytest.mark.thorough
def test_stopped_again_and_again_under_load(
    runner: ForkServer, tmp_path: Path, database: Database
) -> None:
    with running_under_load("polling", [runner], tmp_path, database) as [program]:
        for _ in range(STOPS):
            program.start()
            time.sleep(LIFE_SECONDS)
            assert program.stop() == 0


@pytest.mark.slow
def test_what_is_asked_when_the_program_is_stopped_is_answered(
    runner: ForkServer, tmp_path: Path, file: Path, database: Database
) -> None:
    """Maya's and Mira's forms wait for a database that another program has just then."""
    with scene(runner, tmp_path, database) as made, ThreadPoolExecutor() as threads:
        asked = ((made.maya.browser, made.typed), (made.mira.browser, made.note))
        with locked(made, file):
            sent = [threads.submit(one.try_once, "POST", *form) for one, form in asked]
            made.amina_writes()
            time.sleep(LIFE_SECONDS)
            assert made.program.pid
            os.kill(made.program.pid, signal.SIGTERM)
            time.sleep(LIFE_SECONDS)
        assert [one.result().status_code for one in sent] == [httpx.codes.SEE_OTHER] * 2
        assert made.program.wait() == 0
        made.program.start()
        made.amina_is_answered()
        made.everybody_ends_well()


@pytest.fixture
def own_server() -> Iterator[PostgresqlServer]:
    """Give a server that nobody else uses, so that it can be stopped."""
    programs = server_programs()
    assert programs
    server = PostgresqlServer(programs)
    yield server
    server.remove()


def is_serving(program: ChildProgram) -> bool:
    """Return whether the pages of a program can be had."""
    try:
        return httpx.get(url_of(program)).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@pytest.mark.postgresql
@pytest.mark.thorough
def test_postgresql_is_started_anew_under_load(
    own_server: PostgresqlServer, runner: ForkServer, tmp_path: Path, vault: Vault
) -> None:
    database = Database(own_server.url(own_server.create()), vault, FakeClock(None))
    database.migrate()
    try:
        with running_under_load("polling", [runner], tmp_path, database) as [program]:
            life = program.start()
            # One that finds no database when it begins says so and ends.
            until(lambda: is_serving(program))
            for mode in ("fast", "immediate"):
                time.sleep(LIFE_SECONDS)
                own_server.stop(mode)
                own_server.start()
            os.kill(life, 0)  # it goes on by itself
    finally:
        database.close()
