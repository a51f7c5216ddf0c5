"""Open pages hear that something changed, each only what concerns it, one of each browser."""

import asyncio
import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest
from sse_starlette import EventSourceResponse

from bot import broadcast
from bot.broadcast import EventBroadcaster, ReadState, Subscription
from bot.web.event_stream import event_response
from storage.chats import screens
from storage.database import Database
from storage.unit import Unit
from tests.harness.app import build_app
from tests.harness.serving import started
from tests.support.happy_path import happy_path
from tests.support.page_parser import parse_page
from tests.support.paths import ROOT
from tests.support.ports import free_port

NUMBERS = itertools.count()


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


async def nothing_elsewhere() -> str:
    return ""


def broadcaster() -> EventBroadcaster:
    return EventBroadcaster(nothing_elsewhere)


@contextlib.asynccontextmanager
async def listening(
    live: EventBroadcaster,
    look: ReadState,
    topic: str = "maya",
    browser: str = "",
    look_seconds: float | None = None,
) -> AsyncIterator[Callable[[], Coroutine[Any, Any, str]]]:
    """Listen as a browser does; give what waits for the next event and returns its data."""
    browser = browser or f"browser {next(NUMBERS)}"
    response = event_response(live, Subscription(topic, browser, look, look_seconds))
    assert isinstance(response, EventSourceResponse)
    stream: Any = response.body_iterator

    async def heard() -> str:
        event = await asyncio.wait_for(anext(stream), 5)
        return str(event.data) if event.event == "changed" else str(event.event)

    try:
        yield heard
    finally:
        await stream.aclose()


async def test_a_page_hears_what_is_new_and_nothing_twice() -> None:
    live, look = broadcaster(), CountingLook()
    async with listening(live, look) as heard:
        assert await heard() == "a", "it may have changed since the page was made"
        waiting = asyncio.create_task(heard())
        await asyncio.sleep(0.01)
        live.notify(["maya"])
        await asyncio.sleep(0.01)
        assert look.times == 2
        look.now = "b"
        live.notify(["maya"])
        assert await waiting == "b"
    assert live.open_streams == 0


async def test_a_change_wakes_only_whom_it_concerns() -> None:
    live = broadcaster()
    looks = {f"chat {n}": CountingLook() for n in range(50)}
    async with contextlib.AsyncExitStack() as pages:
        heard = {
            topic: await pages.enter_async_context(listening(live, look, topic))
            for topic, look in looks.items()
        }
        assert [await one() for one in heard.values()] == ["a"] * 50
        waiting = [asyncio.create_task(one()) for one in heard.values()]
        await asyncio.sleep(0.01)
        looks["chat 7"].now = "b"
        live.notify(["chat 7"])
        done, others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert [one.result() for one in done] == ["b"]
        assert {topic for topic, look in looks.items() if look.times > 1} == {"chat 7"}
        assert live.open_streams == 50
        for one in others:
            one.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def test_nothing_is_looked_at_while_nothing_is_signalled() -> None:
    live, look = broadcaster(), CountingLook()
    async with listening(live, look) as heard:
        await heard()
        waiting = asyncio.create_task(heard())
        await asyncio.sleep(0.1)
        assert look.times == 1
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_what_changes_with_time_is_looked_at_now_and_then() -> None:
    live, look = broadcaster(), CountingLook()
    async with listening(live, look, look_seconds=0.02) as heard:
        await heard()
        look.now = "b"
        assert await heard() == "b"


async def test_what_another_process_changes_is_found_by_one_look_for_all() -> None:
    elsewhere, look = CountingLook(), CountingLook()
    live = EventBroadcaster(elsewhere, poll_seconds=0.02)
    async with listening(live, look) as heard, listening(live, look) as also:
        assert (await heard(), await also()) == ("a", "a")
        await asyncio.sleep(0.05)
        assert look.times == 2
        elsewhere.now = "broken"
        await asyncio.sleep(0.05)
        elsewhere.now = look.now = "b"
        assert (await heard(), await also()) == ("b", "b")
    await asyncio.sleep(0.05)
    before = elsewhere.times
    await asyncio.sleep(0.05)
    assert elsewhere.times == before, "nobody listens any more"


async def test_a_look_that_fails_is_tried_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast, "RETRY_SECONDS", 0.02)
    live, look = broadcaster(), CountingLook()
    async with listening(live, look) as heard:
        await heard()
        look.now = "broken"
        live.notify(["maya"])
        waiting = asyncio.create_task(heard())
        await asyncio.sleep(0.05)
        look.now = "b"
        assert await waiting == "b"
    assert "look_failed" in caplog.text


async def test_of_one_browser_the_newest_page_listens() -> None:
    live, look = broadcaster(), CountingLook()
    async with listening(live, look, browser="mine") as one:
        assert await one() == "a"
        async with listening(live, look, "another page", browser="mine") as two:
            assert await two() == "a"
            assert await one() == "elsewhere"
            async with listening(live, look, browser="another") as three:
                assert await three() == "a"
                assert live.open_streams == 2
        async with listening(live, look, browser="mine") as again:
            assert await again() == "a"
    assert live.open_streams == 0


async def test_a_step_in_one_chat_looks_at_no_other_screen(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: Counter[str] = Counter()
    read = screens.screen_revision

    def counted(unit: Unit, channel: str, address: str) -> str:
        looked_at[address] += 1
        return read(unit, channel, address)

    monkeypatch.setattr(screens, "screen_revision", counted)
    port, ready = free_port(), asyncio.Event()
    address = f"http://127.0.0.1:{port}"
    async with started(build_app(database, port=port), ready.set):
        async with asyncio.timeout(30):
            await ready.wait()
        async with contextlib.AsyncExitStack() as pages:
            people = [
                await pages.enter_async_context(httpx.AsyncClient(base_url=address, timeout=30))
                for _ in range(8)
            ]
            for one in people:
                await one.post("/start", headers={"Origin": address})
                stream = await pages.enter_async_context(one.stream("GET", "/chat/live"))
                assert "changed" in await anext(stream.aiter_lines())
            before = Counter(looked_at)
            page = parse_page((await people[0].get("/chat")).text)
            action, form = page.submission_for(happy_path()[0].press)
            await people[0].post(action, data=form, headers={"Origin": address})
            assert len(looked_at - before) == 1


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
