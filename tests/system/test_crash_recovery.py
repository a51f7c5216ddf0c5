"""Killed without warning, anywhere: what people answered is there once, never lost or doubled."""

import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Table, func
from sqlalchemy import select as rows_of

from storage.chats import conversations
from storage.database import Database
from storage.referrals import lifecycle
from storage.tables import INBOX, OUTBOX, REFERRAL
from storage.vault import Vault
from tests.harness.telegram_app import SECRET
from tests.support.crash_runner import POINTS
from tests.support.happy_path import answers, way
from tests.support.paths import ROOT
from tests.telegram_server import Person, TelegramServer
from tests.telegram_server.updates import FIRST_UPDATE_ID

PEOPLE = 5
"""How many write at the same time, one conversation after another."""
RANDOM_KILLS = 50
LONGEST_LIFE = 1.0
"""In seconds; shorter where somebody is answered sooner."""
PATIENCE = 30.0
REFERENCE = re.compile(r"[A-Z0-9]{4}-[A-Z0-9]{4}")


class Runner:
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

    def begins(self, **asked: object) -> int:
        """Begin a life as tests/support/crash_runner.py describes it; return its number."""
        assert self._runner.stdin
        self._runner.stdin.write(json.dumps(asked).encode() + b"\n")
        return self.reads()

    def reads(self) -> int:
        """Return the next number that is told."""
        assert self._runner.stdout
        ready, _, _ = select.select([self._runner.stdout], [], [], PATIENCE)
        assert ready, "the life should have ended"
        return int(self._runner.stdout.readline())

    def over(self) -> None:
        """Begin no more lives."""
        self._runner.communicate(timeout=10)


@dataclass
class Program:
    """The program with its settings, one life after the other."""

    runner: Runner
    home: Path
    settings: dict[str, str]
    life: int | None = None

    def begins(self, point: str | None = None, nth: int = 1) -> int:
        """Begin a life that ends at a point, or when it is ended; return its number."""
        home = str(self.home)
        self.life = self.runner.begins(point=point, nth=nth, home=home, settings=self.settings)
        return self.life

    def ended(self) -> int:
        """Wait until the life has ended; return the signal that ended it, 0 for none."""
        how, self.life = self.runner.reads(), None
        return os.WTERMSIG(how)

    def killed(self) -> int:
        """End the life now, if there is one, as nothing can be prepared for."""
        if self.life is None:
            return 0
        os.kill(self.life, signal.SIGKILL)
        return self.ended()


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    """Give what begins lives; importing the program takes it a second or two, once."""
    made = Runner()
    yield made
    made.over()


@dataclass
class Town:
    """People who ask for a call, one after another, until it is enough."""

    server: TelegramServer
    database: Database
    vault: Vault
    enough: threading.Event = field(default_factory=threading.Event)
    sent: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    troubles: list[Exception] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)

    def lives(self) -> None:
        """Let people talk, each to the end, until it is enough."""
        try:
            while not self.enough.is_set():
                self._talks(next(self.numbers))
        except Exception as trouble:  # shown by the test, whose thread this is not
            self.troubles.append(trouble)

    def _talks(self, n: int) -> None:
        letters = "".join(chr(ord("a") + int(digit)) for digit in f"{n:03}")
        person = self.server.person(f"P{n}")
        steps = way(f"Amina {letters}", f"07700 900{n:03}", f"+447700900{n:03}")
        person.opens_link()
        for step in steps:
            _waits_for(person, step.shown)
            if step is steps[-1]:
                assert self._draft(person) == [*answers(steps), ("extra", "")], (
                    "each answer is there, once"
                )
            if step.press:
                person.presses(step.press)
            else:
                person.says(step.say)
        told = person.wait_for(lambda p: REFERENCE.findall(p.last_from_bot.text), PATIENCE)
        self.sent[told[0]] = answers(steps)

    def _draft(self, person: Person) -> list[tuple[str, str]]:
        with self.database.session() as session:
            kept = conversations.recall(
                session.connection(),
                self.vault,
                "telegram",
                str(person.chat_id),
                self.server.clock.today(),
            )
        return [(answer.question, answer.value) for answer in kept.conversation.answers]


def _waits_for(person: Person, words: str) -> None:
    person.wait_for(
        lambda p: any(m.from_bot for m in p.screen) and p.last_from_bot.text.startswith(words),
        PATIENCE,
    )


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _settings(server: TelegramServer, file: Path, mode: str) -> dict[str, str]:
    port = str(_free_port())
    told = {
        "TELEGRAM_BOT_TOKEN": server.token,
        "TELEGRAM_API_URL": server.api_url,
        "TELEGRAM_MODE": mode,
        "DATABASE_URL": f"sqlite:///{file}",
        "VAULT_KEY_FILE": str(file.parent / "vault.json"),
        "PORT": port,
        "LOG_LEVEL": "ERROR",
    }
    if mode == "webhook":
        told["TELEGRAM_WEBHOOK_URL"] = f"http://127.0.0.1:{port}"
        told["TELEGRAM_WEBHOOK_SECRET"] = SECRET
    return told


@contextlib.contextmanager
def a_town(
    mode: str, runner: Runner, file: Path, database: Database, vault: Vault
) -> Iterator[Program]:
    """Give the program while people write to it; afterwards see that all of it is there once."""
    with TelegramServer() as server:
        program = Program(runner, file.parent, _settings(server, file, mode))
        town = Town(server, database, vault)
        people = [threading.Thread(target=town.lives, daemon=True) for _ in range(PEOPLE)]
        for one in people:
            one.start()
        try:
            yield program
            _let_all_end(program, town, people)
        finally:
            town.enough.set()
            program.killed()
        updates = server.account().updates._next - FIRST_UPDATE_ID
    _see_that_all_is_there_once(town, updates)
    told = (file.parent / "told.txt").read_text()
    assert "rj.respond" not in told, "no row failed"
    assert "Traceback" not in told


def _let_all_end(program: Program, town: Town, people: list[threading.Thread]) -> None:
    town.enough.set()
    life = program.begins()
    for one in people:
        one.join(PATIENCE)
    assert not town.troubles, town.troubles
    deadline = time.monotonic() + PATIENCE
    while _count(town, OUTBOX, "waiting") or _count(town, INBOX, "waiting"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(life, signal.SIGTERM)
    assert program.ended() == 0


def _see_that_all_is_there_once(town: Town, updates: int) -> None:
    account = town.server.account()
    assert account.updates.pending() == []
    assert all(query.answered for query in account.queries.values()), "every press is acknowledged"
    assert len(town.sent) >= PEOPLE
    assert _count(town, INBOX, "done") == updates, "each update is handled, once"
    assert _count(town, INBOX, "set_aside") == _count(town, OUTBOX, "given_up") == 0
    with town.database.transaction() as connection:
        found = connection.scalars(rows_of(REFERRAL.c.reference)).all()
        assert sorted(found) == sorted(town.sent), "each referral is there, once"
        for reference, told in town.sent.items():
            now = town.server.clock.today()
            record = lifecycle.open_record(connection, town.vault, reference, "Priya", now)
            assert [(line.question, line.value) for line in record.lines] == told


def _count(town: Town, table: Table, stage: str) -> int:
    with town.database.session() as session:
        rows = rows_of(func.count()).where(table.c.stage == stage)
        return int(session.connection().execute(rows).scalar_one())


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_killed_at_every_labelled_step(
    mode: str, runner: Runner, file: Path, database: Database, vault: Vault
) -> None:
    here = [name for name, point in POINTS.items() if point.only in ("", mode)]
    with a_town(mode, runner, file, database, vault) as program:
        for place, name in enumerate(here):
            program.begins(name, nth=1 + place % 3)
            assert program.ended() == signal.SIGKILL, name


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_killed_at_random_moments(
    mode: str, runner: Runner, file: Path, database: Database, vault: Vault
) -> None:
    dice = Random(20_260_302)
    with a_town(mode, runner, file, database, vault) as program:
        program.begins("marked and committed", nth=2)
        begun = time.monotonic()
        assert program.ended() == signal.SIGKILL
        longest = min(LONGEST_LIFE, 1.5 * (time.monotonic() - begun))
        for _ in range(RANDOM_KILLS):
            program.begins()
            time.sleep(dice.uniform(0, longest))
            assert program.killed() == signal.SIGKILL
