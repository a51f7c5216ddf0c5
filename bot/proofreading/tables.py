"""Reads the tables of content/ for the proofreader: questions, topics, helplines, the service."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from flows import content_files, wording
from flows.conversation import Conversation
from flows.interaction import buttons
from flows.interaction.buttons import ButtonVerb
from flows.questions import answer_types, journey
from flows.questions.questionnaire import AnswerType, Question, all_questions
from flows.service import service
from flows.understanding import faq, text_match
from flows.vocabulary import JOURNEYS, HelplineStatus

REVIEW_AFTER = timedelta(days=180)
"""What was reviewed or checked longer ago than this should be looked at again."""

_STATUSES = tuple(HelplineStatus)
MIN_PHRASINGS = 12
"""A topic is found by how people ask for it; with fewer ways it is missed too often."""


def question_problems() -> Iterator[str]:
    """Give a plain line for each thing in questions.toml that cannot work."""
    earlier: dict[str, Question] = {}
    for one in all_questions():
        name = f"The question {one.key}"
        if one.key in earlier:
            yield f"{name} is there twice."
        is_choice = one.kind == AnswerType.CHOICE
        if one.kind not in answer_types.PARSERS or is_choice != bool(one.options):
            yield f"{name} is of the kind {one.kind}, which does not fit it."
        if not one.journeys or not set(one.journeys) <= set(JOURNEYS):
            yield f"{name} is for nobody we know."
        if one.condition and one.condition not in journey.CONDITIONS:
            yield f"{name} waits for {one.condition}, which nobody has written."
        yield from _dependency_problems(one, earlier)
        yield from (
            f"{name} has the button {option}, whose id Telegram could not carry."
            for option in (*one.options, "rather_not_say")
            if not _fits_a_button(ButtonVerb.ANSWER, one.key, option)
        )
        earlier[one.key] = one


def ambiguous_option_words(language: str) -> Iterator[str]:
    """Give a line for each word that people type for two options of the same question."""
    for one in all_questions():
        meant: dict[str, str] = {}
        for option in one.options:
            said = (one.option_label(language, option), *one.option_synonyms(language, option))
            for word in {text_match.normalize(typed) for typed in said}:
                if meant.setdefault(word, option) != option:
                    yield f'"{word}" means both {meant[word]} and {option} at {one.key}.'


def topic_problems(language: str) -> Iterator[str]:
    """Give a line for each topic without a group, an owner, a source or enough phrasings."""
    known = set[str]()
    phrased: dict[str, str] = {}
    for topic in faq.topics():
        key = f"faq.{topic.id}.asked"
        asked = wording.words(language, key) if wording.has(language, key) else ()
        if topic.id in known or topic.group not in faq.groups():
            yield f"The topic {topic.id} is there twice, or in no group."
        if not topic.owner.strip() or not topic.source.strip():
            yield f"The topic {topic.id} has no owner or no source."
        if len({text_match.normalize(one) for one in asked}) < MIN_PHRASINGS:
            yield f"The topic {topic.id} has fewer than {MIN_PHRASINGS} ways to ask for it."
        if not _fits_a_button(ButtonVerb.TOPIC, topic.id):
            yield f"The topic {topic.id} has a name that no button can carry."
        yield from (
            f'"{one}" asks for both {phrased[text_match.normalize(one)]} and {topic.id}.'
            for one in asked
            if phrased.setdefault(text_match.normalize(one), topic.id) != topic.id
        )
        known.add(topic.id)


def helpline_problems(helplines: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Give a line for each helpline without a number, hours, a day it was checked or a status."""
    for id, row in helplines.items():
        if not any(c.isdigit() for c in str(row.get("number", ""))):
            yield f"The helpline {id} has no number."
        if not str(row.get("hours", "")).strip() or not str(row.get("for_whom", "")).strip():
            yield f"The helpline {id} does not say when, or for whom."
        if not isinstance(row.get("checked_on"), date) or row.get("status") not in _STATUSES:
            yield f"The helpline {id} does not say when it was checked, or how that went."


def review_warnings(today: date) -> Iterator[str]:
    """Give a line for what a person of the service should confirm, or look at again."""
    if not service().confirmed:
        yield "The service has not confirmed its names, numbers and hours (service.toml)."
    for id, row in wording.helplines().items():
        if row["status"] == HelplineStatus.TO_CHECK:
            yield f"The number of the helpline {id} has still to be checked (helplines.toml)."
        if today - row["checked_on"] > REVIEW_AFTER:
            yield f"The helpline {id} was last checked on {row['checked_on']} (helplines.toml)."
    for topic in faq.topics():
        if today - topic.reviewed_on > REVIEW_AFTER:
            yield f"The answer {topic.id} was last reviewed on {topic.reviewed_on} (faq.toml)."


def content_totals() -> str:
    """Return how much there is, in one line."""
    asked = {name: len(journey.journey_questions(name)) for name in JOURNEYS}
    told = ", ".join(f"{number} for {name}" for name, number in asked.items())
    cards = len(content_files.load_toml("cards.toml")["order"])
    phrased = sum(len(wording.words("en", f"faq.{topic.id}.asked")) for topic in faq.topics())
    return (
        f"questions: {told}; topics: {len(faq.topics())} with {phrased} phrasings; "
        f"cards: {cards}; helplines: {len(wording.helplines())}"
    )


def _dependency_problems(question: Question, earlier: Mapping[str, Question]) -> Iterator[str]:
    for key, values in question.only_if:
        if key not in earlier or not set(values) <= set(earlier[key].options):
            yield f"The question {question.key} rests on an answer to {key} that nobody can give."
    known = {other.key for other in all_questions()}
    if not set(question.depends_on) <= known:
        yield f"The question {question.key} rests on a question that is not asked."


def _fits_a_button(verb: ButtonVerb, *args: str) -> bool:
    """Return whether a button's id is short enough, and is read back as what was put on it."""
    made = buttons.button(Conversation(prompt_id=999_999), "", verb, *args)
    read = buttons.parse_button_id(made.id)
    fits = len(made.id.encode()) <= buttons.MAX_BYTES
    return fits and read is not None and (read.verb, read.args) == (verb, args)
