"""Rate limits count the visitors behind a trusted proxy, and say when one is not trusted."""

import asyncio
from collections import Counter
from datetime import date

import httpx
import pytest

from storage.database import Database
from storage.reports.daily_counters import UNTRUSTED_PROXY
from storage.tables import DAILY_COUNTER
from tests.harness.app import build_app
from tests.harness.serving import started
from tests.support.ports import free_port

PROXY = "127.0.0.2"
"""An address of this machine's that is not the one the program trusts by itself."""
PATIENCE = 30.0


async def begin_chats(database: Database, number: int, **settings: object) -> Counter[int]:
    """Begin chats for as many visitors through one proxy; return the statuses of the answers."""
    port, ready = free_port(), asyncio.Event()
    address = f"http://127.0.0.1:{port}"
    program = build_app(database, port=port, **settings)
    statuses: Counter[int] = Counter()
    async with started(program, ready.set):
        async with asyncio.timeout(PATIENCE):
            await ready.wait()
        for n in range(number):
            transport = httpx.AsyncHTTPTransport(local_address=PROXY)
            headers = {"Origin": address, "X-Forwarded-For": f"192.0.2.{n}"}
            async with httpx.AsyncClient(transport=transport, headers=headers) as visitor:
                statuses[(await visitor.post(f"{address}/start")).status_code] += 1
    return statuses


def untrusted_hours(database: Database) -> list[tuple[date, int]]:
    with database.reading() as unit:
        rows = unit.conn.execute(DAILY_COUNTER.select()).all()
    return [(row.day, row.n) for row in rows if (row.event, row.key) == UNTRUSTED_PROXY]


@pytest.mark.parametrize("named", [PROXY, "10.0.0.1, 127.0.0.0/8"])
async def test_visitors_behind_a_proxy_that_is_named_count_apart(
    database: Database, named: str
) -> None:
    assert await begin_chats(database, 13, trusted_proxies=named) == {303: 13}
    assert untrusted_hours(database) == []


async def test_visitors_behind_a_proxy_that_is_not_named_count_as_one_and_that_is_said(
    database: Database,
) -> None:
    assert await begin_chats(database, 13) == {303: 10, 429: 3}
    assert [n for _, n in untrusted_hours(database)] == [1]
