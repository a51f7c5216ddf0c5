"""Several workers behind one webhook address, on one PostgreSQL database, over real HTTP.

The player is the balancer too: it posts each update to the next worker. All share the cores of this
machine with PostgreSQL and the player, so a rate says less than the processor time of each part.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from statistics import quantiles

import aiohttp

from storage.vault import Vault
from tests.bench.bot_api import TOKEN, BenchTelegram, Json
from tests.bench.telegram_load import PRODUCT, cpu_seconds
from tests.harness.programs.postgresql import PostgresqlServer, server_programs
from tests.harness.telegram_app import WEBHOOK_SECRET
from tests.support.paths import ROOT
from tests.support.ports import free_port

WORKERS, PEOPLE, WARM_UP_SECONDS, SECONDS = (1, 2, 4), 50, 4.0, 8.0
SECRET_HEADER = {"X-Telegram-Bot-Api-Secret-Token": WEBHOOK_SECRET}


def measure(folder: Path) -> list[str]:
    """Return a line for each number of workers, or why there is none."""
    programs = server_programs()
    if programs is None:
        return ["PostgreSQL is not installed, so workers are not measured."]
    server = PostgresqlServer(programs)
    try:
        return [asyncio.run(_play(folder, server, n)) for n in WORKERS]
    finally:
        server.remove()


async def _play(folder: Path, server: PostgresqlServer, workers: int) -> str:
    url = server.url(server.create())
    ports = [free_port() for _ in range(workers)]
    waiting: asyncio.Queue[Json] = asyncio.Queue()
    telegram = BenchTelegram(PEOPLE, None, waiting.put_nowait)
    api_port = free_port()
    runner = await telegram.serve(api_port)
    with contextlib.ExitStack() as stack:
        environment = _environment(folder, url, api_port)
        _run_once(environment, "migrate")
        running = [stack.enter_context(_worker(folder, environment, port)) for port in ports]
        posting = asyncio.create_task(_post_for_ever(waiting, ports))
        async with asyncio.timeout(120):
            await telegram.first_answer.wait()
        await asyncio.sleep(WARM_UP_SECONDS)
        before, started = len(telegram.milliseconds), time.perf_counter()
        cpu, stored = sum(map(cpu_seconds, running)), _server_seconds(server)
        await asyncio.sleep(SECONDS)
        took = time.perf_counter() - started
        seen = telegram.milliseconds[before:]
        cpu, stored = sum(map(cpu_seconds, running)) - cpu, _server_seconds(server) - stored
        posting.cancel()
    await runner.cleanup()
    cuts, per_thousand = quantiles(seen, n=100), 1000 / len(seen)
    return (
        f"{workers} worker{'s' * (workers > 1)}: {len(seen) / took:.0f} updates a second, "
        f"p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms; processor time for 1,000: "
        f"{cpu * per_thousand:.2f} s in the workers, {stored * per_thousand:.2f} s in PostgreSQL"
    )


async def _post_for_ever(waiting: "asyncio.Queue[Json]", ports: list[int]) -> None:
    """Post each update to the next worker; again to another while it is not taken."""
    turns = cycle(ports)
    async with aiohttp.ClientSession(headers=SECRET_HEADER) as session, asyncio.TaskGroup() as all_:

        async def post(update: Json) -> None:
            while True:
                address = f"http://127.0.0.1:{next(turns)}/telegram"
                try:
                    async with session.post(address, json=update) as answer:
                        if answer.ok:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.1)

        while True:
            all_.create_task(post(await waiting.get()))


def _environment(folder: Path, url: str, api_port: int) -> dict[str, str]:
    Vault.open(folder / "rj.key", create=True)  # made once: a key that is there is kept
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TELEGRAM_API_URL": f"http://127.0.0.1:{api_port}",
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "TELEGRAM_MODE": "webhook",
        "TELEGRAM_WEBHOOK_URL": "https://rj.example.org",
        "TELEGRAM_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "DATABASE_URL": url,
        "VAULT_KEY_FILE": str(folder / "rj.key"),
        "LOG_LEVEL": "ERROR",
    }


def _run_once(environment: dict[str, str], command: str) -> None:
    program = [sys.executable, "-m", "bot", command]
    subprocess.run(program, env=environment, check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def _worker(folder: Path, environment: dict[str, str], port: int) -> Iterator[int]:
    """Give the process id of a worker on a port."""
    told = {**environment, "PORT": str(port)}
    child = subprocess.Popen([sys.executable, *PRODUCT], cwd=folder, env=told)
    try:
        yield child.pid
    finally:
        child.kill()
        child.wait(30)


def _server_seconds(server: PostgresqlServer) -> float:
    """Return the processor time of a server: its own, and of what it started and still runs."""
    first = server.process_id()
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    return sum(map(cpu_seconds, [first, *map(int, children)]))
