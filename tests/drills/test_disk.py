"""The disk is full, the database can only be read, or another program has it for half a minute.

Nothing is said to be saved that is not. Afterwards everything goes on, without a person doing more
than to press Try again where it says so.
"""

import contextlib
import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from storage.backends.sqlite_driver import DRIVER
from storage.database import Database
from tests.drills.fork_server import ForkServer
from tests.drills.scene import Scene, scene
from tests.support.crash_runner import READ_ONLY

HURRIED: dict[str, object] = {
    "storage.backends.sqlite:PRAGMAS": {"busy_timeout": 1500},
    "storage.database:WRITER_TIMEOUT": 1.5,
    "bot.channels.web.guard:DATABASE_TIMEOUT": 0.5,
}
"""A tenth of what the program waits for a database that another has: so half a minute is three
seconds."""


@contextlib.contextmanager
def full_disk(made: Scene, _: Path) -> Iterator[None]:
    """Let no file of the program be written to, its log neither."""
    assert made.program.pid
    hard = resource.prlimit(made.program.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(made.program.pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.prlimit(made.program.pid, resource.RLIMIT_FSIZE, (hard, hard))


@contextlib.contextmanager
def read_only(made: Scene, _: Path) -> Iterator[None]:
    """Let nothing be written to the database."""
    switch = made.program.home / READ_ONLY
    switch.touch()
    try:
        yield
    finally:
        switch.unlink()


@contextlib.contextmanager
def locked(_: Scene, file: Path) -> Iterator[None]:
    """Have the database, as another program might, for longer than anybody waits for it."""
    held = DRIVER.connect(file, isolation_level=None)
    held.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        held.execute("ROLLBACK")
        held.close()


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(full_disk, marks=pytest.mark.slow),
        pytest.param(read_only, marks=pytest.mark.thorough),
        pytest.param(locked, marks=pytest.mark.thorough),
    ],
)
def test_nothing_can_be_saved_for_a_while(
    trouble: Callable[[Scene, Path], AbstractContextManager[None]],
    runner: ForkServer,
    tmp_path: Path,
    file: Path,
    database: Database,
) -> None:
    with scene(runner, tmp_path, database, HURRIED) as made:
        made.ben_is_being_answered()
        with trouble(made, file):
            made.amina_writes()
            made.maya_is_refused()
            made.mira_is_refused()
            made.nothing_is_confirmed()
            for browser, path in ((made.maya.browser, "/chat"), (made.mira.browser, "/desk/queue")):
                shown = browser.try_once("GET", path, {})
                assert shown.status_code == httpx.codes.OK, "what is kept can be read"
            made.nothing_was_saved()
        made.amina_is_answered()
        made.everybody_ends_well()
