"""The whole bot against the loopback Telegram, a step at a time, on a clock of the test's own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest
from sqlalchemy import Table, func, select

from bot.channel_interface import Body
from bot.channels.telegram import receive
from bot.pipeline.deliver import Delivery
from bot.pipeline.respond import answer_batch
from bot.pipeline.sweep import sweep
from bot.serve import Program
from flows.conversation import Conversation
from storage.chats import conversations
from storage.chats.inbox import INBOX_SIGNAL, InboxStage
from storage.chats.outbox import OutboxStage
from storage.database import Database
from storage.tables import INBOX, OUTBOX
from tests.harness.app import build_app
from tests.harness.pages_app import PagesApp
from tests.support.happy_path import PathStep
from tests.telegram_server import TelegramServer, TelegramUser

WEBHOOK_SECRET = "rehearsal-webhook-secret"
STAFF_CHAT_ID = 77
"""The staff chat."""


def telegram_settings(server: TelegramServer, **more: object) -> dict[str, object]:
    """Return what settings say of the loopback Telegram."""
    return {"telegram_bot_token": server.token, "telegram_api_url": server.api_url, **more}


@dataclass(slots=True)
class TelegramApp:
    """One bot, whose receiving, answering and sending happen only when a test says so."""

    server: TelegramServer
    running: Program
    delivery: Delivery
    offset: int | None = None
    _delivering: asyncio.Lock = field(default_factory=asyncio.Lock)

    def now(self) -> datetime:
        """Return the time, which is Telegram's own."""
        return self.server.clock()

    async def settle(self) -> None:
        """Receive, answer and send until nothing is left to do now; waits pass at once."""
        while await self.receive() or await self.respond() or await self.deliver():
            pass

    async def receive(self) -> int:
        """Save and answer the waiting updates and confirm them; return how many there were."""
        assert self.running.bot is not None
        updates = await self.running.bot.raw_updates(self.offset, receive.ALLOWED_UPDATES, 0)
        await self.running.keep([receive.arrival_of(update) for update in updates])
        self.offset = receive.next_offset(updates, self.offset)
        return len(updates)

    async def save_updates(self, *updates: Body) -> None:
        """Save updates that came by another way."""
        await self.running.keep([receive.arrival_of(update) for update in updates])

    async def respond(self) -> int:
        """Answer what was saved and not answered at once; return how much that was."""
        return len(await answer_batch(self.running.runtime, 1000))

    async def deliver(self) -> int:
        """Send what can be sent; return how many rows were tried, after waiting for a limit."""
        tried, wait = await self._deliver_batch()
        if tried or wait is None:
            return tried
        self.server.clock.advance(seconds=max(wait, 0.001))
        return (await self._deliver_batch())[0]

    @asynccontextmanager
    async def answering_pages(self) -> AsyncIterator[PagesApp]:
        """Give the pages of the same program; what is done on them is answered at once."""
        runtime = self.running.runtime
        # Updates are answered as they come, and the test sends those answers itself.
        woken = runtime.wake.event(INBOX_SIGNAL)

        async def answer() -> None:
            with runtime.answers.responding():
                while True:
                    await woken.wait()
                    woken.clear()
                    await answer_all()

        async def answer_all() -> None:
            while await self.respond() or (await self._deliver_batch())[0]:
                pass

        task = asyncio.create_task(answer())
        async with AsyncExitStack() as stack:
            yield PagesApp(self.running, self.server.clock, stack, self.running.pages())
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _deliver_batch(self) -> tuple[int, float | None]:
        # The test and the pages may both deliver: one at a time, or a message goes twice.
        async with self._delivering:
            return await self.delivery.deliver_batch()

    async def sweep(self) -> None:
        """Do what time makes due."""
        await self.running.runtime.database.write(
            lambda unit: sweep(replace(unit, now=self.now()), self.running.runtime)
        )

    def conversation_of(self, person: TelegramUser) -> Conversation:
        """Return where a person's conversation stands."""
        with self.running.runtime.database.reading(self.now()) as unit:
            kept = conversations.load_conversation(unit, "telegram", str(person.chat_id))
            return kept.conversation

    def inbox_count(self, stage: InboxStage) -> int:
        """Return how many rows of the inbox are at a stage."""
        return self._count(INBOX, stage)

    def outbox_count(self, stage: OutboxStage) -> int:
        """Return how many rows of the outbox are at a stage."""
        return self._count(OUTBOX, stage)

    def _count(self, table: Table, stage: str) -> int:
        with self.running.runtime.database.reading() as unit:
            rows = select(func.count()).where(table.c.stage == stage)
            return int(unit.conn.execute(rows).scalar_one())


async def type_texts(rig: TelegramApp, person: TelegramUser, *texts: str) -> None:
    """Let a person type some things, each after the answer to the one before."""
    for text in texts:
        person.says(text)
        await rig.settle()


async def press_buttons(rig: TelegramApp, person: TelegramUser, *labels: str) -> None:
    """Let a person press some buttons, each after the answer to the one before."""
    for label in labels:
        person.presses(label)
        await rig.settle()


async def follow_path(rig: TelegramApp, person: TelegramUser, steps: tuple[PathStep, ...]) -> None:
    """Let a person say /start and go some steps of the way."""
    await type_texts(rig, person, "/start")
    for step in steps:
        assert person.last_from_bot.text.startswith(step.shown), person.shown()
        await (
            press_buttons(rig, person, step.press)
            if step.press
            else type_texts(rig, person, step.say)
        )


@asynccontextmanager
async def open_telegram_app(
    server: TelegramServer,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    **more: object,
) -> AsyncIterator[TelegramApp]:
    """Give a bot with settings of the test's own."""
    monkeypatch.setattr(receive, "LONG_POLL_SECONDS", 0)
    running = build_app(database, **telegram_settings(server, **more))
    assert running.bot is not None
    async with running.bot:
        yield TelegramApp(server, running, Delivery(running.runtime))
