"""Rate limits and presence hold across the processes of one database."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from bot.peers.messages import MAX_WAITING, PeerMessages, PeerTopic
from bot.serve import Program
from storage.database import Database
from storage.vault import Vault
from tests.harness.app import build_app
from tests.harness.clock import FakeClock

RULE = "3/hour"
PATIENCE = 30.0


@pytest.fixture
def both(postgresql_url: str, vault: Vault, clock: FakeClock) -> Iterator[tuple[Program, Program]]:
    """Give two processes on one database."""
    databases = [Database(postgresql_url, vault, clock) for _ in range(2)]
    here, there = map(build_app, databases)
    yield here, there
    for one in databases:
        one.close()


@contextlib.asynccontextmanager
async def connected(*programs: Program) -> AsyncIterator[None]:
    """Let processes talk to each other."""
    parts = [part for one in programs for part in (one.listen_for_ever, one.announce_for_ever)]
    tasks = [asyncio.create_task(part()) for part in parts]
    await eventually(lambda: all(one.runtime.is_listening for one in programs))
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def eventually(happened: Callable[[], bool]) -> None:
    """Wait until something happened."""
    for _ in range(int(PATIENCE / 0.02)):
        if happened():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never happened")


@pytest.mark.postgresql
async def test_attempts_here_and_there_count_together(both: tuple[Program, Program]) -> None:
    here, there = (one.runtime.limiter for one in both)
    async with connected(*both):
        assert here.allow(RULE, "sign-in", "203.0.113.7")
        assert here.allow(RULE, "sign-in", "203.0.113.7")
        assert there.allow(RULE, "sign-in", "203.0.113.7")
        await eventually(lambda: not here.would_allow(RULE, "sign-in", "203.0.113.7"))
        await eventually(lambda: not there.would_allow(RULE, "sign-in", "203.0.113.7"))
        assert there.would_allow(RULE, "sign-in", "203.0.113.8")
        assert there.retry_after(RULE, "sign-in", "203.0.113.7") > 0


@pytest.mark.postgresql
async def test_who_looks_at_a_referral_is_seen_everywhere(both: tuple[Program, Program]) -> None:
    here, there = (one.runtime.presence for one in both)
    async with connected(*both):
        here.touch("ACDE-3467", "Ada O'Neill")
        await eventually(lambda: there.other_viewers("ACDE-3467", "Mira") == ["Ada O'Neill"])
        assert there.other_viewers("ACDE-3467", "Ada O'Neill") == []


async def test_what_is_told_names_nobody_who_was_limited(database: Database) -> None:
    runtime = build_app(database).runtime
    runtime.limiter.allow(RULE, "sign-in", "203.0.113.7")
    runtime.limiter.allow(RULE, "sign-in", "203.0.113.7")
    [message] = await runtime.peers.next_batch()
    told: list[tuple[object, ...]] = []
    other = PeerMessages(database.vault)
    other.handle(PeerTopic.RATE_LIMIT_HIT, lambda *parts: told.append(parts))
    other.receive(message)
    assert told[0][:2] == (2, RULE)
    assert "203.0.113.7" not in str(told)


@pytest.mark.parametrize(
    "message", ["", "x", "AAAA", '[1000000000000, "rate_limit_hit", "10/minute", "k"]']
)
async def test_what_a_stranger_tells_is_left(message: str, database: Database) -> None:
    runtime = build_app(database).runtime
    runtime.peers.receive(message)
    assert runtime.limiter.would_allow("10/minute", "k")


async def test_only_so_much_waits_to_be_told(database: Database) -> None:
    peers = PeerMessages(database.vault)
    for number in range(MAX_WAITING + 5):
        peers.send(PeerTopic.PRESENCE, f"ACDE-{number}", "Mira")
    assert len(await peers.next_batch()) == MAX_WAITING
    peers.send(PeerTopic.PRESENCE, "ACDE-3467", "Mira")
    assert len(await peers.next_batch()) == 1
