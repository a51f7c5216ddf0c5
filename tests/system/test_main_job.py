"""The main job, with the real program: from /start to a reference, and on to the staff queue."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.__main__ import app
from storage.vault import Vault
from tests.harness.telegram_app import WEBHOOK_SECRET
from tests.support.happy_path import expected_answers, happy_path
from tests.support.paths import ROOT
from tests.telegram_server import TelegramServer

REFERENCE = re.compile(r"[A-Z0-9]{4}-[A-Z0-9]{4}")
PATIENCE = 120.0
ENTRY = {"reference", "queue", "due", "stage", "owner", "flags", "urgent", "late", "may_contact"}
RECORD = {"reference", "journey", "lines", "safe_contact", "consent", "stage", "acts", "steps"}


class InstalledProgram:
    """A folder of its own, with a key, a database and no .env, where the program is run."""

    def __init__(self, home: Path, server: TelegramServer, mode: str) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = str(taken.getsockname()[1])
        Vault.open(home / "key.json", create=True)
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
        done = subprocess.run(
            [sys.executable, "-m", "bot", *words],
            cwd=self._home,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

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
    for step in happy_path():
        words = step.shown
        amina.wait_for(
            lambda p, w=words: any(m.from_bot and m.text.startswith(w) for m in p.screen[-2:]),  # type: ignore[misc]
            PATIENCE,
        )
        if step.press:
            amina.presses(step.press)
        else:
            amina.says(step.say)
    found: list[str] = amina.wait_for(lambda p: REFERENCE.findall(p.last_from_bot.text), PATIENCE)
    amina.settled(timeout=PATIENCE)
    assert amina.spinning == []
    return found[0]


def test_from_start_to_a_reference_number_through_a_webhook(tmp_path: Path) -> None:
    with TelegramServer() as server:
        machine = InstalledProgram(tmp_path, server, "webhook")
        with machine.running("serve"):
            reference = ask_for_a_call(server)
            assert reference in machine.rj("queue"), "while people are met, too"
    (entry,) = machine.rj_json("queue")
    assert entry["reference"] == reference
    assert (entry["stage"], entry["owner"]) == ("new", None)
    assert set(entry) >= ENTRY


def test_staff_claim_read_and_close_what_was_asked_for_by_polling(tmp_path: Path) -> None:
    with TelegramServer() as server:
        machine = InstalledProgram(tmp_path, server, "polling")
        with machine.running("bot"):
            reference = ask_for_a_call(server)
    assert machine.rj_json("queue", "claim", reference, "--as", "Priya") == {
        "reference": reference,
        "claimed": True,
        "owner": "Priya",
    }
    record = machine.rj_json("queue", "open", reference, "--as", "Priya")
    assert set(record) >= RECORD
    assert [(line["question"], line["value"]) for line in record["lines"]] == expected_answers(
        happy_path()
    )
    assert [step["act"] for step in record["steps"]] == ["handed_over", "claim", "opened"]
    for act, stage in (("spoke", "in_touch"), ("close", "closed")):
        done = machine.rj_json("queue", "step", reference, act, "--as", "Priya")
        assert done == {"reference": reference, "act": act, "stage": stage}
    assert machine.rj_json("queue") == []
    assert [e["reference"] for e in machine.rj_json("queue", "--all")] == [reference]
