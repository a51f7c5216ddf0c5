"""Finds the reviewed answer that typed words ask for; suggests, and never invents one."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import pairwise
from math import log, sqrt

from flows import content_files, wording
from flows.understanding import text_match

READ = 300
"""Only this many characters of a text are looked at: a question fits, a flood costs nothing."""

SUGGESTED = 3
MENDED = 8
"""At most this many misspelt words of a text are mended."""

ELSEWHERE = "elsewhere"
"""Stands beside the topics for all that no reviewed answer is about; it is never suggested."""

# How much a phrasing counts beside one that people ask with.
TITLE, ASKED, ANSWER = 2.0, 1.0, 0.75
# How much a pair of neighbouring words says beside a single word.
PAIR = 0.4
# How firmly a word speaks for the topics it is met in, and how rare it must be to be doubted.
FIRMNESS, DOUBT = 2.0, 0.004
# Elsewhere is many subjects in one: its words are thinner spread, so each counts for more.
SPREAD = 2.0
# Leads are counted for each root of the number of words; shares are of what the words carry.
SURE_LEAD, SURE_OURS, SURE_SHARE = 1.5, 2.0, 0.85
NEAR_OURS, NEAR_SHARE = -0.5, 0.33


@dataclass(frozen=True, slots=True)
class Topic:
    """One question that has a reviewed answer, and who answers for it."""

    id: str
    group: str
    owner: str
    source: str
    reviewed_on: date


@dataclass(frozen=True, slots=True)
class Found:
    """Topic ids: `answer` only when it is safe to give; `suggestions` best first, at most three."""

    answer: str | None
    suggestions: tuple[str, ...]


NOTHING = Found(None, ())


@cache
def topics() -> tuple[Topic, ...]:
    """Return every topic in the order it is shown."""
    return tuple(Topic(**row) for row in content_files.read("faq.toml")["topic"])


@cache
def groups() -> tuple[str, ...]:
    """Return the ids of the groups in the order they are shown."""
    return tuple(row["id"] for row in content_files.read("faq.toml")["group"])


def in_group(group: str) -> tuple[Topic, ...]:
    """Return the topics of one group in the order they are shown; none for an unknown group."""
    return tuple(topic for topic in topics() if topic.group == group)


def suggest(language: str, text: str) -> Found:
    """Return the reviewed answers that `text` may be asking for; nothing when none is near.

    Only the first 300 characters are looked at. An answer, when there is one, is also the first
    of the suggestions. `language` is one that the service offers.
    """
    words = _reading(language).read(text[:READ])
    index = _index(language)
    said = index.said.get(words)
    scores = index.weigh(words)
    elsewhere = scores.pop(ELSEWHERE, 0.0)
    best = [topic for topic, _ in sorted(scores.items(), key=lambda row: (row[0] != said, -row[1]))]
    if not best:
        return NOTHING
    first, top = best[0], scores[best[0]]
    second = scores[best[1]] if len(best) > 1 else 0.0
    size = sqrt(len(words))
    share = index.share(words, first)
    sure = (
        top - second >= SURE_LEAD * size
        and top - elsewhere >= SURE_OURS * size
        and share >= SURE_SHARE
    )
    near = top - elsewhere >= NEAR_OURS * size and share >= NEAR_SHARE
    if not (said or sure or near):
        return NOTHING
    return Found(first if said or sure else None, tuple(best[:SUGGESTED]))


# --- reading: from the words typed to the words they are read as --------------------------------


@dataclass(frozen=True, slots=True)
class Reading:
    """How words are read: slips mended, many ways to say it taken as one, endings dropped."""

    one_for_many: Mapping[tuple[str, ...], str]
    longest: int
    known: frozenset[str]
    mendable: tuple[str, ...]

    def read(self, text: str) -> tuple[str, ...]:
        """Return the words that `text` is read as."""
        return tuple(self._taken_as_one(self._mended(text)))

    def _mended(self, text: str) -> list[str]:
        typed = text_match.fold(text).split()
        strange = [word for word in dict.fromkeys(typed) if word not in self.known][:MENDED]
        mended = {word: text_match.mend(word, self.mendable) or word for word in strange}
        return [_plain(mended.get(word, word)) for word in typed]

    def _taken_as_one(self, typed: list[str]) -> Iterator[str]:
        at = 0
        while at < len(typed):
            for size in range(min(self.longest, len(typed) - at), 0, -1):
                one = self.one_for_many.get(tuple(typed[at : at + size]))
                if one:
                    break
            yield one or typed[at]
            at += size


@cache
def _reading(language: str) -> Reading:
    one_for_many: dict[tuple[str, ...], str] = {}
    known: set[str] = set()
    for group in content_files.read_language(language).get("synonyms", {}).values():
        for one, many in group.items():
            for said in (one, *many):
                folded = text_match.fold(said).split()
                known.update(folded)
                one_for_many.setdefault(tuple(map(_plain, folded)), one)
    for _, phrasing, _ in _phrasings(language):
        known.update(text_match.fold(phrasing).split())
    mendable = tuple(sorted(word for word in known if len(word) > 3))
    return Reading(one_for_many, max(map(len, one_for_many), default=1), frozenset(known), mendable)


def _plain(word: str) -> str:
    """Return the stem of a word, or for a number what it is likely to be."""
    if not word.isdecimal() or len(word) > 4:
        return text_match.stem(word)
    number = int(word)
    if 9 < number < 18:
        return "teen_age"
    return "a_year" if 1950 < number < 2030 else "number"


# --- weighing: which topics the words speak for -------------------------------------------------


@dataclass(frozen=True, slots=True)
class Index:
    """What one language's titles, phrasings and answers say about its words."""

    gains: Mapping[str, Mapping[str, float]]
    carries: Mapping[str, float]
    strange: float
    said: Mapping[tuple[str, ...], str]

    def weigh(self, words: tuple[str, ...]) -> dict[str, float]:
        """Return how strongly the words speak for each topic."""
        scores: dict[str, float] = defaultdict(float)
        for mark in sorted(_marks(words)):
            for topic, gain in self.gains.get(mark, {}).items():
                scores[topic] += gain
        return scores

    def share(self, words: tuple[str, ...], topic: str) -> float:
        """Return how much of what the words carry is met in this topic's phrasings, 0 to 1."""
        carried = {word: self.carries.get(word, self.strange) for word in words}
        met = sum(much for word, much in carried.items() if topic in self.gains.get(word, {}))
        return met / sum(carried.values())


@cache
def _index(language: str) -> Index:
    met: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    phrased: dict[str, float] = defaultdict(float)
    said: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for topic, phrasing, weight in _phrasings(language):
        words = _reading(language).read(phrasing)
        said[words].add(topic)
        phrased[topic] += weight
        for mark in _marks(words):
            met[mark][topic] += weight
    phrased[ELSEWHERE] /= SPREAD
    gains: dict[str, dict[str, float]] = {}
    carries: dict[str, float] = {}
    for mark, times in met.items():
        rates = {topic: n / phrased[topic] for topic, n in times.items()}
        usual = sum(rates.values()) / len(phrased)
        weight = PAIR if " " in mark else 1.0
        gains[mark] = {
            topic: weight * log(1 + FIRMNESS * rate / (usual + DOUBT))
            for topic, rate in rates.items()
        }
        if " " not in mark:
            carries[mark] = log(1 + 1 / usual)
    alone = {words: min(those) for words, those in said.items() if len(those) == 1}
    ours = {words: topic for words, topic in alone.items() if topic != ELSEWHERE}
    return Index(gains, carries, max(carries.values()), ours)


def _marks(words: tuple[str, ...]) -> frozenset[str]:
    """Return the words and the pairs of neighbours; where a text starts and ends counts as one."""
    edged = ("^", *words, "$")
    return frozenset((*words, *map(" ".join, pairwise(edged))))


@cache
def _phrasings(language: str) -> tuple[tuple[str, str, float], ...]:
    """Return every reviewed way to speak of a topic: the topic, the words, how much they count."""
    told: list[tuple[str, str, float]] = []
    for topic in topics():
        key = f"faq.{topic.id}"
        told.append((topic.id, wording.say_raw(language, f"{key}.title"), TITLE))
        told.append((topic.id, wording.say_raw(language, f"{key}.answer"), ANSWER))
        told += [(topic.id, one, ASKED) for one in wording.words(language, f"{key}.asked")]
    return *told, *((ELSEWHERE, one, ASKED) for one in wording.words(language, "elsewhere.asked"))
