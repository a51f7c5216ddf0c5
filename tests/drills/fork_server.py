"""Lives of the real program: begun in a moment, and ended by a signal; a pytest plugin."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PATIENCE = 120.0


class ForkServer:
    """Begins lives of the program, one after the other."""

    def __init__(self) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self._runner = subprocess.Popen(
            [sys.executable, "-m", "tests.support.crash_runner"],
            cwd=ROOT,
            env=kept,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )

    def start_child(self, **asked: object) -> int:
        """Begin a life as tests/support/crash_runner.py describes it; return its number."""
        assert self._runner.stdin
        self._runner.stdin.write(json.dumps(asked).encode() + b"\n")
        return self.read_number()

    def read_number(self) -> int:
        """Return the next number that is told."""
        assert self._runner.stdout
        ready, _, _ = select.select([self._runner.stdout], [], [], PATIENCE)
        assert ready, "the life should have ended"
        return int(self._runner.stdout.readline())

    def close(self) -> None:
        """Begin no more lives."""
        self._runner.communicate(timeout=10)


@dataclass
class ChildProgram:
    """The program with its settings, one life after the other."""

    runner: ForkServer
    home: Path
    settings: dict[str, str]
    constants: dict[str, object] = field(default_factory=dict)
    """What is changed in the program: an attribute of a module, "module:name", and its value."""
    pid: int | None = None

    def start(self, point: str | None = None, nth: int = 1) -> int:
        """Begin a life that ends at a point, or when it is ended; return its number."""
        self.pid = self.runner.start_child(
            point=point,
            nth=nth,
            home=str(self.home),
            settings=self.settings,
            constants=self.constants,
        )
        return self.pid

    def wait(self) -> int:
        """Wait until the life has ended; return the signal that ended it, 0 for none."""
        how, self.pid = self.runner.read_number(), None
        return os.WTERMSIG(how)

    def stop(self) -> int:
        """Ask the life to end; return the signal that ended it, 0 for none."""
        assert self.pid
        os.kill(self.pid, signal.SIGTERM)
        return self.wait()

    @property
    def log(self) -> str:
        """Return all that its lives have written."""
        return (self.home / "told.txt").read_text()

    def kill(self) -> int:
        """End the life now, if there is one, as nothing can be prepared for."""
        if self.pid is None:
            return 0
        os.kill(self.pid, signal.SIGKILL)
        return self.wait()


@pytest.fixture(scope="session")
def runner() -> Iterator[ForkServer]:
    """Give what begins lives; importing the program takes it a second or two, once."""
    made = ForkServer()
    yield made
    made.close()
