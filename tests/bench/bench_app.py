"""The program to measure: a database, a vault and a channel that takes everything at once."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.channels.terminal import TerminalChannel
from bot.pipeline.deliver import Delivery
from bot.pipeline.respond import respond
from bot.runtime import Runtime
from bot.serve import Program
from bot.settings import Settings
from storage.chats import inbox
from storage.chats.inbox import Arrival
from storage.database import Database
from storage.vault import Vault
from tests.harness.app import build_runtime

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
INPUTS = (
    {"say": "/start"},
    {"say": "1"},
    {"say": "1"},
    {"say": "1"},
    {"say": "1"},
    {"say": "2"},
    {"say": "1"},
    {"say": "Maya"},
    {"say": "1"},
    {"say": "07700 900982"},
    {"say": "3"},
)
"""A person harmed answers by the numbers of the buttons; the last line but one is typed."""


@dataclass(slots=True)
class BenchApp:
    """The same parts as in service, in one process, a step at a time."""

    database: Database
    channel: TerminalChannel = field(default_factory=TerminalChannel)
    input_count: int = 0

    def __post_init__(self) -> None:
        """Let every transaction happen at the bench's own time."""
        self.database.clock = self.now

    def now(self) -> datetime:
        """Return a time that goes on by a second a line."""
        return START + timedelta(seconds=self.input_count)

    def step(self, *bodies: tuple[str, dict[str, str]]) -> None:
        """Keep one line of each chat, answer them, send the answers: three commits in all."""
        arrivals = []
        for chat, body in bodies:
            self.input_count += 1
            line = {**self.channel.inbox_body(dict(body)), "chat": chat, "language": "en"}
            arrivals.append(Arrival(f"{chat}/{self.input_count}", chat, line))
        app = build_runtime(self.database, {"terminal": self.channel})
        with self.database.unit() as unit:
            inbox.enqueue_arrivals(unit, "terminal", arrivals)
        with self.database.unit() as unit:
            respond(unit, app)
        asyncio.run(self._deliver(app))
        self.channel.screen.clear()
        self.channel.take_new_messages()

    async def _deliver(self, app: Runtime) -> None:
        delivery = Delivery(app)
        while (await delivery.deliver_batch())[0]:
            pass


@contextmanager
def open_bench_app(folder: Path) -> Iterator[BenchApp]:
    """Give an app in a folder; its file and its key are made there unless they are there."""
    vault = Vault.open(folder / "rj.key", create=True)
    database = Database(f"sqlite:///{folder / 'rj.db'}", vault)
    try:
        if not database.is_current():
            database.migrate()
        yield BenchApp(database)
    finally:
        database.close()


@contextmanager
def open_program(folder: Path) -> Iterator[Program]:
    """Give the whole program on a fresh database in a folder, by the clock of this machine."""
    folder.mkdir(parents=True)
    vault = Vault.open(folder / "rj.key", create=True)
    database = Database(f"sqlite:///{folder / 'rj.db'}", vault)
    try:
        database.migrate()
        yield Program(Settings(_env_file=None), database)
    finally:
        database.close()
