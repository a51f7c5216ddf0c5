"""What ships, over real HTTP: `rj serve` in a process of its own polls a Bot API that plays people.

Beside it, in the same run, on the same core, a contestant by python-telegram-bot and sqlite3, and
an echo that shows what the player can serve.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from storage.vault import Vault
from tests.bench.bot_api import TOKEN, BenchTelegram
from tests.support.paths import ROOT
from tests.support.ports import free_port

PEOPLE, ROUNDS, WARM_UP_SECONDS, SECONDS = 50, 3, 3.0, 6.0
PACE, PACED_SECONDS, PACED_PEOPLE = 30.0, 15.0, 400
"""Telegram lets a bot send thirty messages a second."""
PRODUCT = ("-m", "tests.bench.plug.serve", "serve")
OURS, PEERS = "rj serve", "python-telegram-bot + sqlite3"
BOTS = {
    OURS: PRODUCT,
    PEERS: ("-m", "tests.bench.peer"),
    "an echo that keeps nothing": ("-m", "tests.bench.echo"),
}
"""They take turns, so that whatever else this machine does weighs on all of them."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run showed: updates, seconds, their times in ms, CPU seconds of bot and player."""

    updates: int
    seconds: float
    cuts: list[float]
    cpu: float
    player_cpu: float

    @property
    def rate(self) -> float:
        """Return updates a second."""
        return self.updates / self.seconds

    @property
    def cpu_per_thousand(self) -> float:
        """Return seconds of processor time for a thousand updates."""
        return self.cpu / self.updates * 1000

    @property
    def share(self) -> float:
        """Return how much of its core the bot used; well below 1, it waited for something."""
        return self.cpu / self.seconds

    @property
    def player_share(self) -> float:
        """Return how much of a core the player used; near 1, it is what was measured."""
        return self.player_cpu / self.seconds


def measure(folder: Path) -> list[str]:
    """Return lines: all at saturation, taking turns, and the product at Telegram's own pace."""
    rounds = [
        {
            name: play(folder / f"{name}-{n}", command, PEOPLE, None, SECONDS)
            for name, command in BOTS.items()
        }
        for n in range(ROUNDS)
    ]
    paced = play(folder / "paced", PRODUCT, PACED_PEOPLE, PACE, PACED_SECONDS)
    rates = [one[OURS].rate / one[PEERS].rate for one in rounds]
    costs = [one[OURS].cpu_per_thousand / one[PEERS].cpu_per_thousand for one in rounds]
    return [
        f"{PEOPLE} people, each acting once answered; {ROUNDS} rounds of {SECONDS:.0f} s, medians:",
        *(_at_saturation(name, [one[name] for one in rounds]) for name in BOTS),
        f"{OURS} to {PEERS}: {_median_and_range(rates)} times as many, "
        f"{_median_and_range(costs)} of the processor time",
        f"{OURS} at {paced.rate:.0f} updates a second: p50 {paced.cuts[49]:.0f} ms, p99 "
        f"{paced.cuts[98]:.0f} ms, {paced.share:.0%} of a core",
    ]


def _at_saturation(name: str, loads: list[Load]) -> str:
    return (
        f"{name}: {median(one.rate for one in loads):.0f} updates a second, "
        f"{median(one.cpu_per_thousand for one in loads):.2f} s of processor time for 1,000, "
        f"{median(one.share for one in loads):.0%} of its core "
        f"(the player {median(one.player_share for one in loads):.0%} of its own)"
    )


def _median_and_range(values: list[float]) -> str:
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def play(
    folder: Path, command: tuple[str, ...], people: int, pace: float | None, seconds: float
) -> Load:
    """Run a bot on the first core for people on the others; return what was measured."""
    folder.mkdir(parents=True)
    port = free_port()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[1:] or cores)
    try:
        return asyncio.run(_play(folder, command, port, BenchLoad(people, pace, seconds), cores[0]))
    finally:
        os.sched_setaffinity(0, cores)


@dataclass(frozen=True, slots=True)
class BenchLoad:
    """How many people, how many updates a second (None: as many as are answered), for how long."""

    people: int
    pace: float | None
    seconds: float


async def _play(
    folder: Path, command: tuple[str, ...], port: int, load: BenchLoad, core: int
) -> Load:
    telegram = BenchTelegram(load.people, load.pace)
    runner = await telegram.serve(port)
    pacing = asyncio.create_task(telegram.pace_for_ever())
    with _running(folder, command, port, core) as process_id:
        async with asyncio.timeout(60):
            await telegram.first_answer.wait()
        await asyncio.sleep(WARM_UP_SECONDS)
        before, cpu, own = len(telegram.milliseconds), cpu_seconds(process_id), time.process_time()
        started = time.perf_counter()
        await asyncio.sleep(load.seconds)
        took = time.perf_counter() - started
        seen = telegram.milliseconds[before:]
        used, own = cpu_seconds(process_id) - cpu, time.process_time() - own
    pacing.cancel()
    await runner.cleanup()
    return Load(len(seen), took, quantiles(seen, n=100), used, own)


@contextlib.contextmanager
def _running(folder: Path, command: tuple[str, ...], port: int, core: int) -> Iterator[int]:
    """Give the process id of a bot, on a core of its own, on a fresh database."""
    Vault.open(folder / "rj.key", create=True)
    told = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TELEGRAM_API_URL": f"http://127.0.0.1:{port}",
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "DATABASE_URL": f"sqlite:///{folder / 'rj.db'}",
        "VAULT_KEY_FILE": str(folder / "rj.key"),
        "PEER_DATABASE": str(folder / "peer.db"),
        "PORT": str(free_port()),
        "LOG_LEVEL": "ERROR",
    }
    child = subprocess.Popen(
        [sys.executable, *command], cwd=folder, env=told, stderr=subprocess.DEVNULL
    )
    os.sched_setaffinity(child.pid, [core])
    try:
        yield child.pid
    finally:
        child.kill()  # the Bot API is on this loop, and would be asked once more
        child.wait(30)


def cpu_seconds(process_id: int) -> float:
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
