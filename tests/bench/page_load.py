"""The chat's page: its first load, and many of them open."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx

from storage.database import Database
from storage.vault import Vault
from tests.bench.bench_app import open_program
from tests.bench.storage_scale import resident_mb
from tests.support.paths import ROOT

CHATS = 100
SITE = "http://pages.test"


def measure(folder: Path) -> list[str]:
    """Return lines: bytes of the first load, memory of open chats."""
    size, files = asyncio.run(_first_load(folder / "load"))
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench.page_load", str(folder / "chats")],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    chats = json.loads(ran.stdout)
    return [
        f"first load of the chat: {size:,} bytes in {files} files, nothing packed",
        f"memory: {chats['before_mb']:.0f} MB, {chats['after_mb']:.0f} MB with {CHATS} open chats "
        f"that all listen, {(chats['after_mb'] - chats['before_mb']) / CHATS * 1000:.0f} KB each",
    ]


async def _first_load(folder: Path) -> tuple[int, int]:
    """Return the bytes of the chat's first page with all it asks for, and how many files."""
    with open_program(folder) as running:
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
