"""Both sides of a message broker: what publishes, the consumer of README.md, and an operator."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from nats.js import JetStreamContext

from bot.channel_interface import Channel
from bot.channels.broker import STREAM, BrokerChannel
from bot.pipeline.alerts import notify_systems
from bot.pipeline.deliver import Delivery
from storage.chats import dead_letters
from storage.database import Database
from tests.harness.app import build_runtime, build_settings
from tests.harness.clock import FakeClock
from tests.harness.programs.nats import PASSWORD, USER, NatsServer
from tests.support.builders import make_record
from tests.support.paths import ROOT


class RelayHarness:
    """The publishing side of one test."""

    def __init__(self, database: Database, url: str, **more: Channel) -> None:
        self.database, self.clock = database, FakeClock()
        database.clock = self.clock
        channel = BrokerChannel(build_settings(events_url=url))
        self.runtime = build_runtime(database, {"broker": channel, **more})
        self.delivery = Delivery(self.runtime)

    def add_referral(self, reference: str = "ACDE-3467") -> None:
        """Have a new referral."""
        with self.database.unit(self.clock()) as unit:
            notify_systems(unit, self.runtime, make_record(reference))

    async def run_for(self, hours: float, step: timedelta = timedelta(hours=1)) -> None:
        """Let time pass, trying whenever something is due."""
        ends = self.clock() + timedelta(hours=hours)
        while self.clock() < ends:
            await self.delivery.deliver_batch()
            self.clock.advance(step)

    def reasons(self) -> tuple[list[str], list[str]]:
        """Return why each row waits that is still to be sent, and why each dead letter is dead."""
        with self.database.reading() as unit:
            rows = dead_letters.list_undelivered(unit), dead_letters.list_dead_letters(unit)
        waiting, dead = ([row.reason for row in part] for part in rows)
        return waiting, dead


@asynccontextmanager
async def relay_to(database: Database, url: str, **more: Channel) -> AsyncIterator[RelayHarness]:
    """Give a publishing side; its connection is closed afterwards."""
    made = RelayHarness(database, url, **more)
    yield made
    await made.delivery.stop()


async def messages(server: NatsServer) -> list[tuple[dict[str, str], bytes]]:
    """Return what the stream holds: headers and body of each message."""
    async with jetstream_of(server) as jetstream:
        state = (await jetstream.stream_info(str(STREAM.name))).state
        ids = range(state.first_seq, state.last_seq + 1)
        kept = [await jetstream.get_msg(str(STREAM.name), seq) for seq in ids]
    return [(one.headers or {}, one.data or b"") for one in kept]


@asynccontextmanager
async def readme_consumer(server: NatsServer, file: Path) -> AsyncIterator[sqlite3.Connection]:
    """Run the consumer that README.md shows; give its database, which is kept in a file.

    Its table holds one row for each event that it has dealt with.
    """
    readme = (ROOT / "README.md").read_text("utf-8")
    (shown,) = re.findall(r"```python\n(import sqlite3\n.*?)```", readme, re.DOTALL)
    address = f"nats://cases:PASSWORD@127.0.0.1:{server.port}"
    for example, here in (("tls://cases:PASSWORD@HOST:4222", address), ("cases.db", str(file))):
        assert example in shown
        shown = shown.replace(example, here)
    given: dict[str, Any] = {"__name__": "readme_consumer"}
    exec(compile(shown, "README.md", "exec"), given)  # noqa: S102  # our own words
    broker = given["broker"]
    await broker.start()
    try:
        yield given["database"]
    finally:
        await broker.stop()
        given["database"].close()


@asynccontextmanager
async def jetstream_of(server: NatsServer) -> AsyncIterator[JetStreamContext]:
    """Give the JetStream of a server, as its operator uses it."""
    client = Client()
    await client.connect(f"nats://127.0.0.1:{server.port}", user=USER, password=PASSWORD)
    yield client.jetstream()
    await client.close()


async def wait_for_consumer(jetstream: JetStreamContext) -> None:
    """Wait until the consumer of README.md has acknowledged all that the stream holds."""
    left = 1
    while left:
        await asyncio.sleep(0.02)
        known = await jetstream.consumer_info(str(STREAM.name), "cases")
        left = (known.num_pending or 0) + (known.num_ack_pending or 0)
