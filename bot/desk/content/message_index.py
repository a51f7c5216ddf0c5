"""An index of every message in every language, built once and cached."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache
from string import Formatter

from bot.proofreading import find_problems, readability
from bot.proofreading.tables import REVIEW_AFTER
from bot.proofreading.texts import language_texts
from bot.proofreading.usages import where_used
from flows import content_files
from flows.service import service
from flows.understanding import faq, text_match
from flows.vocabulary import HelplineStatus
from flows.wording import helplines

REVIEW_INTERVAL = timedelta(days=365)
"""How long a reviewed answer stands before somebody looks at it again."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a message: words, or a blank that is filled when it is said."""

    text: str
    blank: bool = False


@dataclass(frozen=True, slots=True)
class ContentMessage:
    """One message in one language. `reading_grade` is None for what is too short to grade."""

    language: str
    key: str
    segments: tuple[Segment, ...]
    word_count: int
    reading_grade: float | None
    used_in: tuple[str, ...]
    normalized_text: str


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """Something that a person has to look at again after a while: when they last did."""

    name: str
    detail: str
    reviewed_on: date
    stale: bool


@cache
def all_messages() -> tuple[ContentMessage, ...]:
    """Return every message. The first time it takes about a second: ask on another thread."""
    return tuple(
        message
        for code in service().languages
        for message in _language_messages(code, content_files.load_language(code))
    )


@lru_cache(maxsize=1)
def proofreading_findings(today: date) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is wrong with the words and what to look at; slow the first time of a day."""
    return find_problems(today)


def content_branches() -> tuple[str, ...]:
    """Return the branches that messages are kept in."""
    return tuple(dict.fromkeys(one.key.split(".")[0] for one in all_messages()))


def find_messages(search_text: str, branch: str) -> list[ContentMessage]:
    """Return the messages of a branch ("" for any) whose key or words hold what is asked for."""
    wanted = text_match.normalize(search_text).split()
    key = search_text.strip().casefold()
    return [
        one
        for one in all_messages()
        if branch in ("", one.key.split(".")[0])
        and (key in one.key or all(word in one.normalized_text for word in wanted))
    ]


def reviewed_answers(today: date) -> list[ReviewItem]:
    """Return the reviewed answers by when they were reviewed, the oldest first."""
    rows = [
        ReviewItem(one.id, one.owner, one.reviewed_on, today - one.reviewed_on > REVIEW_INTERVAL)
        for one in faq.topics()
    ]
    return sorted(rows, key=lambda row: (row.reviewed_on, row.name))


def checked_helplines(today: date) -> list[ReviewItem]:
    """Return the helplines by when their number was checked, the oldest first."""
    rows = [
        ReviewItem(
            id,
            row["number"],
            row["checked_on"],
            row["status"] != HelplineStatus.CHECKED or today - row["checked_on"] > REVIEW_AFTER,
        )
        for id, row in helplines().items()
    ]
    return sorted(rows, key=lambda row: (row.reviewed_on, row.name))


def _language_messages(code: str, tree: content_files.ContentTree) -> Iterator[ContentMessage]:
    page = language_texts(code, tree)
    whole = {**page.texts, **{key: ", ".join(one) for key, one in page.lists.items()}}
    for key, text in whole.items():
        n = readability.count_words(text)
        graded = key in page.texts and n >= readability.MIN_WORDS_TO_GRADE
        yield ContentMessage(
            code,
            key,
            _segments(text) if key in page.texts else (Segment(text),),
            n,
            round(readability.coleman_liau_grade(text), 1) if graded else None,
            where_used(key),
            text_match.normalize(text),
        )


def _segments(text: str) -> tuple[Segment, ...]:
    found: list[Segment] = []
    for words, blank, _, _ in Formatter().parse(text):
        if words:
            found.append(Segment(words))
        if blank is not None:
            found.append(Segment(blank, blank=True))
    return tuple(found)
