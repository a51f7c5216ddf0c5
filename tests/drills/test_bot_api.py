"""Telegram's servers fail for a while: nothing is lost or doubled, and everybody else goes on.

What comes of a single answer that is lost, before or after a message is delivered, is in
`tests/bot/channels/telegram/test_telegram.py`; Telegram absent at the start is in
`tests/bot/test_serve.py`.
"""

import contextlib
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import httpx
import pytest

from storage.database import Database
from tests.drills.browsers import until
from tests.drills.fork_server import ForkServer
from tests.drills.scene import LEFT, WRITTEN, Scene, scene
from tests.telegram_server import TelegramServer

Trouble = Callable[[TelegramServer], AbstractContextManager[None]]
FAILURES = 3


@contextlib.contextmanager
def refused(server: TelegramServer) -> Iterator[None]:
    """Nobody listens."""
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextlib.contextmanager
def silent(server: TelegramServer) -> Iterator[None]:
    """Somebody listens, and never says a word."""
    with refused(server), socket.create_server(("127.0.0.1", server._port)):
        yield


@contextlib.contextmanager
def failing(
    server: TelegramServer, method: str, error: int, retry_after: int | None = None
) -> Iterator[None]:
    """Each call is answered with an error."""
    server.fail_next(method, error, times=None, retry_after=retry_after)
    try:
        yield
    finally:
        server.clear_faults()


TROUBLES: dict[str, Trouble] = {
    "refused": refused,
    "silent": silent,
    "502": partial(failing, method="*", error=502),
    "429": partial(failing, method="sendMessage", error=429, retry_after=1),
}


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(name, marks=pytest.mark.slow if name == "refused" else pytest.mark.thorough)
        for name in TROUBLES
    ],
)
def test_telegram_fails_and_everybody_else_goes_on(
    trouble: str, runner: ForkServer, tmp_path: Path, database: Database
) -> None:
    with scene(runner, tmp_path, database) as made:
        with TROUBLES[trouble](made.server):
            made.amina_writes()
            others_go_on(made)
            before = calls(made)
            until(lambda: not made.server.world.running or calls(made) >= before + FAILURES)
            assert made.amina.screen[-1].text == LEFT[WRITTEN - 1].say, "she is shown nothing"
        made.amina_is_answered()
        made.everybody_ends_well()


def others_go_on(made: Scene) -> None:
    """Maya is asked the next question, and Mira's note is saved, at once."""
    for browser, sent in ((made.maya.browser, made.typed), (made.mira.browser, made.note)):
        assert browser.try_once("POST", *sent).status_code == httpx.codes.SEE_OTHER
    made.maya.wait_for(LEFT[1].shown)


def calls(made: Scene) -> int:
    """Return how often the program has asked Telegram for news, or to show Amina something."""
    return sum(len(made.server.calls_of(method)) for method in ("sendMessage", "getUpdates"))
