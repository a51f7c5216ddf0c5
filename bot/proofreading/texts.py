"""Reads what is said, text by text, for the proofreader: blanks, length, plainness, discretion."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter

from bot.proofreading import readability
from bot.proofreading.blanks import BLANKS
from bot.proofreading.wording_keys import Keys
from flows import content_files
from flows.outbound.discretion import RISKY
from flows.questions.questionnaire import questions
from flows.wording import own_facts

FLOW_WORDS, ANSWER_WORDS = 59, 95
FLOW_GRADE, ANSWER_GRADE = 6.0, 8.0
"""The most words, and the hardest grade, of what the talk says and of an answer to a question."""
LABEL = 40
"""Letters of a button's label: about what a phone shows on one line."""
MESSAGE = 4096
TELEGRAM = {"telegram.name": 64, "telegram.short_description": 120, "telegram.description": 512}
COMMAND = 256
"""Telegram's own limits, in letters (https://core.telegram.org/bots/api)."""

FLOWS = ("replies", "scenes", "errors", "form", "anytime", "cards", "crisis", "telegram", "web")
_NO_MESSAGES = (
    "replies.day",
    "replies.part",
    "scenes.dates.",
    "scenes.stopped.mediation_",
    "telegram.commands.",
    "telegram.officer_commands.",
)
"""What the talk says, besides its questions, and what of it are pieces rather than messages."""

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
    **{
        f"questions.{key}.{part}": "the form's own label"
        for key in FORM
        for part in ("title", "ask")
    },
}
"""What is neither graded nor searched for jargon, and why."""

QUIET = {
    "scenes.sent.thanks": "stands on the phone after the talk has ended",
    "scenes.paused.": "stands on the phone after somebody has left in a hurry",
    "scenes.welcome.gone": "is the first thing shown to whoever opens the chat days later",
    "anytime.withdraw.done": "stands on the phone after the talk has ended",
    "anytime.delete.": "stands on the phone after the talk has ended",
    "errors.chat.trouble": "may come minutes later, when the phone lies on a table",
    "replies.": "comes when nobody has just written, and may show on a locked screen",
    "anytime.held.": "comes when nobody has just written, and may show on a locked screen",
    "desk.alerts.": "shows on a locked screen, or in the subject of an e-mail",
    "telegram.": "is seen by anybody who sees the list of chats",
}
"""What may be seen by somebody else, and how. It says nothing of why somebody is in touch."""

TOGETHER = (
    ("scenes.paused.welcome_back", "scenes.paused.keep_until"),
    ("scenes.sent.thanks_officer", "scenes.sent.unverified"),
    ("anytime.person.text", "anytime.person.closed_now"),
)
"""Texts that are shown as one message."""


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


@dataclass(frozen=True, slots=True)
class Message:
    """Something read in one go. `most_words` is 0 for short texts that are only graded together."""

    name: str
    text: str
    hardest: float
    most_words: int

    @property
    def words(self) -> int:
        """Return how many words it has."""
        return readability.count_words(self.text)


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
    for message in messages(page, keys):
        yield from (f"{page.language}: {message.name} {line}" for line in _hard(message))


def different(pages: Sequence[Pages]) -> Iterator[str]:
    """Give a line for each key or blank that one language has and the first has not."""
    first = pages[0]
    for other in pages[1:]:
        for key in sorted(_shared(first) ^ _shared(other)):
            yield f"{key} is not said in both {first.language} and {other.language}."
        for key in sorted(first.texts.keys() & other.texts.keys()):
            if _blanks(first.texts[key]) != _blanks(other.texts[key]):
                yield f"{key} has other blanks in {other.language} than in {first.language}."


def blanks_of(key: str) -> Mapping[str, str]:
    """Return the blanks that the code fills in a text besides the service's own facts."""
    found: dict[str, str] = {}
    for pattern, blanks in BLANKS:
        if re.fullmatch(pattern, key):
            found.update(blanks)
    return found


# --- what can be wrong with one text


def _lines_missing(page: Pages, keys: Keys) -> Iterator[str]:
    yield from (
        f"{key} is not said." for key in sorted(keys.must - page.texts.keys() - page.lists.keys())
    )


def _lines_unused(page: Pages, keys: Keys) -> Iterator[str]:
    for key in sorted(page.texts.keys() | page.lists.keys()):
        if not keys.use(key) and not key.startswith("synonyms."):
            yield f"{key} is never used."


def _wrong_blanks(page: Pages, key: str) -> Iterator[str]:
    try:
        unknown = _blanks(page.texts[key]) - own_facts(page.language).keys() - blanks_of(key).keys()
    except ValueError:
        yield "has a brace that does not open or close a blank."
        return
    yield from (f"has a blank that nobody fills: {one}." for one in sorted(unknown))


def _too_long(page: Pages, key: str) -> Iterator[str]:
    command = key.startswith(("telegram.commands.", "telegram.officer_commands."))
    limit = COMMAND if command else TELEGRAM.get(key, MESSAGE)
    if len(page.filled(key)) > limit:
        yield f"is longer than {limit} letters."


def _jargon(page: Pages, key: str) -> Iterator[str]:
    if key not in NOT_PROSE:
        yield from (f"says {one}." for one in readability.not_our_words(page.texts[key]))


def _says_too_much(page: Pages, key: str) -> Iterator[str]:
    why = next((why for start, why in QUIET.items() if key.startswith(start)), "")
    found = RISKY.search(page.filled(key).lower()) if why else None
    if found:
        yield f'says "{found[0]}", and {why}.'


def _hard(message: Message) -> Iterator[str]:
    if message.most_words and message.words > message.most_words:
        yield f"has {message.words} words; {message.most_words} is the most."
    if message.words >= readability.SHORT and readability.grade(message.text) > message.hardest:
        grade = readability.grade(message.text)
        yield f"is of grade {grade:.1f}; {message.hardest:.0f} is the most."


def _blanks(text: str) -> set[str]:
    """Return the names of a text's blanks; raise ValueError for a brace that is not one's own."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


# --- what is read together


def messages(page: Pages, keys: Keys) -> Iterator[Message]:
    """Give each thing that is read in one go.

    Of each table the very short texts are given once more, together: alone they are not graded.
    """
    short: dict[str, list[str]] = {}
    for name, text in _flow_texts(page, keys):
        yield Message(name, text, FLOW_GRADE, FLOW_WORDS)
        if readability.count_words(text) < readability.SHORT:
            short.setdefault(".".join(name.split(".")[:2]), []).append(_ended(text))
    for table, texts in short.items():
        yield Message(f"{table} (short texts together)", " ".join(texts), FLOW_GRADE, 0)
    for key in page.texts:
        if key.startswith("faq.") and key.endswith(".answer"):
            yield Message(key, page.filled(key), ANSWER_GRADE, ANSWER_WORDS)


def _flow_texts(page: Pages, keys: Keys) -> Iterator[tuple[str, str]]:
    for key in page.texts:
        branch, *_, last = key.split(".")
        passed_over = key in NOT_PROSE or key in keys.labels or last in ("title", "name")
        if branch in FLOWS and not passed_over and not key.startswith(_NO_MESSAGES):
            yield key, page.filled(key)
    for one in questions():
        parts = [f"questions.{one.key}.{part}" for part in ("ask", "why")]
        said = [page.filled(part) for part in parts if part in page.texts and part not in NOT_PROSE]
        yield f"questions.{one.key}", " ".join(map(_ended, said))
    for several in TOGETHER:
        yield (
            " + ".join(several),
            " ".join(page.filled(key) for key in several if key in page.texts),
        )


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _titles() -> set[str]:
    return {f"questions.{one.key}.title" for one in questions() if one.key not in FORM}


def _shared(page: Pages) -> set[str]:
    """Return what must be said in every language; people type their own words in each."""
    said = page.texts.keys() | page.lists.keys()
    return {key for key in said if not key.startswith("synonyms.") and ".typed." not in key}


def _leaves(tree: content_files.Tree, before: str) -> Iterator[tuple[str, object]]:
    for name, found in tree.items():
        if isinstance(found, dict):
            yield from _leaves(found, f"{before}{name}.")
        else:
            yield f"{before}{name}", found
