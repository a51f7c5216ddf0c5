"""A clean root for what is shipped: the system's programs, what a test adds, and nothing else.

Made by Debian's bubblewrap, of the parts of Linux that a container or a hardened unit is made of.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import pytest

BUBBLEWRAP = "bwrap"
PATIENCE = 60.0
_NO_SANDBOX = "There is no bubblewrap here, or no leave to use it: deploy/ was not walked."


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A root where a program runs as somebody without any right: `writable` alone can be written.

    Keys are paths inside, values paths on this machine. The network is this machine's own.
    """

    user: int
    folder: str = "/"
    readable: Mapping[str, Path] = field(default_factory=dict)
    writable: Mapping[str, Path] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    has_programs: bool = True

    def including(self, **environment: str) -> "Sandbox":
        """Return the same root with more in its environment."""
        return replace(self, environment={**self.environment, **environment})

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end; return how it ended and what it said."""
        return subprocess.run(
            [*self._root(), "--", *command],
            capture_output=True,
            text=True,
            timeout=5 * PATIENCE,
            check=False,
        )

    @contextmanager
    def running(self, command: Sequence[str], log: Path, stops_within: float) -> Iterator[None]:
        """Run a command as the first process of a container; it ends in peace when it is told to.

        As such it gets no signal that it does not handle. `stops_within` is in seconds; after that
        whoever runs it would kill it.
        """
        reader, writer = os.pipe()
        with log.open("ab") as said, os.fdopen(reader) as told:
            child = subprocess.Popen(
                [*self._root(), "--as-pid-1", "--info-fd", str(writer), "--", *command],
                stdout=said,
                stderr=said,
                pass_fds=(writer,),
            )
            os.close(writer)
            try:
                inside = json.load(told)["child-pid"]
                yield
                os.kill(inside, signal.SIGTERM)
                assert child.wait(stops_within) == 0, log.read_text()
            finally:
                child.kill()
                child.wait()

    def _root(self) -> list[str]:
        words = [BUBBLEWRAP, "--unshare-all", "--share-net", "--die-with-parent", "--clearenv"]
        words += ["--cap-drop", "ALL", "--uid", str(self.user), "--gid", str(self.user)]
        words += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108
        for inside, here in {**_system(self.has_programs), **self.readable}.items():
            words += ["--ro-bind", str(here), inside]
        for inside, here in self.writable.items():
            words += ["--bind", str(here), inside]
        for name, value in self.environment.items():
            words += ["--setenv", name, value]
        return [*words, "--remount-ro", "/", "--chdir", self.folder]


def _system(has_programs: bool) -> dict[str, Path]:
    """Return what every root has: the libraries, the public roots of TLS, and a Python.

    Without programs there is none but that Python: no shell either.
    """
    python = Path(sys.base_prefix)
    libraries = ["/usr/lib", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/ssl/certs", str(python)]
    programs = ["/usr", "/bin", "/sbin", "/etc/passwd", "/etc/group", "/etc/resolv.conf"]
    if python == Path("/usr"):
        libraries[-1] = str(Path(sys.executable).resolve())
    wanted = libraries + (programs if has_programs else [])
    return {place: Path(place) for place in sorted(wanted) if Path(place).exists()}


@cache
def has_sandbox() -> bool:
    """Return whether a sandbox can be made here."""
    if shutil.which(BUBBLEWRAP) is None:
        return False
    return Sandbox(1).run("/usr/bin/true").returncode == 0


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark."""
    config.addinivalue_line("markers", "sandbox: walks what is shipped in a root of its own")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what needs a sandbox where none can be made."""
    if any(item.get_closest_marker("sandbox") for item in items) and not has_sandbox():
        items[:] = [item for item in items if not item.get_closest_marker("sandbox")]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once that no sandbox can be made."""
    if not has_sandbox():
        terminalreporter.write_line(_NO_SANDBOX)
