"""Killed without warning, anywhere: what people answered is there once, never lost or doubled."""

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Table, func
from sqlalchemy import select as rows_of

from storage.chats import conversations
from storage.chats.inbox import InboxStage
from storage.chats.outbox import OutboxStage
from storage.database import Database
from storage.referrals import lifecycle
from storage.tables import INBOX, OUTBOX, REFERRAL
from tests.harness.programs.postgresql import POSTGRESQL
from tests.harness.telegram_app import WEBHOOK_SECRET
from tests.harness.thorough import is_thorough
from tests.support.crash_runner import KILL_POINTS
from tests.support.happy_path import expected_answers, happy_path
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.telegram_server import TelegramServer, TelegramUser
from tests.telegram_server.updates import FIRST_UPDATE_ID

PEOPLE = 5
"""How many write at the same time, one conversation after another."""
RANDOM_KILLS = 50 if is_thorough() else 10
WORKERS = 4
WORKER_KILLS = 10
LONGEST_LIFE = 1.0
"""In seconds; shorter where somebody is answered sooner."""
PATIENCE = 120.0
REFERENCE = re.compile(r"[A-Z0-9]{4}-[A-Z0-9]{4}")


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
    pid: int | None = None

    def start(self, point: str | None = None, nth: int = 1) -> int:
        """Begin a life that ends at a point, or when it is ended; return its number."""
        home = str(self.home)
        self.pid = self.runner.start_child(point=point, nth=nth, home=home, settings=self.settings)
        return self.pid

    def wait(self) -> int:
        """Wait until the life has ended; return the signal that ended it, 0 for none."""
        how, self.pid = self.runner.read_number(), None
        return os.WTERMSIG(how)

    def kill(self) -> int:
        """End the life now, if there is one, as nothing can be prepared for."""
        if self.pid is None:
            return 0
        os.kill(self.pid, signal.SIGKILL)
        return self.wait()


@pytest.fixture(scope="module")
def runner() -> Iterator[ForkServer]:
    """Give what begins lives; importing the program takes it a second or two, once."""
    made = ForkServer()
    yield made
    made.close()


@dataclass
class LoadGenerator:
    """People who ask for a call, one after another, until it is enough."""

    server: TelegramServer
    database: Database
    stop: threading.Event = field(default_factory=threading.Event)
    sent: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    errors: list[Exception] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)

    def run_person(self) -> None:
        """Let people talk, each to the end, until it is enough."""
        try:
            while not self.stop.is_set():
                self._one_conversation(next(self.numbers))
        except Exception as trouble:  # shown by the test, whose thread this is not
            self.errors.append(trouble)

    def _one_conversation(self, n: int) -> None:
        letters = "".join(chr(ord("a") + int(digit)) for digit in f"{n:03}")
        person = self.server.person(f"P{n}")
        steps = happy_path(f"Amina {letters}", f"07700 900{n:03}", f"+447700900{n:03}")
        person.opens_link()
        for step in steps:
            _wait_for_text(person, step.shown)
            if step is steps[-1]:
                assert self._draft_answers(person) == [*expected_answers(steps), ("extra", "")], (
                    "each answer is there, once"
                )
            if step.press:
                person.presses(step.press)
            else:
                person.says(step.say)
        told = person.wait_for(lambda p: REFERENCE.findall(p.last_from_bot.text), PATIENCE)
        self.sent[told[0]] = expected_answers(steps)

    def _draft_answers(self, person: TelegramUser) -> list[tuple[str, str]]:
        with self.database.reading(self.server.clock()) as unit:
            kept = conversations.load_conversation(unit, "telegram", str(person.chat_id))
        return [(answer.question, answer.value) for answer in kept.conversation.answers]


def _wait_for_text(person: TelegramUser, words: str) -> None:
    person.wait_for(
        lambda p: any(m.from_bot for m in p.screen) and p.last_from_bot.text.startswith(words),
        PATIENCE,
    )


def _settings(server: TelegramServer, url: str, home: Path, mode: str) -> dict[str, str]:
    port = str(free_port())
    told = {
        "TELEGRAM_BOT_TOKEN": server.token,
        "TELEGRAM_API_URL": server.api_url,
        "TELEGRAM_MODE": mode,
        "DATABASE_URL": url,
        "VAULT_KEY_FILE": str(home / "vault.json"),
        "PORT": port,
        "LOG_LEVEL": "ERROR",
    }
    if mode == "webhook":
        told["TELEGRAM_WEBHOOK_URL"] = f"http://127.0.0.1:{port}"
        told["TELEGRAM_WEBHOOK_SECRET"] = WEBHOOK_SECRET
    return told


@contextlib.contextmanager
def running_under_load(
    mode: str, runners: list[ForkServer], home: Path, database: Database, **more: str
) -> Iterator[list[ChildProgram]]:
    """Give the programs while people write to them; afterwards see that all of it is there once.

    The URL of the database holds no password, so that it can be told. `more` are other settings.
    """
    url = str(database.backend.writer.url)
    with TelegramServer() as server:
        programs = [
            ChildProgram(runner, home, {**_settings(server, url, home, mode), **more})
            for runner in runners
        ]
        town = LoadGenerator(server, database)
        people = [threading.Thread(target=town.run_person, daemon=True) for _ in range(PEOPLE)]
        for one in people:
            one.start()
        try:
            yield programs
            _drain(programs[0], town, people)
        finally:
            town.stop.set()
            for program in programs:
                program.kill()
        updates = server.account().updates._next - FIRST_UPDATE_ID
    _check_all_stored_once(town, updates)
    told = (home / "told.txt").read_text()
    assert "rj.respond" not in told, "no row failed"
    assert "Traceback" not in told


def _drain(program: ChildProgram, town: LoadGenerator, people: list[threading.Thread]) -> None:
    town.stop.set()
    life = program.pid or program.start()
    for one in people:
        one.join(PATIENCE)
    assert not town.errors, town.errors
    deadline = time.monotonic() + PATIENCE
    while _count(town, OUTBOX, OutboxStage.WAITING) or _count(town, INBOX, InboxStage.WAITING):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(life, signal.SIGTERM)
    assert program.wait() == 0


def _check_all_stored_once(town: LoadGenerator, updates: int) -> None:
    account = town.server.account()
    assert account.updates.pending() == []
    assert all(query.answered for query in account.queries.values()), "every press is acknowledged"
    assert len(town.sent) >= PEOPLE
    assert _count(town, INBOX, InboxStage.DONE) == updates, "each update is handled, once"
    assert (
        _count(town, INBOX, InboxStage.SET_ASIDE) == _count(town, OUTBOX, OutboxStage.GIVEN_UP) == 0
    )
    with town.database.unit() as unit:
        found = unit.conn.scalars(rows_of(REFERRAL.c.reference)).all()
        assert sorted(found) == sorted(town.sent), "each referral is there, once"
        for reference, told in town.sent.items():
            now = town.server.clock()
            record = lifecycle.open_record(replace(unit, now=now), reference, "Priya")
            assert [(line.question, line.value) for line in record.lines] == told


def _count(town: LoadGenerator, table: Table, stage: InboxStage | OutboxStage) -> int:
    with town.database.reading() as unit:
        rows = rows_of(func.count()).where(table.c.stage == stage)
        return int(unit.conn.execute(rows).scalar_one())


@pytest.mark.parametrize("mode", ["polling", "webhook"])
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
    with running_under_load(mode, [runner], tmp_path, database) as [program]:
        for place, name in enumerate(here):
            program.start(name, nth=1 + place % 3)
            assert program.wait() == signal.SIGKILL, name


@pytest.mark.parametrize("mode", ["polling", "webhook"])
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
        for _ in range(WORKER_KILLS):
            time.sleep(dice.uniform(0, LONGEST_LIFE))
            program = dice.choice(programs)
            assert program.kill() == signal.SIGKILL
            program.start()
        for program in programs[1:]:
            program.kill()
