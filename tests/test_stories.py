"""Every story in tests/stories, told through the flow and told on Telegram over HTTP.

RECORD=1 pytest tests/test_stories.py writes down again what the bot says; read the difference.
"""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests import endings, telling
from tests.on_paper import FlowPlayer
from tests.on_telegram import TelegramPlayer
from tests.players import Player
from tests.telling import STORIES, Story, Telling

RECORD = os.environ.get("RECORD") == "1"
IN_MEMORY = Path("/dev/shm")  # noqa: S108
"""A file system that is quick to write through, on the machines that have one."""


@pytest.fixture
def own_file(empty_file: Path) -> Iterator[Path]:
    with TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        yield Path(shutil.copy(empty_file, folder))


@asynccontextmanager
async def playing(player: Player) -> AsyncIterator[Player]:
    await player.open()
    try:
        yield player
    finally:
        await player.close()


def story_of(name: str) -> Story:
    return telling.read((STORIES / f"{name}.txt").read_text())


@pytest.mark.parametrize("name", telling.names())
async def test_through_the_flow(name: str, own_file: Path) -> None:
    story = story_of(name)
    async with playing(FlowPlayer(own_file, story.names_in_chat)) as player:
        told = Telling(player)
        went = await told.tell(story)
        if RECORD:
            (STORIES / f"{name}.txt").write_text(telling.write(went))
        else:
            assert telling.write(went) == telling.write(story)
        endings.check(told, story.endings)


@pytest.mark.parametrize("name", telling.names())
async def test_on_telegram(name: str, own_file: Path) -> None:
    story = story_of(name)
    player = TelegramPlayer(own_file, story.names_in_chat)
    try:
        async with playing(player):
            told = Telling(player)
            went = await told.tell(story)
            assert telling.write(went) == telling.write(story)
            endings.check(told, story.endings)
    finally:
        player.end()
