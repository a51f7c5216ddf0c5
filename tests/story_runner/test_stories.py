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
from tests.story_runner.player import Store, StoryPlayer
from tests.story_runner.runner import Story, StoryRunner
from tests.story_runner.telegram_player import TelegramPlayer
from tests.story_runner.web_player import WebPlayer
from tests.support.paths import STORIES

RECORD = os.environ.get("RECORD") == "1"
IN_MEMORY = Path("/dev/shm")  # noqa: S108
"""A file system that is quick to write through, on the machines that have one."""

BACKSTOPS = {"consent_not_known", "offender_domestic_or_sexual"}
"""Routes for what the questions do not let happen; the tests of routing cover them."""
NEVER_SHOWN = {"details"}
"""Asked by a button of the check, never as a question of its own."""

ON_POSTGRESQL = runner.story_names()[::3]
"""Every third story: all of them take CI minutes that it does not have."""


@pytest.fixture
def store(empty_file: Path) -> Iterator[Store]:
    """Give a place of a story's own: a file."""
    with TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        yield Store(f"sqlite:///{shutil.copy(empty_file, folder)}", Path(folder, "rj.key"))


@asynccontextmanager
async def running_player(player: StoryPlayer) -> AsyncIterator[StoryPlayer]:
    await player.open()
    try:
        yield player
    finally:
        await player.close()


def story_of(name: str) -> Story:
    return runner.parse_story((STORIES / f"{name}.txt").read_text())


@pytest.mark.parametrize("name", runner.story_names())
async def test_through_the_flow(name: str, store: Store) -> None:
    story = story_of(name)
    async with running_player(FlowPlayer(store, story.names_in_chat)) as player:
        told = StoryRunner(player)
        went = await told.run(story)
        if RECORD:
            (STORIES / f"{name}.txt").write_text(runner.format_story(went))
        else:
            assert runner.format_story(went) == runner.format_story(story)
        expectations.check_expectations(told, story.expectations)


@pytest.mark.parametrize("name", runner.story_names())
async def test_on_telegram(name: str, store: Store) -> None:
    await tell_on_telegram(name, store)


@pytest.mark.parametrize("name", runner.story_names())
async def test_in_a_browser(name: str, store: Store) -> None:
    await tell_in_a_browser(name, store)


@pytest.mark.slow
@pytest.mark.postgresql
@pytest.mark.parametrize("name", ON_POSTGRESQL)
async def test_on_postgresql(name: str, postgresql_url: str, tmp_path: Path) -> None:
    """One way and the other by turns."""
    store = Store(postgresql_url, tmp_path / "rj.key")
    if ON_POSTGRESQL.index(name) % 2:
        await tell_in_a_browser(name, store)
    else:
        await tell_on_telegram(name, store)


async def tell_on_telegram(name: str, store: Store) -> None:
    story = story_of(name)
    player = TelegramPlayer(store, story.names_in_chat)
    try:
        async with running_player(player):
            told = StoryRunner(player)
            went = await told.run(story)
            assert runner.format_story(went) == runner.format_story(story)
            expectations.check_expectations(told, story.expectations)
    finally:
        player.end()


async def tell_in_a_browser(name: str, store: Store) -> None:
    story = web_player.adapt_story(name, story_of(name))
    async with running_player(WebPlayer(store, story.names_in_chat)) as player:
        told = StoryRunner(player)
        went = await told.run(story)
        assert runner.format_story(went) == runner.format_story(story)
        if story.expectations:
            expectations.check_expectations(told, story.expectations)


def every_story() -> list[Story]:
    return [story_of(name) for name in runner.story_names()]


def every_expectation() -> set[str]:
    return {ending for story in every_story() for ending in story.expectations}


def expectation_values(in_endings: str) -> set[str]:
    """Return what stands after a word in all endings, such as every reason after "because"."""
    found = [
        one.removeprefix(in_endings) for one in every_expectation() if one.startswith(in_endings)
    ]
    return {name for line in found for name in line.split(", ")}


def typed_texts() -> list[str]:
    lines = [part.text.partition(" types: ") for story in every_story() for part in story.actions]
    return [words for _, types, words in lines if types]


def test_there_are_stories_enough() -> None:
    assert len(runner.story_names()) >= 80


def test_every_route_has_a_story() -> None:
    assert (
        expectation_values("because ")
        >= {rule.reason for rule in routing.ROUTING_RULES} - BACKSTOPS
    )


def test_every_flag_has_a_story() -> None:
    assert expectation_values("flags ") >= {flag for flag, _ in routing.FLAG_RULES}


def test_every_end_without_a_referral_has_a_story() -> None:
    assert expectation_values("stopped for ") == set(stopped.DECIDING_QUESTIONS)


def test_every_question_is_asked_in_a_story() -> None:
    seen = "\n".join(
        line for story in every_story() for part in story.actions for line in part.seen
    )
    for one in questionnaire.all_questions():
        if one.key not in NEVER_SHOWN:
            assert one.text("en", "ask") in seen, one.key


def test_everything_understood_at_any_time_is_typed_in_a_story() -> None:
    meant = {commands.find_command(Conversation(), words) for words in typed_texts()}
    assert meant >= {*commands.SLASH_COMMANDS.values(), *commands.TYPED_COMMANDS, "unknown"}


def test_nobody_meets_silence() -> None:
    for story in every_story():
        for part in story.actions:
            if any(f" {does}" in part.text for does in ("types", "presses", "sends", "shares")):
                assert part.seen, f"{story.title} {part.text}"


def test_recording_changes_only_what_the_bot_says() -> None:
    for story in every_story():
        parts = tuple(
            replace(part, seen=("Something else.", "", "[Yes]")) for part in story.actions
        )
        told = runner.format_story(replace(story, actions=parts))
        again = runner.parse_story(told)
        assert runner.parse_story(runner.format_story(story)) == story
        assert [part.text for part in again.actions] == [part.text for part in story.actions]
        assert (again.title, again.expectations) == (story.title, story.expectations)


@pytest.mark.parametrize(
    "told",
    ["= handed over to check", "= stage asking", "= nothing was sent", "= taps <= 13"],
)
async def test_a_false_expectation_fails(told: str, store: Store) -> None:
    story = story_of("harmed_shortest_way")
    async with running_player(FlowPlayer(store)) as player:
        telling_it = StoryRunner(player)
        await telling_it.run(story)
        with pytest.raises(AssertionError):
            expectations.check_expectations(telling_it, (told.removeprefix("= "),))
