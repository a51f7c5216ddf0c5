"""The program as it is installed: a folder of its own, and child processes."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.__main__ import app
from storage.vault import Vault
from tests.harness.telegram_app import WEBHOOK_SECRET
from tests.support.happy_path import PathStep, happy_path
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.telegram_server import TelegramServer, TelegramUser

REFERENCE = re.compile(r"[A-Z0-9]{4}-[A-Z0-9]{4}")
PATIENCE = 120.0


class InstalledProgram:
    """A folder of its own, with a key, a database and no .env, where the program is run."""

    def __init__(
        self, home: Path, server: TelegramServer, mode: str, has_key: bool = True, **more: str
    ) -> None:
        if has_key:
            Vault.open(home / "key.json", create=True)
        port = str(free_port())
        self._home = home
        self._environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "PYTHONPATH": str(ROOT),
            "TELEGRAM_BOT_TOKEN": server.token,
            "TELEGRAM_API_URL": server.api_url.removesuffix("/bot"),
            "TELEGRAM_MODE": mode,
            "TELEGRAM_WEBHOOK_URL": f"http://127.0.0.1:{port}",
            "TELEGRAM_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "DATABASE_URL": f"sqlite:///{home / 'rj.db'}",
            "VAULT_KEY_FILE": str(home / "key.json"),
            "PORT": port,
            **more,
        }

    @contextmanager
    def running(self, part: str) -> Iterator[None]:
        """Run a part of the program; it ends in peace when it is told to."""
        told = self._home / "told.txt"
        with told.open("wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "bot", part],
                cwd=self._home,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
            try:
                yield
                child.send_signal(signal.SIGTERM)
                assert child.wait(PATIENCE) == 0
            finally:
                child.kill()
                child.wait()
        assert told.read_text() == "", "nothing went wrong, so nothing was said"

    def rj(self, *words: str) -> str:
        """Run one command of the command line; return what it printed."""
        done = self._run(*words)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def rj_refused(self, *words: str) -> str:
        """Run one command that cannot be done; return why not."""
        done = self._run(*words)
        assert (done.returncode, done.stdout) == (1, "")
        return done.stderr

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bot", *words],
            cwd=self._home,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def rj_json(self, *words: str) -> Any:
        """Return what a command prints with --json; it runs in this process, which is quicker."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self._home)
            for name, value in self._environment.items():
                patch.setenv(name, value)
            done = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
        assert (done.exit_code, done.stderr) == (0, "")
        return json.loads(done.stdout)


def ask_for_a_call(server: TelegramServer) -> str:
    """Let somebody go the whole way; return the reference that they are told."""
    amina = server.person("Amina")
    amina.opens_link("leaflet")
    go_through(amina, happy_path())
    return told_reference(amina)


def go_through(person: TelegramUser, steps: Sequence[PathStep]) -> None:
    """Let a person do these steps, each once it is asked for."""
    for step in steps:
        wait_for_text(person, step.shown)
        if step.press:
            person.presses(step.press)
        else:
            person.says(step.say)


def wait_for_text(person: TelegramUser, words: str) -> None:
    """Wait until one of the last two messages begins with these words."""
    person.wait_for(
        lambda p: any(m.from_bot and m.text.startswith(words) for m in p.screen[-2:]), PATIENCE
    )


def told_reference(person: TelegramUser) -> str:
    """Wait for the reference that a person is told in the end; return it."""
    found: list[str] = person.wait_for(lambda p: REFERENCE.findall(p.last_from_bot.text), PATIENCE)
    person.settled(timeout=PATIENCE)
    assert person.spinning == []
    return found[0]
