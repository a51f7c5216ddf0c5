"""Every message in every language, ready to be looked through: read once, then remembered."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache
from string import Formatter

from bot.proofreading import read_through, readability
from bot.proofreading.tables import OLD
from bot.proofreading.texts import pages_of
from bot.proofreading.usages import where_used
from flows import content_files
from flows.service import service
from flows.understanding import faq, text_match
from flows.wording import helplines

A_YEAR = timedelta(days=365)
"""How long a reviewed answer stands before somebody looks at it again."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a message: words, or a blank that is filled when it is said."""

    text: str
    blank: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One message in one language. `grade` is None where it is too short to be graded."""

    language: str
    key: str
    pieces: tuple[Piece, ...]
    words: int
    grade: float | None
    used: tuple[str, ...]
    folded: str


@dataclass(frozen=True, slots=True)
class Dated:
    """Something that a person has to look at again after a while: when they last did."""

    name: str
    what: str
    day: date
    stale: bool


@cache
def everything() -> tuple[Message, ...]:
    """Return every message. The first time it takes about a second: ask on another thread."""
    return tuple(
        message
        for code in service().languages
        for message in _messages(code, content_files.read_language(code))
    )


@lru_cache(maxsize=1)
def looked_through(today: date) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is wrong with the words and what to look at; slow the first time of a day."""
    return read_through(today)


def branches() -> tuple[str, ...]:
    """Return the branches that messages are kept in."""
    return tuple(dict.fromkeys(one.key.split(".")[0] for one in everything()))


def found(asked: str, branch: str) -> list[Message]:
    """Return the messages of a branch ("" for any) whose key or words hold what is asked for."""
    wanted = text_match.fold(asked).split()
    key = asked.strip().casefold()
    return [
        one
        for one in everything()
        if branch in ("", one.key.split(".")[0])
        and (key in one.key or all(word in one.folded for word in wanted))
    ]


def answers(today: date) -> list[Dated]:
    """Return the reviewed answers by when they were reviewed, the oldest first."""
    rows = [
        Dated(one.id, one.owner, one.reviewed_on, today - one.reviewed_on > A_YEAR)
        for one in faq.topics()
    ]
    return sorted(rows, key=lambda row: (row.day, row.name))


def numbers(today: date) -> list[Dated]:
    """Return the helplines by when their number was checked, the oldest first."""
    rows = [
        Dated(
            id,
            row["number"],
            row["checked_on"],
            row["status"] != "checked" or today - row["checked_on"] > OLD,
        )
        for id, row in helplines().items()
    ]
    return sorted(rows, key=lambda row: (row.day, row.name))


def _messages(code: str, tree: content_files.Tree) -> Iterator[Message]:
    page = pages_of(code, tree)
    whole = {**page.texts, **{key: ", ".join(one) for key, one in page.lists.items()}}
    for key, text in whole.items():
        n = readability.count_words(text)
        graded = key in page.texts and n >= readability.SHORT
        yield Message(
            code,
            key,
            _pieces(text) if key in page.texts else (Piece(text),),
            n,
            round(readability.grade(text), 1) if graded else None,
            where_used(key),
            text_match.fold(text),
        )


def _pieces(text: str) -> tuple[Piece, ...]:
    found: list[Piece] = []
    for words, blank, _, _ in Formatter().parse(text):
        if words:
            found.append(Piece(words))
        if blank is not None:
            found.append(Piece(blank, blank=True))
    return tuple(found)
