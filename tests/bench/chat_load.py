"""The chat in the browser under load: many people who listen, and do a step every few seconds."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from statistics import quantiles
from time import perf_counter

import aiohttp

from storage.vault import Vault
from tests.bench.telegram_load import cpu_seconds
from tests.support.happy_path import PathStep, happy_path
from tests.support.paths import ROOT
from tests.support.ports import free_port

PEOPLE = (100, 500)
STEP_SECONDS, PLAYED_SECONDS = 5.0, 30.0
"""Seconds between the steps of one person, and how long all of them are measured."""
_HIDDEN = re.compile(r'name="(csrf|once)" value="([^"]*)"')
_BUTTON = re.compile(r'name="press" value="([^"]*)"[^>]*>([^<]*)</button>')


@dataclass(slots=True)
class Measured:
    """What the players saw: milliseconds of each step, from pressing until the page is there."""

    steps: list[float] = field(default_factory=list)
    cpu: float = 0.0
    refused: int = 0
    woken: int = 0


def measure(folder: Path) -> list[str]:
    """Return a line for each number of people in the chat, on one core of this machine."""
    return [_measure(folder / str(people), people) for people in PEOPLE]


def _measure(folder: Path, people: int) -> str:
    with _serving(folder) as (address, process_id):
        measured = asyncio.run(_play(address, people, process_id))
    cuts = quantiles(measured.steps, n=100)
    return (
        f"{people} people, a step every {STEP_SECONDS:.0f} s: p50 {cuts[49]:.0f} ms, p95 "
        f"{cuts[94]:.0f} ms, p99 {cuts[98]:.0f} ms of {len(measured.steps)} steps; "
        f"{measured.cpu / len(measured.steps) * 1000:.1f} ms of processor time a step; "
        f"{measured.woken} pages woken; {measured.refused} refused"
    )


@contextmanager
def _serving(folder: Path) -> Iterator[tuple[str, int]]:
    """Give the address and the process id of a program of its own, on the first core."""
    folder.mkdir(parents=True, exist_ok=True)
    Vault.open(folder / "rj.key", create=True)
    port = free_port()
    told = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{folder / 'rj.db'}",
        "VAULT_KEY_FILE": str(folder / "rj.key"),
        "PORT": str(port),
        "PYTHONPATH": str(ROOT),
        "LOG_LEVEL": "ERROR",
    }
    cores = sorted(os.sched_getaffinity(0))
    command = [sys.executable, "-m", "bot", "serve"]
    child = subprocess.Popen(command, cwd=folder, env=told, stderr=subprocess.DEVNULL)
    os.sched_setaffinity(child.pid, cores[:1])
    os.sched_setaffinity(0, cores[1:] or cores)
    try:
        yield f"http://127.0.0.1:{port}", child.pid
    finally:
        os.sched_setaffinity(0, cores)
        child.send_signal(signal.SIGTERM)
        child.wait(30)


async def _play(address: str, people: int, process_id: int) -> Measured:
    connector = aiohttp.TCPConnector(limit=0)
    measured, begin = Measured(), asyncio.Event()
    async with aiohttp.ClientSession(address, connector=connector) as client:
        await _until_open(client)
        players = [_Player(client, n, people, measured, begin) for n in range(people)]
        tasks = []
        for one in players:  # a hundred begin in a second
            tasks.append(asyncio.create_task(one.play()))
            await asyncio.sleep(0.01)
        await asyncio.gather(*(one.ready.wait() for one in players))
        begin.set()
        before = cpu_seconds(process_id)
        await asyncio.sleep(PLAYED_SECONDS)
        measured.cpu = cpu_seconds(process_id) - before
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return measured


async def _until_open(client: aiohttp.ClientSession) -> None:
    for _ in range(300):
        try:
            async with client.get("/"):
                return
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(0.1)
    raise TimeoutError("the site did not open")


class _Player:
    """One person with one page open, which listens; after Send they begin anew."""

    def __init__(
        self,
        client: aiohttp.ClientSession,
        n: int,
        people: int,
        measured: Measured,
        begin: asyncio.Event,
    ) -> None:
        self.ready = asyncio.Event()
        self._client, self._measured, self._begin = client, measured, begin
        self._delay = STEP_SECONDS * n / people
        self._headers = {
            "Origin": str(client._base_url),
            "X-Forwarded-For": f"192.0.{n // 250}.{n % 250}",
        }
        self._cookie = ""

    async def play(self) -> None:
        page = await self._start()
        listening = asyncio.create_task(self._listen())
        self.ready.set()
        try:
            await self._begin.wait()
            await asyncio.sleep(self._delay)
            while True:
                for step in happy_path():
                    page = await self._timed_step(page, step)
                page = await self._timed_step(page, PathStep("", say="/new"))
        finally:
            listening.cancel()

    async def _timed_step(self, page: str, step: PathStep) -> str:
        started = perf_counter()
        form = dict(_HIDDEN.findall(page))
        if step.press:
            buttons = {unescape(label): value for value, label in _BUTTON.findall(page)}
            form["press"] = unescape(buttons[step.press])
        else:
            form["say"] = step.say
        page = await self._post(form)
        took = perf_counter() - started
        self._measured.steps.append(took * 1000)
        await asyncio.sleep(max(0.0, STEP_SECONDS - took))
        return page

    async def _start(self) -> str:
        while True:
            answer = await self._client.post("/start", headers=self._headers, allow_redirects=False)
            if answer.status == 303:
                break
            self._measured.refused += 1
            await asyncio.sleep(5)
        self._cookie = answer.headers["Set-Cookie"].split(";")[0]
        return await self._get()

    async def _post(self, form: dict[str, str]) -> str:
        own = {**self._headers, "Cookie": self._cookie}
        async with self._client.post("/chat", data=form, headers=own, allow_redirects=False) as it:
            if it.status != 303:
                self._measured.refused += 1
        return await self._get()

    async def _get(self) -> str:
        async with self._client.get("/chat", headers={"Cookie": self._cookie}) as shown:
            return await shown.text()

    async def _listen(self) -> None:
        no_limit = aiohttp.ClientTimeout(total=None)
        own = {"Cookie": self._cookie}
        async with self._client.get("/chat/live", headers=own, timeout=no_limit) as stream:
            if stream.status != 200:
                self._measured.refused += 1
                return
            async for line in stream.content:
                self._measured.woken += line.startswith(b"event")
