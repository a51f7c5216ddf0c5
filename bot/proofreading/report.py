"""Reads all of content/ as a careful colleague would: `rj content check` prints what it finds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from bot.proofreading import metrics, readability, tables, texts
from bot.proofreading.replies import reply_problems
from bot.proofreading.wording_keys import WordingKeys, wording_keys
from flows import content_files
from flows.service import service
from flows.wording import helplines


@dataclass(frozen=True, slots=True)
class ProofreadingReport:
    """What is wrong and must be mended, what a person should look at, and the figures."""

    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    figures: tuple[str, ...]


def proofread(today: date) -> ProofreadingReport:
    """Return what is wrong with the words and tables of content/, what to look at, and figures.

    Nothing is measured while something is wrong: the matcher needs every text of every topic.
    """
    wrong, warnings = find_problems(today)
    figures = () if wrong else tuple(_figures(_language_texts(), wording_keys()))
    return ProofreadingReport(wrong, warnings, figures)


def find_problems(today: date) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is wrong, and what to look at, without measuring anything."""
    keys, pages = wording_keys(), _language_texts()
    wrong = [*tables.question_problems(), *texts.language_differences(pages)]
    wrong += tables.helpline_problems(helplines())
    for page in pages:
        wrong += texts.text_problems(page, keys)
        wrong += tables.ambiguous_option_words(page.language)
        wrong += reply_problems(page.language)
        wrong += tables.topic_problems(page.language)
    return tuple(wrong), tuple(tables.review_warnings(today))


def _language_texts() -> list[texts.LanguageTexts]:
    trees = [(code, content_files.load_language(code)) for code in service().languages]
    return [texts.language_texts(code, tree) for code, tree in trees]


def _figures(languages: Sequence[texts.LanguageTexts], keys: WordingKeys) -> Iterator[str]:
    """Give how much there is, the hardest texts, and how well is listened."""
    yield tables.content_totals()
    for page in languages:
        for what, limit in (("message", texts.FLOW_MAX_GRADE), ("answer", texts.ANSWER_MAX_GRADE)):
            graded = [
                (readability.coleman_liau_grade(one.text), one.name)
                for one in texts.passages(page, keys)
                if one.max_grade == limit and one.word_count >= readability.MIN_WORDS_TO_GRADE
            ]
            grade, name = max(graded)
            yield f"{page.language}: hardest {what}: {name}, grade {grade:.1f} of {limit:.0f}"
    asked = metrics.measure_faq()
    yield (
        f"{asked.in_scope} questions as typed: {asked.share_in_suggestions:.1%} with the right "
        f"topic suggested; {asked.direct} answered at once, {asked.direct_wrong} of them wrongly"
    )
    yield (
        f"{asked.out_of_scope} questions about something else: "
        f"{asked.out_of_scope_direct} answered at once"
    )
    heard = metrics.measure_danger()
    for one in heard.by_kind:
        yield f"{one.kind}, {one.directness}: {one.detected} of {one.texts} heard"
    yield f"{heard.harmless} messages without danger: {heard.false_alarms} false alarms"
