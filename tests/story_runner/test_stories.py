"""Every story in tests/stories, told through the flow, on Telegram and in a browser, over HTTP.

RECORD=1 pytest tests/story_runner/test_stories.py records again what the bot says; read the diff.
"""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from flows.conversation import Conversation
from flows.dialogue import commands
from flows.questions import questionnaire
from flows.referral import routing
from flows.scenes import stopped
from tests.story_runner import expectations, runner, web_player
from tests.story_runner.flow_player import FlowPlayer
from tests.story_runner.player import Player
from tests.story_runner.runner import Story, Telling
from tests.story_runner.telegram_player import TelegramPlayer
from tests.story_runner.web_player import BrowserPlayer
from tests.support.paths import STORIES

RECORD = os.environ.get("RECORD") == "1"
IN_MEMORY = Path("/dev/shm")  # noqa: S108
"""A file system that is quick to write through, on the machines that have one."""

BACKSTOPS = {"consent_not_known", "offender_domestic_or_sexual"}
"""Routes for what the questions do not let happen; the tests of routing cover them."""
NEVER_SHOWN = {"details"}
"""Asked by a button of the check, never as a question of its own."""


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
    return runner.read((STORIES / f"{name}.txt").read_text())


@pytest.mark.parametrize("name", runner.names())
async def test_through_the_flow(name: str, own_file: Path) -> None:
    story = story_of(name)
    async with playing(FlowPlayer(own_file, story.names_in_chat)) as player:
        told = Telling(player)
        went = await told.tell(story)
        if RECORD:
            (STORIES / f"{name}.txt").write_text(runner.write(went))
        else:
            assert runner.write(went) == runner.write(story)
        expectations.check(told, story.endings)


@pytest.mark.parametrize("name", runner.names())
async def test_on_telegram(name: str, own_file: Path) -> None:
    story = story_of(name)
    player = TelegramPlayer(own_file, story.names_in_chat)
    try:
        async with playing(player):
            told = Telling(player)
            went = await told.tell(story)
            assert runner.write(went) == runner.write(story)
            expectations.check(told, story.endings)
    finally:
        player.end()


@pytest.mark.parametrize("name", runner.names())
async def test_in_a_browser(name: str, own_file: Path) -> None:
    story = web_player.told_there(name, story_of(name))
    async with playing(BrowserPlayer(own_file, story.names_in_chat)) as player:
        told = Telling(player)
        went = await told.tell(story)
        assert runner.write(went) == runner.write(story)
        if story.endings:
            expectations.check(told, story.endings)


def every_story() -> list[Story]:
    return [story_of(name) for name in runner.names()]


def every_ending() -> set[str]:
    return {ending for story in every_story() for ending in story.endings}


def listed(in_endings: str) -> set[str]:
    """Return what stands after a word in all endings, such as every reason after "because"."""
    found = [one.removeprefix(in_endings) for one in every_ending() if one.startswith(in_endings)]
    return {name for line in found for name in line.split(", ")}


def typed() -> list[str]:
    lines = [part.line.partition(" types: ") for story in every_story() for part in story.parts]
    return [words for _, types, words in lines if types]


def test_there_are_stories_enough() -> None:
    assert len(runner.names()) >= 80


def test_every_route_has_a_story() -> None:
    assert listed("because ") >= {rule.reason for rule in routing.RULES} - BACKSTOPS


def test_every_flag_has_a_story() -> None:
    assert listed("flags ") >= {flag for flag, _ in routing.NOTES}


def test_every_end_without_a_referral_has_a_story() -> None:
    assert listed("stopped for ") == set(stopped.DECIDED_BY)


def test_every_question_is_asked_in_a_story() -> None:
    seen = "\n".join(line for story in every_story() for part in story.parts for line in part.saw)
    for one in questionnaire.questions():
        if one.key not in NEVER_SHOWN:
            assert one.says("en", "ask") in seen, one.key


def test_everything_understood_at_any_time_is_typed_in_a_story() -> None:
    meant = {commands.named(Conversation(), words) for words in typed()}
    assert meant >= {*commands.COMMANDS.values(), *commands.SPOKEN, "unknown"}


def test_nobody_meets_silence() -> None:
    for story in every_story():
        for part in story.parts:
            if any(f" {does}" in part.line for does in ("types", "presses", "sends", "shares")):
                assert part.saw, f"{story.title} {part.line}"


def test_recording_changes_only_what_the_bot_says() -> None:
    for story in every_story():
        parts = tuple(replace(part, saw=("Something else.", "", "[Yes]")) for part in story.parts)
        told = runner.write(replace(story, parts=parts))
        again = runner.read(told)
        assert runner.read(runner.write(story)) == story
        assert [part.line for part in again.parts] == [part.line for part in story.parts]
        assert (again.title, again.endings) == (story.title, story.endings)


@pytest.mark.parametrize(
    "told",
    ["= handed over to check", "= stage asking", "= nothing was sent", "= taps <= 13"],
)
async def test_an_ending_that_does_not_hold_is_found(told: str, own_file: Path) -> None:
    story = story_of("harmed_shortest_way")
    async with playing(FlowPlayer(own_file)) as player:
        telling_it = Telling(player)
        await telling_it.tell(story)
        with pytest.raises(AssertionError):
            expectations.check(telling_it, (told.removeprefix("= "),))
