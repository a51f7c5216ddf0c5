"""The whole program, serving on a port of this machine."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bot.serve import Program, run


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@asynccontextmanager
async def started(program: Program, ready: Callable[[], None]) -> AsyncIterator[None]:
    """Run a program with all its parts; end it with the test."""
    task = asyncio.create_task(run(program, True, True, ready))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
