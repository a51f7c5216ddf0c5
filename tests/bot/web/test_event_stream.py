"""Open pages hear that something changed: one look for all, an end for each, none left over."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from sse_starlette import EventSourceResponse
from starlette.requests import Request

from bot.broadcast import EventBroadcaster, ReadState
from bot.web.event_stream import event_response
from tests.harness.serving import free_port
from tests.support.paths import ROOT

REQUEST = Request({"type": "http", "method": "GET", "path": "/", "headers": []})


class CountingLook:
    """Something that changes when the test says so, and counts how often it is looked at."""

    def __init__(self) -> None:
        self.now, self.times = "a", 0

    async def __call__(self) -> str:
        """Return how it is now."""
        self.times += 1
        if self.now == "broken":
            raise ConnectionError
        return self.now


@contextlib.asynccontextmanager
async def listening(
    live: EventBroadcaster, look: ReadState
) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """Listen as a browser does; give what waits for the next event and returns its data."""
    response = event_response(live, look)
    assert isinstance(response, EventSourceResponse)
    stream: Any = response.body_iterator

    async def heard() -> str:
        event = await asyncio.wait_for(anext(stream), 5)
        assert event.event == "changed"
        return str(event.data)

    try:
        yield heard
    finally:
        await stream.aclose()


async def test_a_page_hears_what_is_new_and_nothing_twice() -> None:
    live, look = EventBroadcaster(poll_seconds=60), CountingLook()
    async with listening(live, look) as heard:
        assert await heard() == "a", "it may have changed since the page was made"
        await asyncio.sleep(0.01)
        live.notify()
        await asyncio.sleep(0.01)
        look.now = "b"
        live.notify()
        assert await heard() == "b"
    assert live.open_streams == 0


async def test_many_pages_cost_one_look() -> None:
    live, look = EventBroadcaster(poll_seconds=60), CountingLook()
    async with contextlib.AsyncExitStack() as pages:
        heard = [await pages.enter_async_context(listening(live, look)) for _ in range(50)]
        assert [await one() for one in heard] == ["a"] * 50
        await asyncio.sleep(0.01)
        before, look.now = look.times, "b"
        live.notify()
        assert [await one() for one in heard] == ["b"] * 50
        assert look.times == before + 1
        assert live.open_streams == 50


async def test_it_looks_by_itself_now_and_then() -> None:
    live, look = EventBroadcaster(poll_seconds=0.02), CountingLook()
    async with listening(live, look) as heard:
        await heard()
        await asyncio.sleep(0.05)
        look.now = "b"
        assert await heard() == "b"


async def test_a_look_that_fails_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    live, look = EventBroadcaster(poll_seconds=0.02), CountingLook()
    async with listening(live, look) as heard:
        await heard()
        await asyncio.sleep(0.05)
        look.now = "broken"
        await asyncio.sleep(0.05)
        look.now = "b"
        assert await heard() == "b"
    assert "look_failed" in caplog.text


async def test_more_than_there_is_room_for_look_again_by_themselves() -> None:
    live, look = EventBroadcaster(max_streams=2, poll_seconds=60), CountingLook()
    async with listening(live, look) as one, listening(live, look) as two:
        assert (await one(), await two()) == ("a", "a")
        refused = event_response(live, look)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "15")
    async with listening(live, look) as three:
        assert await three() == "a"


async def test_nothing_runs_on_when_nobody_listens() -> None:
    live, look = EventBroadcaster(poll_seconds=0.01), CountingLook()
    async with listening(live, look) as heard:
        await heard()
    await asyncio.sleep(0.05)
    before = look.times
    await asyncio.sleep(0.05)
    assert look.times == before
    async with listening(live, look) as heard:
        assert await heard() == "a"


@pytest.mark.usefixtures("vault")
def test_an_open_page_does_not_keep_the_program_from_ending(file: Path, tmp_path: Path) -> None:
    port = free_port()
    told = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": f"sqlite:///{file}",
        "VAULT_KEY_FILE": str(tmp_path / "vault.json"),
        "PORT": str(port),
    }
    program = subprocess.Popen(
        [sys.executable, "-m", "bot", "serve"],
        cwd=tmp_path,
        env=told,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as browser:
            _until_it_answers(browser)
            browser.post("/start", data={"once": "x"})
            with browser.stream("GET", "/chat/live") as stream:
                assert stream.headers["content-type"].startswith("text/event-stream")
                assert "changed" in next(stream.iter_text())
                program.send_signal(signal.SIGTERM)
                assert program.wait(timeout=60) == 0
    finally:
        program.kill()
        _, errors = program.communicate()
    assert b"Traceback" not in errors


def _until_it_answers(browser: httpx.Client) -> None:
    for _ in range(1200):
        with contextlib.suppress(httpx.ConnectError):
            if browser.get("/").status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError("it does not start")
