"""The whole program on a port of this machine, for a real browser."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from bot.pipeline.deliver import Delivery
from bot.pipeline.respond import respond
from bot.pipeline.sweep import sweep
from storage.database import Database
from tests.harness.app import build_app, held_up
from tests.harness.clock import FakeClock
from tests.support.ports import free_port

T = TypeVar("T")


class LiveApp:
    """A running site: pages, answers and deliveries on a thread with a loop of its own."""

    def __init__(self, database: Database, **settings: Any) -> None:
        self.clock = database.clock = FakeClock(None)
        self.database = database
        port = free_port()
        self.address = f"http://localhost:{port}"
        here = {"host": "127.0.0.1", "port": port, "public_url": self.address}
        self.running = build_app(database, **{**here, **settings})
        # A page that gave up earlier would ask its reader to look again, which no test here does.
        self.running.runtime.answer_within = 30.0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="site", daemon=True)
        self._tasks: list[asyncio.Task[Any]] = []

    def start(self) -> None:
        """Serve until it is stopped; returns once the first page can be had."""
        self._thread.start()
        self.run(self._begin())

    def stop(self) -> None:
        """End everything that was started."""
        self.run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def run(self, act: Coroutine[Any, Any, T]) -> T:
        """Do something on the site's loop and return its result."""
        return asyncio.run_coroutine_threadsafe(act, self._loop).result(30)

    def settle(self) -> None:
        """Answer and send until nothing is left to do now."""
        self.run(self._settle())

    @contextmanager
    def held_up(self) -> Iterator[None]:
        """Let nothing be answered, and no page wait for it, until the block ends."""
        until_released = held_up(self.running)
        self.run(until_released.__aenter__())
        try:
            yield
        finally:
            self.run(until_released.__aexit__(None, None, None))

    def sweep(self) -> None:
        """Do what time makes due."""
        self.run(_awaited(self.database.write(sweep, self.running.runtime)))

    async def _begin(self) -> None:
        parts = (
            self.running.serve_pages(),
            self.running.respond_for_ever(),
            *(deliver() for deliver in self.running.delivering()),
        )
        self._tasks = [asyncio.create_task(part) for part in parts]
        await _until_open(self.address)

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _settle(self) -> None:
        house, delivery = self.running.runtime, None
        delivery = Delivery(house)
        while await self.database.write(respond, house):
            pass
        while (await delivery.deliver_batch())[0]:
            pass


async def _awaited(done: Any) -> Any:
    return await done


async def _until_open(address: str) -> None:
    port = int(address.rsplit(":", maxsplit=1)[1])
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise TimeoutError("the site did not open")
