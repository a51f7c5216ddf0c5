"""Reads all of content/ as a careful colleague would: `rj content check` prints what it finds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from bot.proofreading import metrics, readability, tables
from bot.proofreading.replies import wrong_replies
from bot.proofreading.texts import (
    ANSWER_GRADE,
    FLOW_GRADE,
    Pages,
    different,
    messages,
    pages_of,
    wrong_words,
)
from bot.proofreading.wording_keys import Keys, keys_used
from flows import content_files
from flows.service import service
from flows.wording import helplines


@dataclass(frozen=True, slots=True)
class Report:
    """What is wrong and must be mended, what a person should look at, and the figures."""

    wrong: tuple[str, ...]
    warnings: tuple[str, ...]
    figures: tuple[str, ...]


def proofread(today: date) -> Report:
    """Return what is wrong with the words and tables of content/, what to look at, and figures."""
    wrong, warnings = read_through(today)
    return Report(wrong, warnings, tuple(_figures(_pages(), keys_used())))


def read_through(today: date) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is wrong, and what to look at, without measuring anything."""
    keys, pages = keys_used(), _pages()
    wrong = [*tables.wrong_questions(), *different(pages)]
    wrong += tables.wrong_helplines(helplines())
    for page in pages:
        wrong += wrong_words(page, keys)
        wrong += tables.mixed_up(page.language)
        wrong += wrong_replies(page.language)
        wrong += tables.wrong_topics(page.language)
    return tuple(wrong), tuple(tables.to_look_at(today))


def _pages() -> list[Pages]:
    return [pages_of(code, content_files.read_language(code)) for code in service().languages]


def _figures(pages: Sequence[Pages], keys: Keys) -> Iterator[str]:
    """Give how much there is, the hardest texts, and how well is listened."""
    yield tables.counts()
    for page in pages:
        for what, limit in (("message", FLOW_GRADE), ("answer", ANSWER_GRADE)):
            graded = [
                (readability.grade(one.text), one.name)
                for one in messages(page, keys)
                if one.hardest == limit and one.words >= readability.SHORT
            ]
            grade, name = max(graded)
            yield f"{page.language}: hardest {what}: {name}, grade {grade:.1f} of {limit:.0f}"
    asked = metrics.questions()
    yield (
        f"{asked.asked} questions as typed: {asked.share_in_suggestions:.1%} with the right topic "
        f"suggested; {asked.direct} answered at once, {asked.direct_wrong} of them wrongly"
    )
    yield (
        f"{asked.out_of_scope} questions about something else: "
        f"{asked.out_of_scope_direct} answered at once"
    )
    heard = metrics.dangers()
    yield from (
        f"{one.kind}, {one.wording}: {one.heard} of {one.texts} heard" for one in heard.kinds
    )
    yield f"{heard.safe} messages without danger: {heard.false_alarms} false alarms"
