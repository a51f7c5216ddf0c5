"""Reads what is said, text by text, for the proofreader: blanks, length, plainness, discretion."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter

from bot.proofreading import readability
from bot.proofreading.blanks import EXAMPLE_BLANKS
from bot.proofreading.wording_keys import WordingKeys
from flows import content_files
from flows.outbound.discretion import REVEALING_WORDS
from flows.questions.questionnaire import all_questions
from flows.wording import standard_blanks

FLOW_MAX_WORDS, ANSWER_MAX_WORDS = 59, 95
FLOW_MAX_GRADE, ANSWER_MAX_GRADE = 6.0, 8.0
"""The most words, and the hardest grade, of what the talk says and of an answer to a question."""
BUTTON_LABEL_MAX = 40
"""Letters of a button's label: about what a phone shows on one line."""
MESSAGE_MAX = 4096
TELEGRAM_LIMITS = {
    "telegram.name": 64,
    "telegram.short_description": 120,
    "telegram.description": 512,
}
COMMAND_DESCRIPTION_MAX = 256
"""Telegram's own limits, in letters (https://core.telegram.org/bots/api)."""

FLOW_BRANCHES = (
    *("replies", "scenes", "errors", "form", "commands", "cards", "crisis", "telegram", "web"),
)
_FRAGMENT_PREFIXES = (
    *("replies.part", "scenes.dates.", "scenes.stopped.mediation_"),
    *("telegram.commands.", "telegram.officer_commands."),
)
"""What the talk says, besides its questions, and what of it are pieces rather than messages."""

OFFICIAL_FORM_LABELS = (
    *("victim_gender", "victim_known", "in_relationship", "willing", "interested"),
    *("contacted", "offender_gender"),
)
"""The seven labels of the form on the Kent page of 2017. They stand as they were written there."""

NOT_PROSE = {
    "scenes.card.template_text": "a line of codes that an officer copies",
    **{
        f"questions.{key}.{part}": "the form's own label"
        for key in OFFICIAL_FORM_LABELS
        for part in ("title", "ask")
    },
}
"""What is neither graded nor searched for jargon, and why."""

DISCREET_PREFIXES = {
    "scenes.sent.thanks": "stands on the phone after the talk has ended",
    "scenes.paused.": "stands on the phone after somebody has left in a hurry",
    "scenes.welcome.gone": "is the first thing shown to whoever opens the chat days later",
    "commands.withdraw.done": "stands on the phone after the talk has ended",
    "commands.delete.": "stands on the phone after the talk has ended",
    "errors.chat.trouble": "may come minutes later, when the phone lies on a table",
    "replies.": "comes when nobody has just written, and may show on a locked screen",
    "commands.handoff.": "comes when nobody has just written, and may show on a locked screen",
    "desk.alerts.": "shows on a locked screen, or in the subject of an e-mail",
    "telegram.": "is seen by anybody who sees the list of chats",
}
"""What may be seen by somebody else, and how. It says nothing of why somebody is in touch."""

SHOWN_TOGETHER = (
    ("scenes.paused.welcome_back", "scenes.paused.keep_until"),
    ("scenes.sent.thanks_officer", "scenes.sent.unverified"),
    ("scenes.sent.thanks_officer_complete", "scenes.sent.unverified"),
    ("scenes.revoked.text", "scenes.revoked.draft"),
    ("commands.person.text", "commands.person.closed_now"),
)
"""Texts that are shown as one message."""


@dataclass(frozen=True, slots=True)
class LanguageTexts:
    """All that is said in one language, by key: texts with their blanks open, and lists."""

    language: str
    texts: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]]

    def filled(self, key: str) -> str:
        """Return a text as a person might see it; with its blanks open if they are not known."""
        blanks = {**standard_blanks(self.language), **example_blanks_for(key)}
        try:
            return self.texts[key].format_map(blanks)
        except (KeyError, ValueError, IndexError, AttributeError):
            return self.texts[key]


@dataclass(frozen=True, slots=True)
class Passage:
    """Something read in one go. `max_words` is 0 for short texts that are only graded together."""

    name: str
    text: str
    max_grade: float
    max_words: int

    @property
    def word_count(self) -> int:
        """Return how many words it has."""
        return readability.count_words(self.text)


def language_texts(language: str, tree: content_files.ContentTree) -> LanguageTexts:
    """Return what stands in a tree of words, by key."""
    leaves = dict(_leaves(tree, ""))
    texts = {key: leaf.strip() for key, leaf in leaves.items() if isinstance(leaf, str)}
    lists = {key: tuple(leaf) for key, leaf in leaves.items() if isinstance(leaf, list)}
    return LanguageTexts(language, texts, lists)


def text_problems(content: LanguageTexts, keys: WordingKeys) -> Iterator[str]:
    """Give a plain line for each thing that is wrong with the words of one language."""
    for check in (_missing_keys, _unused_keys):
        yield from (f"{content.language}: {line}" for line in check(content, keys))
    for check_text in (_blank_problems, _too_long, _jargon, _reveals_too_much):
        for key in content.texts:
            yield from (f"{content.language}: {key} {line}" for line in check_text(content, key))
    for key in sorted(keys.button_labels | _title_keys()):
        if key in content.texts and len(content.filled(key)) > BUTTON_LABEL_MAX:
            yield f"{content.language}: {key} is longer than {BUTTON_LABEL_MAX} on a button."
    for message in passages(content, keys):
        for line in _readability_problems(message):
            yield f"{content.language}: {message.name} {line}"


def language_differences(languages: Sequence[LanguageTexts]) -> Iterator[str]:
    """Give a line for each key or blank that one language has and the first has not."""
    first = languages[0]
    for other in languages[1:]:
        for key in sorted(_translated_keys(first) ^ _translated_keys(other)):
            yield f"{key} is not said in both {first.language} and {other.language}."
        for key in sorted(first.texts.keys() & other.texts.keys()):
            if _blank_names(first.texts[key]) != _blank_names(other.texts[key]):
                yield f"{key} has other blanks in {other.language} than in {first.language}."


def example_blanks_for(key: str) -> Mapping[str, str]:
    """Return the blanks that the code fills in a text besides the service's own facts."""
    found: dict[str, str] = {}
    for pattern, blanks in EXAMPLE_BLANKS:
        if re.fullmatch(pattern, key):
            found.update(blanks)
    return found


# --- what can be wrong with one text


def _missing_keys(content: LanguageTexts, keys: WordingKeys) -> Iterator[str]:
    yield from (
        f"{key} is not said."
        for key in sorted(keys.required - content.texts.keys() - content.lists.keys())
    )


def _unused_keys(content: LanguageTexts, keys: WordingKeys) -> Iterator[str]:
    for key in sorted(content.texts.keys() | content.lists.keys()):
        if not keys.may_use(key) and not key.startswith("synonyms."):
            yield f"{key} is never used."


def _blank_problems(content: LanguageTexts, key: str) -> Iterator[str]:
    known = standard_blanks(content.language).keys() | example_blanks_for(key).keys()
    try:
        unknown = _blank_names(content.texts[key]) - known
    except ValueError:
        yield "has a brace that does not open or close a blank."
        return
    yield from (f"has a blank that nobody fills: {one}." for one in sorted(unknown))


def _too_long(content: LanguageTexts, key: str) -> Iterator[str]:
    command = key.startswith(("telegram.commands.", "telegram.officer_commands."))
    limit = COMMAND_DESCRIPTION_MAX if command else TELEGRAM_LIMITS.get(key, MESSAGE_MAX)
    if len(content.filled(key)) > limit:
        yield f"is longer than {limit} letters."


def _jargon(content: LanguageTexts, key: str) -> Iterator[str]:
    if key not in NOT_PROSE:
        yield from (f"says {one}." for one in readability.jargon_in(content.texts[key]))


def _reveals_too_much(content: LanguageTexts, key: str) -> Iterator[str]:
    why = next((why for start, why in DISCREET_PREFIXES.items() if key.startswith(start)), "")
    found = REVEALING_WORDS.search(content.filled(key).lower()) if why else None
    if found:
        yield f'says "{found[0]}", and {why}.'


def _readability_problems(passage: Passage) -> Iterator[str]:
    if passage.max_words and passage.word_count > passage.max_words:
        yield f"has {passage.word_count} words; {passage.max_words} is the most."
    if passage.word_count < readability.MIN_WORDS_TO_GRADE:
        return
    grade = readability.coleman_liau_grade(passage.text)
    if grade > passage.max_grade:
        yield f"is of grade {grade:.1f}; {passage.max_grade:.0f} is the most."


def _blank_names(text: str) -> set[str]:
    """Return the names of a text's blanks; raise ValueError for a brace that is not one's own."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


# --- what is read together


def passages(content: LanguageTexts, keys: WordingKeys) -> Iterator[Passage]:
    """Give each thing that is read in one go.

    Of each table the very short texts are given once more, together: alone they are not graded.
    """
    short: dict[str, list[str]] = {}
    for name, text in _flow_texts(content, keys):
        yield Passage(name, text, FLOW_MAX_GRADE, FLOW_MAX_WORDS)
        if readability.count_words(text) < readability.MIN_WORDS_TO_GRADE:
            short.setdefault(".".join(name.split(".")[:2]), []).append(_with_full_stop(text))
    for table, texts in short.items():
        yield Passage(f"{table} (short texts together)", " ".join(texts), FLOW_MAX_GRADE, 0)
    for key in content.texts:
        if key.startswith("faq.") and key.endswith(".answer"):
            yield Passage(key, content.filled(key), ANSWER_MAX_GRADE, ANSWER_MAX_WORDS)


def _flow_texts(content: LanguageTexts, keys: WordingKeys) -> Iterator[tuple[str, str]]:
    for key in content.texts:
        branch, *_, last = key.split(".")
        passed_over = key in NOT_PROSE or key in keys.button_labels or last in ("title", "name")
        if branch in FLOW_BRANCHES and not passed_over and not key.startswith(_FRAGMENT_PREFIXES):
            yield key, content.filled(key)
    for one in all_questions():
        parts = [f"questions.{one.key}.{part}" for part in ("ask", "why")]
        prose = [part for part in parts if part in content.texts and part not in NOT_PROSE]
        said = map(content.filled, prose)
        yield f"questions.{one.key}", " ".join(map(_with_full_stop, said))
    for several in SHOWN_TOGETHER:
        shown = (content.filled(key) for key in several if key in content.texts)
        yield " + ".join(several), " ".join(shown)


def _with_full_stop(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _title_keys() -> set[str]:
    keys = [one.key for one in all_questions() if one.key not in OFFICIAL_FORM_LABELS]
    return {f"questions.{key}.title" for key in keys}


def _translated_keys(content: LanguageTexts) -> set[str]:
    """Return what must be said in every language; people type their own words in each."""
    said = content.texts.keys() | content.lists.keys()
    return {key for key in said if not key.startswith("synonyms.") and ".typed." not in key}


def _leaves(tree: content_files.ContentTree, before: str) -> Iterator[tuple[str, object]]:
    for name, found in tree.items():
        if isinstance(found, dict):
            yield from _leaves(found, f"{before}{name}.")
        else:
            yield f"{before}{name}", found
