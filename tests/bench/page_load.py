"""The pages: the queue with many referrals, the first load of the chat, many open chats."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from time import perf_counter

import httpx
from sqlalchemy import insert

from bot.cli.demo_data import add_demo_referrals
from bot.desk.guard import BROWSER_COOKIE, SESSION_COOKIE
from bot.serve import Program
from bot.settings import Settings
from flows.record import Record
from storage.accounts import sign_ins, staff
from storage.accounts.sign_ins import SignInMethod
from storage.database import Database
from storage.referrals.rows import referral_row_values, unseal_record
from storage.tables import REFERRAL, new_id
from storage.unit import Unit
from storage.vault import Vault
from tests.bench.storage_scale import resident_mb
from tests.support.paths import ROOT

REFERRALS, FEW, TIMES = 50_000, 50, 60
CHATS = 100
SITE = "http://pages.test"


def measure(folder: Path) -> list[str]:
    """Return lines: the queue's page with few and many referrals, bytes, memory of open chats."""
    few = _queue(folder / "few", FEW)
    many = _queue(folder / "many", REFERRALS)
    size, files = asyncio.run(_first_load(folder / "load"))
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench.page_load", str(folder / "chats")],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    chats = json.loads(ran.stdout)
    return [
        f"the queue's page: p50 {few[0]:.0f} ms and p95 {few[1]:.0f} ms with {FEW} referrals, "
        f"p50 {many[0]:.0f} ms and p95 {many[1]:.0f} ms with {REFERRALS:,}, "
        f"{many[1] / few[1]:.2f} times as long",
        f"first load of the chat: {size:,} bytes in {files} files, nothing packed",
        f"memory: {chats['before_mb']:.0f} MB, {chats['after_mb']:.0f} MB with {CHATS} open chats "
        f"that all listen, {(chats['after_mb'] - chats['before_mb']) / CHATS * 1000:.0f} KB each",
    ]


def _queue(folder: Path, number: int) -> tuple[float, float]:
    """Return the median and the 95th percentile of the queue's page, in milliseconds."""
    with _open_runtime(folder) as running:
        token = _fill_queue(running, number)
        return asyncio.run(_timed(running, token))


class _open_runtime:
    """A program on a fresh database in a folder, closed afterwards."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        vault = Vault.open(folder / "rj.key", create=True)
        self._database = Database(f"sqlite:///{folder / 'rj.db'}", vault)
        self._database.migrate()

    def __enter__(self) -> Program:
        return Program(Settings(_env_file=None), self._database)

    def __exit__(self, *_: object) -> None:
        self._database.close()


def _fill_queue(running: Program, number: int) -> str:
    """Put referrals in the queue, like the made-up ones; return a coordinator's sign-in."""
    with running.runtime.database.unit() as unit:
        add_demo_referrals(unit)
        rows = unit.conn.execute(REFERRAL.select()).all()
        like = [unseal_record(unit, row) for row in rows]
        kept = [_row(unit, like[n % len(like)], n) for n in range(number)]
        unit.conn.execute(insert(REFERRAL), kept)
        code = staff.invite_staff(unit, "carys", "coordinator", "ada")
        id = staff.redeem_staff_invitation(unit, code)
        return sign_ins.begin_sign_in(unit, str(id), SignInMethod.PASSWORD)


def _row(unit: Unit, like: Record, n: int) -> dict[str, object]:
    sent = unit.now - timedelta(minutes=n)
    own = replace(like, reference=f"{n:05}-BENC", sent_at=sent, due=sent + timedelta(days=2))
    return referral_row_values(unit, new_id(), own, None)


async def _timed(running: Program, token: str) -> tuple[float, float]:
    door = httpx.ASGITransport(app=running.pages())
    cookies = {SESSION_COOKIE: token, BROWSER_COOKIE: "bench"}
    took = []
    async with httpx.AsyncClient(transport=door, base_url=SITE, cookies=cookies) as client:
        for n in range(TIMES):
            started = perf_counter()
            shown = await client.get("/desk/queue?view=all")
            assert shown.status_code == 200 and "<table" in shown.text
            if n >= TIMES // 6:
                took.append((perf_counter() - started) * 1000)
    cuts = quantiles(took, n=20)
    return cuts[9], cuts[18]


async def _first_load(folder: Path) -> tuple[int, int]:
    """Return the bytes of the chat's first page with all it asks for, and how many files."""
    with _open_runtime(folder) as running:
        door = httpx.ASGITransport(app=running.pages())
        async with httpx.AsyncClient(transport=door, base_url=SITE) as client:
            page = (await client.get("/")).text
            paths = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))
            files = [(await client.get(path)).content for path in sorted(paths)]
    return len(page.encode()) + sum(map(len, files)), 1 + len(files)


def open_chats(folder: Path) -> dict[str, float]:
    """Return the memory of a process of its own, in megabytes, without and with open chats."""
    from tests.browser.live_app import LiveApp

    folder.mkdir(parents=True)
    vault = Vault.open(folder / "rj.key", create=True)
    database = Database(f"sqlite:///{folder / 'rj.db'}", vault)
    database.migrate()
    site = LiveApp(database)
    site.start()
    before = _memory_with_one_chat(site.address)
    told: dict[str, float] = {"before_mb": before}
    asyncio.run(_open_all(site.address, lambda: told.update(after_mb=resident_mb())))
    site.stop()
    database.close()
    return told


def _memory_with_one_chat(address: str) -> float:
    asyncio.run(_open_all(address, lambda: None, 1))
    return resident_mb()


async def _open_all(address: str, then: Callable[[], None], number: int = CHATS) -> None:
    """Open chats one after the other, let all of them listen, and then measure."""
    most = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with (
        httpx.AsyncClient(base_url=address, timeout=30, limits=most) as client,
        AsyncExitStack() as listening,
    ):
        for n in range(number):
            caller = {"Origin": address, "X-Forwarded-For": f"192.0.2.{n}"}
            started = await client.post("/start", headers=caller)
            client.cookies.clear()
            own = {"Cookie": started.headers["set-cookie"].split(";")[0]}
            stream = client.stream("GET", "/chat/live", headers=own)
            opened = await listening.enter_async_context(stream)
            assert opened.status_code == 200, opened.status_code
        then()


if __name__ == "__main__":
    print(json.dumps(open_chats(Path(sys.argv[1]))))
