"""The program under test, built in one place whatever stands before it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
from starlette.applications import Starlette

from bot import serve
from bot.channel_interface import Channel
from bot.pipeline.respond import AnsweredInput, answer_batch
from bot.runtime import Runtime
from bot.serve import Program
from bot.settings import Settings
from flows.conversation import Conversation
from flows.record import Record
from storage.chats import conversations
from storage.chats.inbox import INBOX_SIGNAL
from storage.database import Database
from storage.referrals import lifecycle
from storage.vault import Vault
from tests.harness.clock import FakeClock


def build_settings(**more: object) -> Settings:
    """Return settings of a test's own; no .env is read."""
    return Settings(_env_file=None, **more)  # type: ignore[arg-type]


def build_runtime(
    database: Database,
    channels: Mapping[str, Channel] | None = None,
    alerts: Sequence[str] = (),
    manager: Sequence[str] = (),
    **settings: object,
) -> Runtime:
    """Return what a part of the program works with, with the channels that are given."""
    return Runtime(build_settings(**settings), database, channels or {}, alerts, manager)


def build_app(database: Database, **settings: object) -> Program:
    """Return the parts of one process; nothing of them runs yet."""
    return Program(build_settings(**settings), database)


@asynccontextmanager
async def answering(running: Program) -> AsyncIterator[None]:
    """Answer and deliver in the background, as the program does."""
    parts = (running.respond_for_ever(), *(deliver() for deliver in running.delivering()))
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        yield
    finally:
        ended = [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *running.runtime.tasks, return_exceptions=True)
        for task in ended:
            task.result()


@asynccontextmanager
async def held_up(running: Program) -> AsyncIterator[None]:
    """Let nothing be answered in the background, and no page wait for it, until the block ends.

    `answering` must be under way; nothing that it had begun is still going on inside the block.
    """
    reached, released = asyncio.Event(), asyncio.Event()

    async def answer_later(runtime: Runtime) -> list[AnsweredInput]:
        reached.set()
        await released.wait()
        return await answer_batch(runtime)

    with pytest.MonkeyPatch.context() as slowed:
        slowed.setattr(serve, "answer_batch", answer_later)
        slowed.setattr(running.runtime, "answer_within", 0.0)
        running.runtime.wake.notify([INBOX_SIGNAL])
        await reached.wait()
        try:
            yield
        finally:
            released.set()


@dataclass(slots=True)
class App:
    """One program with its pages, the clock that it goes by, and what closes with the test."""

    running: Program
    clock: FakeClock
    stack: AsyncExitStack
    app: Starlette

    @property
    def database(self) -> Database:
        """Return the database of this test."""
        return self.running.runtime.database

    @property
    def vault(self) -> Vault:
        """Return the vault of this test."""
        return self.running.runtime.vault

    def client(
        self,
        base_url: str,
        address: str = "192.0.2.7",
        follow_redirects: bool = True,
        **headers: str,
    ) -> httpx.AsyncClient:
        """Return a browser that nobody has used yet, at an address on the network."""
        made = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app, client=(address, 4711)),
            base_url=base_url,
            follow_redirects=follow_redirects,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )
        self.stack.push_async_callback(made.aclose)
        return made

    def conversation_of(self, channel: str, address: str) -> Conversation:
        """Return where a conversation stands."""
        with self.database.unit(self.clock()) as unit:
            return conversations.load_conversation(unit, channel, address).conversation

    def sent_records(self) -> list[Record]:
        """Return every record that was handed over, the oldest first."""
        now = self.clock()
        with self.database.reading(now) as unit:
            entries = lifecycle.list_queue(unit, include_closed=True)
        entries.sort(key=lambda entry: entry.sent_at)
        with self.database.unit(now) as unit:
            return [lifecycle.open_record(unit, one.reference, "mira") for one in entries]
