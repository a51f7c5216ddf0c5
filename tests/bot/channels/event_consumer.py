"""The other side of a message broker: the consumer that README.md shows, and an operator."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from nats.js import JetStreamContext

from bot.channels.broker import STREAM
from tests.harness.nats import PASSWORD, USER, NatsServer
from tests.support.paths import ROOT


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
