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

TEXT_MAX_CHARS = 300
"""Only this many characters of a text are looked at: a question fits, a flood costs nothing."""

MAX_SUGGESTIONS = 3
MAX_CORRECTIONS = 8
"""At most this many misspelt words of a text are mended."""

OUT_OF_SCOPE = "elsewhere"
"""Stands beside the topics for all that no reviewed answer is about; it is never suggested."""

# Of the numbers down to SUGGEST_MIN_COVERAGE: set by hand, and changed only by what `rj content
# check` then measures on the labelled questions.
# How much a phrasing counts beside one that people ask with.
TITLE_WEIGHT, PHRASING_WEIGHT, ANSWER_WEIGHT = 2.0, 1.0, 0.75
# How much a pair of neighbouring words says beside a single word.
BIGRAM_WEIGHT = 0.4
# How firmly a word speaks for the topics it is met in, and how rare it must be to be doubted.
RATE_GAIN, RATE_SMOOTHING = 2.0, 0.004
# Elsewhere is many subjects in one: its words are thinner spread, so each counts for more.
OUT_OF_SCOPE_SPREAD = 2.0
# Leads are counted for each root of the number of words; shares are of what the words carry.
ANSWER_MIN_LEAD, ANSWER_MIN_MARGIN, ANSWER_MIN_COVERAGE = 1.5, 2.0, 0.85
SUGGEST_MIN_MARGIN, SUGGEST_MIN_COVERAGE = -0.5, 0.33


@dataclass(frozen=True, slots=True)
class Topic:
    """One question that has a reviewed answer, and who answers for it."""

    id: str
    group: str
    owner: str
    source: str
    reviewed_on: date


@dataclass(frozen=True, slots=True)
class FaqMatch:
    """Topic ids: `answer` only when it is safe to give; `suggestions` best first, at most three."""

    answer: str | None
    suggestions: tuple[str, ...]


NO_MATCH = FaqMatch(None, ())


@cache
def topics() -> tuple[Topic, ...]:
    """Return every topic in the order it is shown."""
    return tuple(Topic(**row) for row in content_files.load_toml("faq.toml")["topic"])


@cache
def groups() -> tuple[str, ...]:
    """Return the ids of the groups in the order they are shown."""
    return tuple(row["id"] for row in content_files.load_toml("faq.toml")["group"])


def topics_in_group(group: str) -> tuple[Topic, ...]:
    """Return the topics of one group in the order they are shown; none for an unknown group."""
    return tuple(topic for topic in topics() if topic.group == group)


def suggest(language: str, text: str) -> FaqMatch:
    """Return the reviewed answers that `text` may be asking for; nothing when none is near.

    Only the first 300 characters are looked at. An answer, when there is one, is also the first
    of the suggestions. `language` is one that the service offers.
    """
    words = _tokenizer(language).tokenize(text[:TEXT_MAX_CHARS])
    index = _topic_index(language)
    said = index.exact_phrasings.get(words)
    scores = index.scores_by_topic(words)
    elsewhere = scores.pop(OUT_OF_SCOPE, 0.0)
    best = [topic for topic, _ in sorted(scores.items(), key=lambda row: (row[0] != said, -row[1]))]
    if not best:
        return NO_MATCH
    first, top = best[0], scores[best[0]]
    second = scores[best[1]] if len(best) > 1 else 0.0
    size = sqrt(len(words))
    share = index.coverage(words, first)
    sure = (
        top - second >= ANSWER_MIN_LEAD * size
        and top - elsewhere >= ANSWER_MIN_MARGIN * size
        and share >= ANSWER_MIN_COVERAGE
    )
    near = top - elsewhere >= SUGGEST_MIN_MARGIN * size and share >= SUGGEST_MIN_COVERAGE
    if not (said or sure or near):
        return NO_MATCH
    return FaqMatch(first if said or sure else None, tuple(best[:MAX_SUGGESTIONS]))


# --- reading: from the words typed to the words they are read as --------------------------------


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """How words are read: slips mended, many ways to say it taken as one, endings dropped."""

    synonyms: Mapping[tuple[str, ...], str]
    longest_synonym: int
    vocabulary: frozenset[str]
    correctable: tuple[str, ...]

    def tokenize(self, text: str) -> tuple[str, ...]:
        """Return the words that `text` is read as."""
        return tuple(self._merge_synonyms(self._correct_words(text)))

    def _correct_words(self, text: str) -> list[str]:
        typed = text_match.normalize(text).split()
        strange = [word for word in dict.fromkeys(typed) if word not in self.vocabulary]
        mended = {
            word: text_match.correct_spelling(word, self.correctable) or word
            for word in strange[:MAX_CORRECTIONS]
        }
        return [_stem_or_number(mended.get(word, word)) for word in typed]

    def _merge_synonyms(self, tokens: list[str]) -> Iterator[str]:
        at = 0
        while at < len(tokens):
            for size in range(min(self.longest_synonym, len(tokens) - at), 0, -1):
                one = self.synonyms.get(tuple(tokens[at : at + size]))
                if one:
                    break
            yield one or tokens[at]
            at += size


@cache
def _tokenizer(language: str) -> Tokenizer:
    one_for_many: dict[tuple[str, ...], str] = {}
    known: set[str] = set()
    for group in content_files.load_language(language).get("synonyms", {}).values():
        for one, many in group.items():
            for said in (one, *many):
                folded = text_match.normalize(said).split()
                known.update(folded)
                one_for_many.setdefault(tuple(map(_stem_or_number, folded)), one)
    for _, phrasing, _ in _phrasings(language):
        known.update(text_match.normalize(phrasing).split())
    mendable = tuple(sorted(word for word in known if len(word) > 3))
    longest = max(map(len, one_for_many), default=1)
    return Tokenizer(one_for_many, longest, frozenset(known), mendable)


def _stem_or_number(word: str) -> str:
    """Return the stem of a word, or for a number what it is likely to be."""
    if not word.isdecimal() or len(word) > 4:
        return text_match.stem(word)
    number = int(word)
    if 9 < number < 18:
        return "teen_age"
    return "a_year" if 1950 < number < 2030 else "number"


# --- weighing: which topics the words speak for -------------------------------------------------


@dataclass(frozen=True, slots=True)
class TopicIndex:
    """What one language's titles, phrasings and answers say about its words."""

    topic_weights: Mapping[str, Mapping[str, float]]
    information: Mapping[str, float]
    unknown_information: float
    exact_phrasings: Mapping[tuple[str, ...], str]

    def scores_by_topic(self, words: tuple[str, ...]) -> dict[str, float]:
        """Return how strongly the words speak for each topic."""
        scores: dict[str, float] = defaultdict(float)
        for ngram in sorted(_ngrams(words)):
            for topic, gain in self.topic_weights.get(ngram, {}).items():
                scores[topic] += gain
        return scores

    def coverage(self, words: tuple[str, ...], topic: str) -> float:
        """Return how much of what the words carry is met in this topic's phrasings, 0 to 1."""
        carried = {word: self.information.get(word, self.unknown_information) for word in words}
        met = sum(
            much for word, much in carried.items() if topic in self.topic_weights.get(word, {})
        )
        return met / sum(carried.values())


@cache
def _topic_index(language: str) -> TopicIndex:
    met: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    phrased: dict[str, float] = defaultdict(float)
    said: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for topic, phrasing, weight in _phrasings(language):
        words = _tokenizer(language).tokenize(phrasing)
        said[words].add(topic)
        phrased[topic] += weight
        for ngram in _ngrams(words):
            met[ngram][topic] += weight
    phrased[OUT_OF_SCOPE] /= OUT_OF_SCOPE_SPREAD
    gains: dict[str, dict[str, float]] = {}
    carries: dict[str, float] = {}
    for ngram, times in met.items():
        # Rates, not counts: a topic with many phrasings must not win by their number.
        rates = {topic: n / phrased[topic] for topic, n in times.items()}
        usual = sum(rates.values()) / len(phrased)
        weight = BIGRAM_WEIGHT if " " in ngram else 1.0
        gains[ngram] = {
            topic: weight * log(1 + RATE_GAIN * rate / (usual + RATE_SMOOTHING))
            for topic, rate in rates.items()
        }
        if " " not in ngram:
            carries[ngram] = log(1 + 1 / usual)
    alone = {words: min(those) for words, those in said.items() if len(those) == 1}
    ours = {words: topic for words, topic in alone.items() if topic != OUT_OF_SCOPE}
    return TopicIndex(gains, carries, max(carries.values()), ours)


def _ngrams(words: tuple[str, ...]) -> frozenset[str]:
    """Return the words and the pairs of neighbours; where a text starts and ends counts as one."""
    edged = ("^", *words, "$")
    return frozenset((*words, *map(" ".join, pairwise(edged))))


@cache
def _phrasings(language: str) -> tuple[tuple[str, str, float], ...]:
    """Return every reviewed way to speak of a topic: the topic, the words, how much they count."""
    told: list[tuple[str, str, float]] = []
    for topic in topics():
        key = f"faq.{topic.id}"
        told.append((topic.id, wording.say_raw(language, f"{key}.title"), TITLE_WEIGHT))
        told.append((topic.id, wording.say_raw(language, f"{key}.answer"), ANSWER_WEIGHT))
        told += [
            (topic.id, one, PHRASING_WEIGHT) for one in wording.words(language, f"{key}.asked")
        ]
    return *told, *(
        (OUT_OF_SCOPE, one, PHRASING_WEIGHT) for one in wording.words(language, "elsewhere.asked")
    )
