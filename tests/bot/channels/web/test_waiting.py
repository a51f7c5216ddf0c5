"""A page waits for its answer without asking the database again and again."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeVar

import pytest

from bot import answers, serve
from bot.answers import AnswerNotifier
from storage.database import Database
from tests.bot.channels.web.test_web_chat import ChatApp, answer_apart
from tests.harness.app import answering, build_app
from tests.harness.clock import FakeClock
from tests.support.happy_path import happy_path

T = TypeVar("T")


class CountingNotifier(AnswerNotifier):
    """Counts how often pages that wait look into the database, and how often they are woken."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = self.looks = self.events = 0

    def notify(self, channel: str, address: str) -> None:
        """Wake as the notifier does."""
        self.events += 1
        super().notify(channel, address)

    async def wait(
        self, channel: str, address: str, look: Callable[[], Awaitable[T]], seconds: float
    ) -> T | None:
        """Wait as the notifier does."""
        self.waits += 1

        async def counted() -> T:
            self.looks += 1
            return await look()

        return await super().wait(channel, address, counted, seconds)


async def test_a_page_that_is_answered_with_what_it_saves_does_not_wait(
    database: Database, clock: FakeClock
) -> None:
    database.clock = clock
    running = build_app(database)
    counting = running.runtime.answers = CountingNotifier()
    async with AsyncExitStack() as stack, answering(running):
        maya = ChatApp(running, clock, stack, running.pages()).browser()
        await maya.follow_path(len(happy_path()))
    assert counting.waits == 0


async def test_a_page_looks_once_for_each_thing_that_happens(
    database: Database, clock: FakeClock
) -> None:
    database.clock = clock
    running = build_app(database)
    answer_apart(running.runtime)
    counting = running.runtime.answers = CountingNotifier()
    async with AsyncExitStack() as stack, answering(running):
        maya = ChatApp(running, clock, stack, running.pages()).browser()
        await maya.follow_path(4)
    assert counting.waits == 5
    assert counting.waits < counting.looks <= counting.waits + counting.events


async def test_pages_are_answered_by_another_process(
    database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "FALLBACK_SECONDS", 0.05)
    monkeypatch.setattr(serve, "IDLE_SECONDS", 0.05)
    database.clock = clock
    pages, conversation = build_app(database), build_app(database)
    answer_apart(pages.runtime)
    async with AsyncExitStack() as stack, answering(conversation):
        maya = ChatApp(pages, clock, stack, pages.pages()).browser()
        await maya.follow_path(2)
    assert maya.answer.status_code == 200
