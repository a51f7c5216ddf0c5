"""The only file that knows uvloop: runs a coroutine on the quickest event loop there is."""

import asyncio
import importlib.util
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")


def run_until_complete(main: Coroutine[object, object, T]) -> T:
    """Run `main` on a loop of its own and return its result; on Windows there is no uvloop."""
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.run(main)
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
