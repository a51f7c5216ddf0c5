"""The systemd units of deploy/, walked: checked by systemd, their commands run in a clean root."""

import re
import shutil
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from storage.backups.archive import make_recovery_key
from storage.vault import Vault
from tests.harness.programs.postgresql import PostgresqlServer
from tests.harness.programs.sandbox import PATIENCE, Sandbox
from tests.support.paths import ROOT
from tests.support.ports import free_port

UNITS = ROOT / "deploy" / "systemd"
STATE, PROGRAM = "/var/lib/rj", "/opt/rj"
USER_RJ = 993
"""The number that a system user like rj is given; any will do that is not root's."""
NAMES = sorted(file.name.replace("@.", "@8000.") for file in UNITS.iterdir() if file.suffix != ".d")
SERVICES = [name for name in NAMES if name.endswith(".service")]
EXPOSURE_CEILING = 2.0
"""Of ten, by systemd's own count; from 2.5 on it no longer calls a service OK."""

pytestmark = pytest.mark.sandbox


class Machine:
    """A machine on which the units are installed as docs/deployment.md says."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self._folder = folder
        for name in ("etc", "state"):
            (folder / name).mkdir()
        Vault.open(folder / "etc" / "rj.key", create=True)
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        (folder / "etc" / "env").write_text(lines)
        self.state = folder / "state"

    def start(self, name: str) -> tuple[Sandbox, list[str], float]:
        """Return how systemd would start a unit: where, the command, and when it would kill it."""
        told = read_unit(name)
        (folder,) = told["WorkingDirectory"]
        environment = dict(one.split("=", 1) for one in told["Environment"])
        for file in told["EnvironmentFile"]:
            assert file == "-/etc/rj/env"
            lines = (self._folder / "etc" / "env").read_text().splitlines()
            environment |= dict(line.split("=", 1) for line in lines)
        for place in told["StateDirectory"]:
            (self.state / Path(place).relative_to("rj")).mkdir(exist_ok=True)
        (command,) = told["ExecStart"]
        root = Sandbox(
            USER_RJ,
            folder,
            {**program_files(), "/etc/rj": self._folder / "etc"},
            {STATE: self.state},
            environment,
        )
        return root, command.split(), float(told["TimeoutStopSec"][-1])


def read_unit(name: str) -> Mapping[str, list[str]]:
    """Return every line of a unit, with what all of them share, by its name."""
    template, _, instance = name.removesuffix(".service").partition("@")
    file = UNITS / (f"{template}@.service" if instance else name)
    shared = UNITS / ("rj.service.d" if template == "rj" else "rj-.service.d")
    lines: dict[str, list[str]] = {}
    for text in (file.read_text(), *(one.read_text() for one in sorted(shared.iterdir()))):
        for key, value in re.findall(r"(?m)^(\w+)=(.*)$", text.replace("%i", instance)):
            lines.setdefault(key, []).append(value)
    return lines


def program_files() -> dict[str, Path]:
    """Return where the program is, as it is installed: a checkout with its .venv."""
    parts = ("bot", "flows", "storage", "deploy")
    return {
        **{f"{PROGRAM}/{part}": ROOT / part for part in parts},
        f"{PROGRAM}/.venv": Path(sys.prefix),
    }


def wait_until_well(port: int) -> None:
    """Wait until the health page of a program says that all is well."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            answer = httpx.get(f"http://127.0.0.1:{port}/health")
        except httpx.TransportError:
            assert time.monotonic() < until, "nothing was served"
            time.sleep(0.1)
        else:
            assert (answer.status_code, answer.text) == (httpx.codes.OK, "ok")
            return


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="There is no systemd-analyze here."
)
def test_systemd_finds_nothing_wrong_and_little_exposed(tmp_path: Path) -> None:
    installed = {**program_files(), "/etc/systemd/system": UNITS}
    root = Sandbox(USER_RJ, readable=installed, writable={"/run": tmp_path})
    found = root.run("systemd-analyze", "verify", "--man=no", "--generators=no", *NAMES)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
    for name in SERVICES:
        rated = root.run("systemd-analyze", "security", "--offline=yes", "--no-pager", name)
        (exposure,) = re.findall(r"Overall exposure level for .*: ([\d.]+)", rated.stdout)
        assert float(exposure) <= EXPOSURE_CEILING, rated.stdout


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".timer")])
def test_a_timer_has_the_service_that_it_starts(name: str) -> None:
    assert (UNITS / name).with_suffix(".service").exists()


@pytest.mark.slow
def test_the_one_process_starts_as_shipped_and_is_backed_up(tmp_path: Path) -> None:
    port = free_port()
    public_key = make_recovery_key(tmp_path / "recovery.key")
    machine = Machine(tmp_path, PORT=str(port), BACKUP_RECIPIENT=public_key)
    root, command, patience = machine.start("rj.service")
    with root.running(command, tmp_path / "said.txt", patience):
        wait_until_well(port)
        for name in ("rj-backup.service", "rj-erasures.service"):
            beside, backup, _ = machine.start(name)
            done = beside.run(*backup)
            assert done.returncode == 0, done.stderr
    assert (tmp_path / "said.txt").read_text().startswith("TELEGRAM_BOT_TOKEN is not set")
    kinds = sorted(file.name.partition("-")[0] for file in (machine.state / "backups").iterdir())
    assert kinds == ["backup", "erasures"]
    assert (machine.state / "rj.db").stat().st_mode & 0o777 == 0o600
    refused = root.run("/usr/bin/touch", f"{PROGRAM}/bot/new.py")
    assert "Read-only file system" in refused.stderr


@pytest.mark.thorough
@pytest.mark.postgresql
def test_workers_and_pages_that_start_at_once_share_an_empty_database(
    tmp_path: Path, postgresql_server: PostgresqlServer
) -> None:
    ports = [free_port(), free_port()]
    url = postgresql_server.url(postgresql_server.create())
    machine = Machine(tmp_path, DATABASE_URL=url)
    names = ["rj-bot@1.service", "rj-bot@2.service", *(f"rj-web@{one}.service" for one in ports)]
    with ExitStack() as stack:
        for name in names:
            root, command, patience = machine.start(name)
            stack.enter_context(root.running(command, tmp_path / f"{name}.txt", patience))
        for port in ports:
            wait_until_well(port)
    assert list(machine.state.iterdir()) == []
