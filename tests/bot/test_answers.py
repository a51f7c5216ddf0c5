"""Waiting for an answer: an event wakes, none is lost, another process is noticed all the same."""

import asyncio
import random

import pytest

from bot import answers
from bot.answers import AnswerNotifier

CHAT = ("web", "an address")


class Look:
    """Whether something is answered; counts how often it is looked at."""

    def __init__(self) -> None:
        self.answered, self.times = False, 0

    async def __call__(self) -> bool:
        """Return whether it is answered; other tasks run in between."""
        self.times += 1
        found = self.answered
        await asyncio.sleep(0)
        return found


async def test_a_page_looks_once_before_and_once_after_the_event() -> None:
    notifier, look = AnswerNotifier(), Look()
    with notifier.responding():
        task = asyncio.create_task(notifier.wait(*CHAT, look, 30))
        await asyncio.sleep(0.2)
        assert look.times == 1
        look.answered = True
        notifier.notify(*CHAT)
        assert await task is True
    assert look.times == 2


async def test_another_chat_wakes_nobody() -> None:
    notifier, look = AnswerNotifier(), Look()
    with notifier.responding():
        task = asyncio.create_task(notifier.wait(*CHAT, look, 0.2))
        await asyncio.sleep(0.02)
        notifier.notify("web", "another")
        notifier.notify("telegram", CHAT[1])
        assert await task is None
    assert look.times == 1


async def test_what_is_answered_already_needs_no_event() -> None:
    notifier, look = AnswerNotifier(), Look()
    look.answered = True
    with notifier.responding():
        assert await notifier.wait(*CHAT, look, 30) is True
    assert look.times == 1


async def test_waiting_ends_in_time_and_no_time_is_no_look() -> None:
    notifier, look = AnswerNotifier(), Look()
    loop = asyncio.get_running_loop()
    with notifier.responding():
        assert await notifier.wait(*CHAT, look, 0.0) is None
        assert look.times == 0
        began = loop.time()
        assert await notifier.wait(*CHAT, look, 0.1) is None
    assert loop.time() - began >= 0.1


async def test_no_event_is_lost_however_the_commit_falls() -> None:
    notifier, chance = AnswerNotifier(), random.Random(7)

    async def answered_after(steps: int, address: str) -> None:
        look = Look()

        async def respond() -> None:
            for _ in range(steps):
                await asyncio.sleep(0)
            look.answered = True
            notifier.notify("web", address)

        both = asyncio.gather(notifier.wait("web", address, look, 30), respond())
        assert list(await both) == [True, None]

    with notifier.responding():
        async with asyncio.timeout(20):
            await asyncio.gather(
                *(answered_after(chance.randrange(8), str(n % 50)) for n in range(2000))
            )


async def test_another_process_answers_without_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "FALLBACK_SECONDS", 0.05)
    notifier, look = AnswerNotifier(), Look()
    with notifier.responding():
        pass
    task = asyncio.create_task(notifier.wait(*CHAT, look, 30))
    await asyncio.sleep(0.02)
    look.answered = True
    assert await task is True


async def test_who_gives_up_waiting_leaves_nothing_behind() -> None:
    notifier, look = AnswerNotifier(), Look()
    with notifier.responding():
        task = asyncio.create_task(notifier.wait(*CHAT, look, 30))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        notifier.notify(*CHAT)
    assert notifier._waiting == {}
