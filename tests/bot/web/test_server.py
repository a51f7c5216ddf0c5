"""The web server on a real socket: how long a request's head may be."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.web.server import MAX_HEAD_BYTES
from storage.database import Database
from tests.harness.app import build_app
from tests.harness.serving import started
from tests.support.ports import free_port


@pytest.fixture
async def port(database: Database) -> AsyncIterator[int]:
    """Give the port of a program that serves."""
    number, ready = free_port(), asyncio.Event()
    async with started(build_app(database, port=number), ready.set):
        async with asyncio.timeout(30):
            await ready.wait()
        yield number


async def status_of(port: int, *parts: bytes) -> bytes:
    """Send the parts of a request one after the other; return the first line of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)
        async with asyncio.timeout(30):
            return (await reader.readline()).strip()
    finally:
        writer.close()


async def test_a_head_that_goes_on_and_on_is_refused(port: int) -> None:
    header = b"X-A: " + b"a" * 8000 + b"\r\n"
    parts = [b"GET / HTTP/1.1\r\nHost: a\r\n", *[header] * (MAX_HEAD_BYTES // len(header) + 2)]
    assert await status_of(port, *parts) == b"HTTP/1.1 400 Bad Request"


async def test_what_is_no_http_is_refused(port: int) -> None:
    assert await status_of(port, b"nonsense\r\n\r\n") == b"HTTP/1.1 400 Bad Request"


async def test_a_body_does_not_count_as_head(port: int) -> None:
    body = b"say=" + b"a" * (MAX_HEAD_BYTES - 4)
    head = b"POST /start HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n" % len(body)
    kind = b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    whole = head + kind + body
    assert await status_of(port, whole) == b"HTTP/1.1 303 See Other"
    assert await status_of(port, head + kind, body) == b"HTTP/1.1 303 See Other"
