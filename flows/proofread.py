"""Reads every word of the service as a careful colleague would before it goes out."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from flows import content_files, kinds, proofread_tables, readable
from flows.keys_used import Keys, keys_used
from flows.service import service
from flows.wording import FIRST_LANGUAGE, helplines, own_facts

FLOW_WORDS, ANSWER_WORDS = 60, 95
"""A message stays under the first; an answer to a question has at most the second."""
FLOW_GRADE, ANSWER_GRADE = 6.0, 8.0
LABEL = 40
"""Letters of a button's label: about what a phone shows on one line."""
MESSAGE = 4096
TELEGRAM = {"telegram.name": 64, "telegram.short_description": 120, "telegram.description": 512}
COMMAND = 256
"""Telegram's own limits, in letters (https://core.telegram.org/bots/api)."""

FLOWS = ("scenes", "questions", "errors", "anytime", "cards", "crisis", "telegram")

FORM = (
    "victim_gender",
    "victim_known",
    "in_relationship",
    "willing",
    "interested",
    "contacted",
    "offender_gender",
)
"""The seven labels of the form on the Kent page of 2017. They stand as they were written there."""

NOT_PROSE = {
    "scenes.card.template_text": "a line of codes that an officer copies",
    **{f"questions.{key}.{part}": "the form's own label" for key in FORM for part in ("title", "ask")},
}
"""What is neither graded nor searched for jargon, and why."""

QUIET = {
    "scenes.sent.thanks": "stands on the phone after the talk has ended",
    "scenes.paused.": "stands on the phone after somebody has left in a hurry",
    "scenes.welcome.gone": "is the first thing shown to whoever opens the chat days later",
    "anytime.withdraw.done": "stands on the phone after the talk has ended",
    "anytime.delete.": "stands on the phone after the talk has ended",
    "errors.chat.trouble": "may come minutes later, when the phone lies on a table",
    "desk.alerts.": "shows on a locked screen, or in the subject of an e-mail",
    "telegram.": "is seen by anybody who sees the list of chats",
}
"""What may be seen by somebody else, and how. It says nothing of why somebody is in touch."""

RISKY = re.compile(
    r"\b(police|victim|offen[dc]|crim|abus|restorative|justice|harm|domestic|sexual|rape|violen"
    r"|assault|court|suspect|prison|refuge)"
)

TOGETHER = (
    ("scenes.paused.welcome_back", "scenes.paused.keep_until"),
    ("scenes.sent.thanks_officer", "scenes.sent.unverified"),
    ("anytime.person.text", "anytime.person.closed_now"),
)
"""Texts that are shown as one message."""

BLANKS: tuple[tuple[str, Mapping[str, str]], ...] = (
    (r"errors\.(phone|contact)\..*", {"example": kinds.PHONE_EXAMPLE}),
    (r"errors\..*\.too_long", {"n": "4321", "max": "4096"}),
    (r"errors\..*\.empty", {"max": "500"}),
    (r"anytime\.person\.closed_now", {"opens_next": "9am on Monday 23 November"}),
    (r"scenes\.asking\.changes_others", {"titles": "Your age, What it was about"}),
    (r"scenes\.asking\.old_button", {"title": "What it was about"}),
    (r"scenes\.stopped\.[a-z_]*", {"mediation": "Maidstone Mediation covers your area."}),
    (
        r"(scenes\.sent\.(thanks|now|withdrawn)|desk\.alerts\.).*",
        {"reference": "ACDE-3467", "due": "5pm on Tuesday 24 November"},
    ),
    (r"scenes\.card\.took.*", {"n": "2"}),
    (r"scenes\.dates\.by", {"time": "5pm", "day": "Monday", "date": "3", "month": "March"}),
    (r"scenes\.dates\.working_days", {"n": "2"}),
    (
        r"scenes\.dates\.same_day_range",
        {"first": "Monday", "last": "Friday", "opens": "9am", "closes": "5pm"},
    ),
    (
        r"desk\.queue\..*",
        {"reference": "ACDE-3467", "until": "5pm", "owner": "Jo", "act": "Spoke", "stage": "New"},
    ),
)
"""Which blanks the code fills besides the service's own facts, with something to fill them."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is wrong and must be mended, what a person should look at, and the figures."""

    wrong: tuple[str, ...]
    warnings: tuple[str, ...]
    figures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pages:
    """All that is said in one language, by key: texts with their blanks open, and lists."""

    language: str
    texts: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]]

    def filled(self, key: str) -> str:
        """Return a text as a person might see it; with its blanks open if they are not known."""
        blanks = {**own_facts(self.language), **blanks_of(key)}
        try:
            return self.texts[key].format_map(blanks)
        except (KeyError, ValueError, IndexError, AttributeError):
            return self.texts[key]


def proofread(today: date) -> Report:
    """Return what is wrong with the words and tables of content/, and what to look at."""
    tree = content_files.read_language(FIRST_LANGUAGE)
    keys = keys_used(tree)
    pages = [pages_of(code, content_files.read_language(code)) for code in service().languages]
    wrong = [*keys.lost, *proofread_tables.wrong_questions(), *different(pages)]
    wrong += proofread_tables.wrong_helplines(helplines())
    for page in pages:
        wrong += wrong_words(page, keys)
        wrong += proofread_tables.mixed_up(page.language)
        wrong += proofread_tables.wrong_topics(page.language)
    warnings = tuple(proofread_tables.to_look_at(today))
    return Report(tuple(wrong), warnings, tuple(figures(pages, keys)))


def pages_of(language: str, tree: content_files.Tree) -> Pages:
    """Return what stands in a tree of words, by key."""
    leaves = dict(_leaves(tree, ""))
    texts = {key: leaf.strip() for key, leaf in leaves.items() if isinstance(leaf, str)}
    lists = {key: tuple(leaf) for key, leaf in leaves.items() if isinstance(leaf, list)}
    return Pages(language, texts, lists)


def wrong_words(page: Pages, keys: Keys) -> Iterator[str]:
    """Give a plain line for each thing that is wrong with the words of one language."""
    for check in (_lines_missing, _lines_unused):
        yield from (f"{page.language}: {line}" for line in check(page, keys))
    for check_text in (_wrong_blanks, _too_long, _jargon, _says_too_much):
        for key in page.texts:
            yield from (f"{page.language}: {key} {line}" for line in check_text(page, key))
    for key in sorted(keys.labels | _titles()):
        if key in page.texts and len(page.filled(key)) > LABEL:
            yield f"{page.language}: {key} is longer than {LABEL} letters on a button."
    for name, text, limit in _messages(page, keys):
        yield from (f"{page.language}: {name} {line}" for line in _hard(text, limit))


def different(pages: Sequence[Pages]) -> Iterator[str]:
    """Give a line for each key or blank that one language has and the first has not."""
    first = pages[0]
    for other in pages[1:]:
        for key in sorted(_shared(first) ^ _shared(other)):
            yield f"{key} is not said in both {first.language} and {other.language}."
        for key in sorted(first.texts.keys() & other.texts.keys()):
            if _blanks(first.texts[key]) != _blanks(other.texts[key]):
                yield f"{key} has other blanks in {other.language} than in {first.language}."


def figures(pages: Sequence[Pages], keys: Keys) -> Iterator[str]:
    """Give the figures: how much there is, the hardest texts, and how well is listened."""
    yield proofread_tables.counts()
    for page in pages:
        graded = [
            (readable.grade(text), name, limit)
            for name, text, limit in _messages(page, keys)
            if readable.count_words(text) >= readable.SHORT
        ]
        for what, limit in (("message", FLOW_GRADE), ("answer", ANSWER_GRADE)):
            hardest = max((one for one in graded if one[2] == limit), default=None)
            if hardest:
                yield f"{page.language}: hardest {what}: {hardest[1]}, grade {hardest[0]:.1f}"
    yield from _measured()


def blanks_of(key: str) -> Mapping[str, str]:
    """Return the blanks that the code fills in a text besides the service's own facts."""
    found: dict[str, str] = {}
    for pattern, blanks in BLANKS:
        if re.fullmatch(pattern, key):
            found.update(blanks)
    return found


# --- what can be wrong with one text


def _lines_missing(page: Pages, keys: Keys) -> Iterator[str]:
    said = page.texts.keys() | page.lists.keys()
    shared = {key for key in keys.must if _same_as(page, key)}
    yield from (f"{key} is not said." for key in sorted(keys.must - said - shared))


def _lines_unused(page: Pages, keys: Keys) -> Iterator[str]:
    used = keys.must | keys.may
    for key in sorted(page.texts.keys() | page.lists.keys()):
        if key not in used and not key.startswith("synonyms."):
            yield f"{key} is never used."


def _wrong_blanks(page: Pages, key: str) -> Iterator[str]:
    try:
        unknown = _blanks(page.texts[key]) - own_facts(page.language).keys() - blanks_of(key).keys()
    except ValueError:
        yield "has a brace that does not open or close a blank."
        return
    yield from (f"has a blank that nobody fills: {one}." for one in sorted(unknown))


def _too_long(page: Pages, key: str) -> Iterator[str]:
    command = key.startswith(("telegram.commands.", "telegram.staff_commands."))
    limit = COMMAND if command else TELEGRAM.get(key, MESSAGE)
    if len(page.filled(key)) > limit:
        yield f"is longer than {limit} letters."


def _jargon(page: Pages, key: str) -> Iterator[str]:
    if key not in NOT_PROSE:
        yield from (f"says {one}." for one in readable.not_our_words(page.texts[key]))


def _says_too_much(page: Pages, key: str) -> Iterator[str]:
    why = next((why for start, why in QUIET.items() if key.startswith(start)), "")
    found = RISKY.search(page.filled(key).lower()) if why else None
    if found:
        yield f'says "{found[0]}", and {why}.'


def _hard(text: str, limit: float) -> Iterator[str]:
    words = readable.count_words(text)
    if limit == FLOW_GRADE and words >= FLOW_WORDS:
        yield f"has {words} words; a message stays under {FLOW_WORDS}."
    if limit == ANSWER_GRADE and words > ANSWER_WORDS:
        yield f"has {words} words; an answer has at most {ANSWER_WORDS}."
    if words >= readable.SHORT and readable.grade(text) > limit:
        yield f"is of grade {readable.grade(text):.1f}; {limit:.0f} is the most."
