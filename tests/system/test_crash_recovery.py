"""Killed without warning, anywhere: what people answered is there once, never lost or doubled.

So is what staff did. With KILLS=200 in the environment there are so many random kills in each mode,
on each kind of database.
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from storage.database import Database
from tests.drills.fork_server import ForkServer
from tests.drills.load import running_under_load
from tests.harness.programs.postgresql import POSTGRESQL
from tests.harness.thorough import is_thorough
from tests.support.crash_runner import KILL_POINTS

RANDOM_KILLS = int(os.environ.get("KILLS", 20 if is_thorough() else 10))
WORKERS = 4
WORKER_KILLS = int(os.environ.get("KILLS", 10))
KILLS_BEFORE_REST, REST = 10, 8.0
"""After how many kills of workers everybody is left alone, for so many seconds."""
LONGEST_LIFE = 1.0
"""In seconds; shorter where somebody is answered sooner."""


@pytest.mark.parametrize("mode", ["polling", pytest.param("webhook", marks=pytest.mark.slow)])
def test_killed_at_every_kill_point(
    mode: str, runner: ForkServer, tmp_path: Path, database: Database
) -> None:
    own = [name for name, point in KILL_POINTS.items() if point.mode == mode]
    shared = [name for name, point in KILL_POINTS.items() if not point.mode]
    # Each point once: those that both modes have are shared out between them, by their order.
    turn = ["polling", "webhook"].index(mode)
    # What goes by polling on one kind of database goes by webhook on the other.
    turn ^= database.backend.is_shared
    here = own + [name for n, name in enumerate(shared) if n % 2 == turn]
    with running_under_load(mode, [runner], tmp_path, database, pages=False) as [program]:
        for place, name in enumerate(here):
            program.start(name, nth=1 + place % 3)
            assert program.wait() == signal.SIGKILL, name


@pytest.mark.parametrize("mode", ["polling", pytest.param("webhook", marks=pytest.mark.slow)])
def test_killed_at_random_moments(
    mode: str, runner: ForkServer, tmp_path: Path, database: Database
) -> None:
    dice = Random(20_260_302)
    with running_under_load(mode, [runner], tmp_path, database) as [program]:
        program.start("marked and committed", nth=2)
        begun = time.monotonic()
        assert program.wait() == signal.SIGKILL
        longest = min(LONGEST_LIFE, 1.5 * (time.monotonic() - begun))
        for _ in range(RANDOM_KILLS):
            program.start()
            time.sleep(dice.uniform(0, longest))
            assert program.kill() == signal.SIGKILL


@pytest.fixture(scope="module")
def runners(runner: ForkServer) -> Iterator[list[ForkServer]]:
    """Give what begins the lives of several programs at the same time."""
    more = [ForkServer() for _ in range(WORKERS - 1)]
    yield [runner, *more]
    for one in more:
        one.close()


@pytest.mark.postgresql
@pytest.mark.parametrize("engine", [POSTGRESQL], indirect=True)
def test_workers_on_one_database_killed_at_random_moments(
    runners: list[ForkServer], tmp_path: Path, database: Database
) -> None:
    dice = Random(20_261_127)
    with running_under_load("polling", runners, tmp_path, database) as programs:
        for program in programs:
            program.start()
        time.sleep(LONGEST_LIFE)
        for kills in range(WORKER_KILLS):
            # Who polls is elected anew each time; without a rest nobody is answered for minutes.
            rest = REST if kills and kills % KILLS_BEFORE_REST == 0 else 0.0
            time.sleep(rest + dice.uniform(0, LONGEST_LIFE))
            program = dice.choice(programs)
            assert program.kill() == signal.SIGKILL
            program.start()
        for program in programs[1:]:
            program.kill()
