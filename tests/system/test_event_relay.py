"""Program and message broker killed without warning: each event arrives, and is dealt with once."""

import asyncio
import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from nats.js.api import AckPolicy, ConsumerConfig
from sqlalchemy import select

from bot.channels import broker
from bot.channels.broker import STREAM, BrokerChannel
from bot.pipeline import deliver
from storage.database import Database
from storage.tables import REFERRAL
from tests.bot.channels.relay_harness import (
    jetstream_of,
    messages,
    readme_consumer,
    relay_to,
    wait_for_consumer,
)
from tests.drills.fork_server import ForkServer
from tests.drills.load import running_under_load
from tests.harness.app import build_settings
from tests.harness.installed_program import PATIENCE
from tests.harness.programs.nats import NatsServer

EVENTS = 60
BROKER_KILLS = 2
EVENTS_BETWEEN_KILLS = 3
AWAY = "channel_down code=broker_ConnectionRefusedError"


class CaseSystem:
    """The consumer of README.md in a thread of its own, and what it has in its database."""

    def __init__(self, server: NatsServer, file: Path) -> None:
        self._server, self._file = server, file
        self._loop = asyncio.new_event_loop()
        self._ready, self._is_complete = threading.Event(), asyncio.Event()

    def run(self) -> None:
        """Consume until all events are there; `finish` says that no more are published."""
        self._loop.run_until_complete(self._consume())
        self._loop.close()

    def finish(self) -> None:
        """Have it end as soon as it has dealt with all that the stream holds."""
        self._loop.call_soon_threadsafe(self._is_complete.set)

    def wait_for_more(self, number: int) -> None:
        """Wait until it has dealt with so many events more than now."""
        assert self._ready.wait(PATIENCE)
        deadline, wanted = time.monotonic() + PATIENCE, len(self.references()) + number
        while len(self.references()) < wanted:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def references(self) -> list[str]:
        """Return the references of what it has dealt with; twice what it did twice."""
        with contextlib.closing(sqlite3.connect(self._file)) as cases:
            return [reference for (reference,) in cases.execute("SELECT reference FROM cases")]

    async def _consume(self) -> None:
        async with readme_consumer(self._server, self._file):
            self._ready.set()
            await self._is_complete.wait()
            async with jetstream_of(self._server) as jetstream, asyncio.timeout(PATIENCE):
                await wait_for_consumer(jetstream)


@contextlib.contextmanager
def consuming(server: NatsServer, file: Path) -> Iterator[CaseSystem]:
    """Give a consumer that is at work; in the end it has dealt with everything."""
    made = CaseSystem(server, file)
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        yield made
    finally:
        made.finish()
        thread.join(2 * PATIENCE)
    assert not thread.is_alive()


async def make_stream(server: NatsServer) -> None:
    """Have the stream made, as the program does at its start, and an impatient consumer of it."""
    channel = BrokerChannel(build_settings(events_url=server.url()))
    await channel.open()
    await channel.close()
    # What was on its way to the consumer when the broker was killed comes again after ack_wait.
    known = ConsumerConfig(durable_name="cases", ack_policy=AckPolicy.EXPLICIT, ack_wait=1.0)
    async with jetstream_of(server) as jetstream:
        await jetstream.add_consumer(str(STREAM.name), known)


async def not_noted() -> None:
    """Note nothing of what was sent, as a publisher that is ended before it could."""


@pytest.mark.nats
async def test_the_broker_is_killed_in_the_middle_and_the_stream_holds_each_event_once(
    database: Database, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The publisher is ended at the same moments; what it had not noted as sent is sent again."""
    monkeypatch.setattr(deliver, "BATCH_SIZE", 5)
    monkeypatch.setattr(broker, "ACK_SECONDS", 0.5)
    dice = Random(20_261_127)
    references = [f"ACDE-{n}" for n in range(2222, 2222 + EVENTS)]
    async with relay_to(database, nats_server.url()) as relay:
        for reference in references:
            relay.add_referral(reference)
    for left in (EVENTS * 2 // 3, EVENTS // 3):
        async with relay_to(database, nats_server.url()) as relay:
            while len(relay.reasons()[0]) > left:
                await relay.delivery.deliver_batch()
            with monkeypatch.context() as ended:
                ended.setattr(relay.delivery, "_record", not_noted)
                await relay.delivery.deliver_batch()
                sending = asyncio.create_task(relay.delivery.deliver_batch())
                await asyncio.sleep(dice.uniform(0, 0.02))
                nats_server.kill()
                sending.cancel()
                await asyncio.wait([sending])
        assert len(relay.reasons()[0]) == left
        nats_server.start()
    async with relay_to(database, nats_server.url()) as relay:
        await relay.run_for(hours=0.2, step=timedelta(seconds=5))
        assert relay.reasons() == ([], [])
    told = [json.loads(body)["reference"] for _, body in await messages(nats_server)]
    assert sorted(told) == references


def wait_until_logged(log: Path, event: str, times: int) -> None:
    """Wait until a program has logged something so many times."""
    deadline = time.monotonic() + PATIENCE
    while log.read_text().count(event) < times:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.nats
@pytest.mark.thorough
def test_program_and_broker_are_killed_and_each_event_is_dealt_with_once(
    tmp_path: Path, database: Database, nats_server: NatsServer
) -> None:
    dice = Random(20_261_127)
    asyncio.run(make_stream(nats_server))
    more = {"EVENTS_URL": nats_server.url(), "LOG_LEVEL": "WARNING"}
    with (
        contextlib.closing(ForkServer()) as runner,
        consuming(nats_server, tmp_path / "cases.db") as cases,
        running_under_load("polling", [runner], tmp_path, database, pages=False, **more) as [
            program
        ],
    ):
        program.start()
        for kill in range(1, BROKER_KILLS + 1):
            cases.wait_for_more(EVENTS_BETWEEN_KILLS)
            nats_server.kill()
            time.sleep(dice.uniform(0, 1))
            program.kill()
            program.start()
            wait_until_logged(tmp_path / "told.txt", AWAY, kill)
            nats_server.start()
            cases.wait_for_more(EVENTS_BETWEEN_KILLS)
            program.kill()
            program.start()
    with database.reading() as unit:
        handed_over = unit.conn.scalars(select(REFERRAL.c.reference)).all()
    assert sorted(cases.references()) == sorted(handed_over)
    logged = (tmp_path / "told.txt").read_text()
    assert not [word for word in ("canary", *handed_over) if word in logged]
