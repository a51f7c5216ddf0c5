"""The webhook, over HTTP: only Telegram's own updates come in, and each is saved before the 200."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from bot.channels.telegram.webhook import PATH
from bot.web.forms import UPDATE_MAX
from storage.chats import inbox
from storage.chats.inbox import InboxStage
from storage.database import Database
from tests.harness.telegram_app import WEBHOOK_SECRET, TelegramApp, open_telegram_app
from tests.telegram_server import TelegramServer

HEADER = "X-Telegram-Bot-Api-Secret-Token"
MIN_REQUESTS = 1_000


@dataclass(slots=True)
class WebhookClient:
    """The open webhook: a way to knock, and who is behind it."""

    rig: TelegramApp
    port: int
    client: httpx.AsyncClient

    async def post(self, body: bytes, secret: str | None = WEBHOOK_SECRET) -> int:
        """Send a body as Telegram would; return the status."""
        headers = {} if secret is None else {HEADER.encode(): secret.encode()}
        return (await self.client.post(PATH, content=body, headers=headers)).status_code

    async def send_raw(self, raw: bytes, hangs_up: bool = True) -> bytes:
        """Send these bytes as they are; return the first line of the answer, if there is one."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        with suppress(ConnectionError):
            writer.write(raw)
            await writer.drain()
            if hangs_up:
                writer.write_eof()
        first = b""
        with suppress(ConnectionError):
            first = await asyncio.wait_for(reader.readline(), 10)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        return first.strip()

    def saved_count(self) -> int:
        """Return how many updates were ever saved."""
        return sum(self.rig.inbox_count(stage) for stage in InboxStage)


@asynccontextmanager
async def serve_webhook(rig: TelegramApp, port: int) -> AsyncIterator[WebhookClient]:
    """Serve the pages while the test runs."""
    serving = asyncio.create_task(rig.running.serve_pages())
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(200):
            with suppress(httpx.ConnectError):
                if (await client.get("/health")).status_code == 200:
                    break
            await asyncio.sleep(0.05)
        yield WebhookClient(rig, port, client)
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


@pytest.fixture
async def door(
    server: TelegramServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[WebhookClient]:
    """Give a bot that is met by webhook."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = int(taken.getsockname()[1])
    told = {"telegram_mode": "webhook", "telegram_webhook_secret": WEBHOOK_SECRET, "port": port}
    url = f"http://127.0.0.1:{port}"
    async with (
        open_telegram_app(server, database, monkeypatch, telegram_webhook_url=url, **told) as rig,
        serve_webhook(rig, port) as opened,
    ):
        yield opened


def update(number: object = 5, **more: Any) -> bytes:
    """Return an update that Telegram could have sent, unless `number` is odd."""
    chat = {"id": 4001, "type": "private", "first_name": "Amina"}
    message = {"message_id": 1, "date": 1_760_000_000, "chat": chat, "text": "hello"}
    message["from"] = {"id": 4001, "is_bot": False, "first_name": "Amina"}
    return json.dumps({"update_id": number, "message": message, **more}).encode()


def wrong_secrets(dice: Random) -> list[str | None]:
    """Return what somebody who does not know the secret may bring."""
    near = [
        WEBHOOK_SECRET[:-1],
        WEBHOOK_SECRET + "x",
        WEBHOOK_SECRET.upper(),
        f" {WEBHOOK_SECRET}",
        WEBHOOK_SECRET * 2,
        WEBHOOK_SECRET[::-1],
    ]
    odd = ["", "\x00", "\N{LATIN SMALL LETTER E WITH ACUTE}", "\u30d1\u30b9", "null", "*" * 4000]
    made_up = ["".join(dice.choices(WEBHOOK_SECRET, k=len(WEBHOOK_SECRET))) for _ in range(388)]
    return [None, *(one for one in near if one.strip() != WEBHOOK_SECRET), *odd[2:], *made_up]


def wrong_bodies(dice: Random) -> list[bytes]:
    """Return bodies that are no update: cut, changed, of another type, too deep, too large."""
    whole = update()
    cut = [whole[: dice.randrange(len(whole))] for _ in range(200)]
    types = [
        b"",
        b"null",
        b"true",
        b"7",
        b'"x"',
        b"[]",
        b"{}",
        b"[1,2]",
        b"NaN",
        b"\xff\xfe",
        b"\x00",
    ]
    numbers: list[object] = [
        True,
        None,
        "5",
        5.0,
        -1,
        2**63,
        10**30,
        [],
        {},
        "",
        float("inf"),
        float("nan"),
    ]
    deep = [b"[" * n + b"]" * n for n in (100, 1_000, 5_001, 100_000)]
    deep += [b'{"a":' * n + b"1" + b"}" * n for n in (100, 1_000, 5_001, 40_000)]
    large = [b" " * (UPDATE_MAX + 1), update() + b" " * UPDATE_MAX, update(text="x" * UPDATE_MAX)]
    long_numbers = [b'{"update_id":' + b"9" * n + b"}" for n in (20, 4_301, 100_000)]
    bent: list[bytes] = []
    while len(bent) < 250:
        place = dice.randrange(len(whole))
        one = whole[:place] + bytes([dice.randrange(256)]) + whole[place + 1 :]
        if not _reads(one):
            bent.append(one)
    return [*cut, *types, *map(update, numbers), *deep, *large, *long_numbers, *bent]


def _reads(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body)["update_id"], int)
    except (ValueError, KeyError, TypeError):
        return False


async def test_a_thousand_forged_or_broken_requests_come_to_nothing(
    door: WebhookClient, logged: Callable[[], str]
) -> None:
    dice = Random(11)
    forged = [await door.post(update(n), one) for n, one in enumerate(wrong_secrets(dice))]
    assert set(forged) == {403}
    broken = [await door.post(body) for body in wrong_bodies(dice)]
    assert set(broken) <= {400, 413}
    others = [
        (
            await door.client.request(
                method, path, content=update(), headers={HEADER: WEBHOOK_SECRET}
            )
        )
        for method in ("GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE")
        for path in (PATH, f"{PATH}/", f"{PATH}/x", "/telegramx", "/health/x")
        for _ in range(4)
    ]
    assert {answer.status_code for answer in others} <= {307, 404, 405}
    assert len(forged) + len(broken) + len(others) >= MIN_REQUESTS
    assert door.saved_count() == 0
    assert logged() == "", "no exception, and nothing to say"


async def test_raw_requests_are_answered_or_dropped_and_never_saved(
    door: WebhookClient, logged: Callable[[], str]
) -> None:
    good = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{HEADER}: {WEBHOOK_SECRET}\r\n"
    chunk = b"%x\r\n%b\r\n" % (65_536, b"x" * 65_536)
    knocks = [
        b"",
        b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /telegram HTTP/9.9\r\n\r\n",
        b"POST " + b"/" * 70_000 + b" HTTP/1.1\r\n\r\n",
        f"{good}X: {'y' * 70_000}\r\n\r\n".encode(),
        f"{good}Content-Length: 10\r\n\r\n{{}}".encode(),
        f"{good}Content-Length: -5\r\n\r\n".encode(),
        f"{good}Content-Length: 99999999999\r\n\r\n{{".encode(),
        f"{good}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode(),
        f"{good}Transfer-Encoding: chunked\r\n\r\nzz\r\n{{}}\r\n0\r\n\r\n".encode(),
        f"{good}Transfer-Encoding: chunked\r\n\r\n".encode() + chunk * 5 + b"0\r\n\r\n",
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\n{HEADER}: \xe9\r\n\r\n".encode("latin-1"),
    ]
    for raw in knocks:
        first = await door.send_raw(raw)
        assert first == b"" or first.split()[1][:1] == b"4", raw[:60]
    assert door.saved_count() == 0
    assert "Traceback" not in logged()


async def test_a_good_update_is_saved_before_the_200(door: WebhookClient) -> None:
    for n in range(20):
        assert await door.post(update(n)) == 200
        assert door.saved_count() == n + 1
    assert await door.post(update(3)) == 200
    assert door.saved_count() == 20, "what comes again is known"


async def test_in_pieces_it_is_an_update_all_the_same(door: WebhookClient) -> None:
    body = update()
    pieces = b"".join(b"1\r\n%c\r\n" % letter for letter in body)
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{HEADER}: {WEBHOOK_SECRET}\r\n"
    first = await door.send_raw(
        f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + pieces + b"0\r\n\r\n", hangs_up=False
    )
    assert first == b"HTTP/1.1 200 OK"
    assert door.saved_count() == 1


@pytest.mark.parametrize("depth", [50, 300, 900, 980, 1_000, 1_500, 2_400])
async def test_a_deep_update_is_kept_or_refused_but_never_comes_again_for_ever(
    door: WebhookClient, depth: int
) -> None:
    deep = b'{"update_id": 5, "a":' + b"[" * depth + b"]" * depth + b"}"
    status = await door.post(deep)
    assert status in (200, 400)
    assert door.saved_count() == (1 if status == 200 else 0)
    assert await door.post(update(6)) == 200
    await door.rig.respond()
    assert door.rig.inbox_count(InboxStage.DONE) >= 1
    assert door.rig.inbox_count(InboxStage.WAITING) == 0


async def test_what_cannot_be_saved_is_not_confirmed_and_comes_again(
    door: WebhookClient, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
) -> None:
    def broken(*_: object) -> int:
        raise OperationalError("INSERT", {"words": "quietmarigold"}, Exception("quietmarigold"))

    def raises_value_error(*_: object) -> int:
        raise ValueError("quietmarigold")

    with monkeypatch.context() as trouble:
        trouble.setattr(inbox, "store_answered", broken)
        assert await door.post(update()) == 500
        trouble.setattr(inbox, "store_answered", raises_value_error)
        trouble.setattr(inbox, "enqueue_arrivals", broken)
        assert await door.post(update()) == 500
    assert door.saved_count() == 0
    assert await door.post(update()) == 200
    assert door.saved_count() == 1
    assert "quietmarigold" not in logged()


async def test_without_a_secret_there_is_no_route(
    server: TelegramServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_telegram_app(server, database, monkeypatch) as rig:
        assert "/telegram" not in [getattr(r, "path", "") for r in rig.running.pages().routes]
