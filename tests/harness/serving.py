"""The whole program, serving on a port of this machine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bot.serve import Program, run


@asynccontextmanager
async def started(program: Program, ready: Callable[[], None]) -> AsyncIterator[None]:
    """Run a program with all its parts; end it with the test."""
    task = asyncio.create_task(run(program, True, True, ready))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
