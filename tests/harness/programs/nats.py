"""A NATS server of the tests' own, where it is installed; loaded as a pytest plugin."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.certificates import make_certificate
from tests.support.ports import free_port

USER, PASSWORD = "rj", "canary:of@a/password"  # what has to be percent-encoded is in it
UNPRIVILEGED = "nobody"
"""The account that runs the server when root runs the tests."""
PATIENCE = 20.0


def server_program() -> str | None:
    """Return the server's program, None where it is not installed."""
    return shutil.which("nats-server", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class NatsServer:
    """One server on the loopback with JetStream; what it stores outlives a kill."""

    def __init__(
        self, has_jetstream: bool = True, has_tls: bool = False, permissions: str = ""
    ) -> None:
        """Make its folder and configuration; `permissions` are those of its user, "" for all."""
        self.port, self._permissions = free_port(), permissions
        self._folder = Path(tempfile.mkdtemp(prefix="rj-nats-", dir=_fast_folder()))
        self._process: subprocess.Popen[bytes] | None = None
        store = self._folder / "store"
        store.mkdir()
        key, self.certificate = make_certificate(self._folder)
        tls = f'tls {{ cert_file: "{self.certificate}", key_file: "{key}" }}'
        if os.geteuid() == 0:
            self._folder.chmod(0o755)
            for own in (store, key):
                shutil.chown(own, UNPRIVILEGED)
        self._lines = [f'listen: "127.0.0.1:{self.port}"', *[tls] * has_tls]
        self._lines += [f'jetstream {{ store_dir: "{store}" }}'] * has_jetstream
        self.set_password(PASSWORD)

    def set_password(self, password: str) -> None:
        """Have its user sign in by a password from its next start on."""
        user = f'user: "{USER}", password: "{password}", permissions: {{ {self._permissions} }}'
        consumer = 'user: "cases", password: "PASSWORD"'  # as in README.md
        known = f"authorization {{ users: [{{ {user} }}, {{ {consumer} }}] }}"
        (self._folder / "nats.conf").write_text("\n".join([*self._lines, known]))

    def url(self, password: str = PASSWORD, scheme: str = "nats") -> str:
        """Return its address, as EVENTS_URL has it."""
        return f"{scheme}://{USER}:{quote(password, safe='')}@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; returns once it can be connected to."""
        program = server_program()
        assert program, "the NATS server is not installed"
        self._process = subprocess.Popen(
            [program, "--config", self._folder / "nats.conf"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=UNPRIVILEGED if os.geteuid() == 0 else None,
            cwd="/",
        )
        deadline = time.monotonic() + PATIENCE
        while not self._is_ready():
            assert self._process.poll() is None, "it has ended"
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def kill(self) -> None:
        """End it now, as nothing can be prepared for."""
        if self._process:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(PATIENCE)
            self._process = None

    def remove(self) -> None:
        """End it and delete all that it wrote."""
        self.kill()
        shutil.rmtree(self._folder)

    def _is_ready(self) -> bool:
        # It listens once the streams of its store are there again.
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as line:
                return line.recv(5) == b"INFO "
        except OSError:
            return False


@contextmanager
def running(server: NatsServer) -> Iterator[NatsServer]:
    """Run a server; whatever happens, it is gone afterwards."""
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def nats_server() -> Iterator[NatsServer]:
    """Give a server of this test's own, started."""
    with running(NatsServer()) as server:
        yield server


def pytest_configure(config: pytest.Config) -> None:
    """Stop where CI would leave out what needs a NATS server."""
    config.addinivalue_line("markers", "nats: needs a NATS server")
    if "CI" in os.environ and server_program() is None:
        raise pytest.UsageError("The NATS server is not installed; CI leaves nothing out.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what needs a NATS server where it is not installed."""
    if server_program() is None:
        items[:] = [item for item in items if not item.get_closest_marker("nats")]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once that the NATS server is not installed."""
    if server_program() is None:
        terminalreporter.write_line(
            "The NATS server is not installed here: the relay of events was not tested."
        )


def _fast_folder() -> str | None:
    return os.environ.get("PYTEST_DEBUG_TEMPROOT")
