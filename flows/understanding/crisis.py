"""Detects danger in what a person writes, from the reviewed phrases in content/crisis/phrases.toml.

A first, plain version: words are read in their usual spelling, then looked for in lists. Whoever
improves it may change everything below detect_danger and detect_pressure.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from flows.content_files import ContentTree, load_toml

SCAN_CHARS_PER_END = 4000  # characters listened to where a text is longer than twice this


class Danger(StrEnum):
    """The kinds of danger answered with telephone numbers, most pressing first."""

    IMMEDIATE_DANGER = "immediate_danger"
    SUICIDAL = "suicidal"
    CHILD_AT_RISK = "child_at_risk"
    DOMESTIC_ABUSE_NOW = "domestic_abuse_now"


def detect_danger(text: str) -> Danger | None:
    """Return the most pressing kind of danger heard in the text, or None; never raises.

    It signposts and never blocks, so it leans towards hearing: a false alarm costs one message.
    """
    sentences = list(_normalizer().sentences(text))
    heard = (kind for kind in Danger if any(_matches_kind(kind, one) for one in sentences))
    return next(heard, None)


def detect_pressure(text: str) -> bool:
    """Return whether somebody seems to be made to take part; never raises."""
    return any(_matches_kind("pressure", one) for one in _normalizer().sentences(text))


# Phrases: a sentence is its words with a space before, between and after them, "." the last.


class PhrasePattern(NamedTuple):
    """A phrase as a pattern, and for each of its places the words one of which must be there."""

    pattern: str
    required_words: tuple[frozenset[str], ...]


PhrasesByWord = Mapping[str, tuple[PhrasePattern, ...]]
"""Phrases by a word that must be there; one of several such words leads to them."""


class Signs(NamedTuple):
    """The phrases of one kind of danger; what each part is for is in crisis/phrases.toml."""

    phrases: PhrasesByWord
    figures: tuple[PhrasePattern, ...]
    now: PhrasesByWord
    not_when: PhrasesByWord


def _matches_kind(kind: str, sentence: str) -> bool:
    signs = _signs_of(kind)
    if not _any_phrase_in(sentence, signs.phrases):
        return False
    for figure in signs.figures:
        sentence = _compile(figure.pattern).sub(" -", sentence)
    if not _any_phrase_in(sentence, signs.now) and _any_phrase_in(sentence, signs.not_when):
        return False
    return _any_phrase_in(sentence, signs.phrases)


def _any_phrase_in(sentence: str, phrases: PhrasesByWord) -> bool:
    words = frozenset(sentence.split())
    absent = words.isdisjoint
    return any(
        _compile(one.pattern).search(sentence)
        for word in words & phrases.keys()
        for one in phrases[word]
        if not any(map(absent, one.required_words))
    )


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@cache
def _signs_of(kind: str) -> Signs:
    book = load_toml("crisis/phrases.toml")
    phrases, not_when, now = (
        _by_word(_parse_phrases(lines, book))
        for lines in (book[kind]["phrases"], book[kind]["not_when"], book["now"])
    )
    return Signs(phrases, _parse_phrases(book[kind]["figures"], book), now, not_when)


def _parse_phrases(lines: Iterable[str], book: ContentTree) -> tuple[PhrasePattern, ...]:
    return tuple(_parse_phrase(line, book) for line in lines)


def _by_word(phrases: Iterable[PhrasePattern]) -> PhrasesByWord:
    found: dict[str, tuple[PhrasePattern, ...]] = {}
    for one in phrases:
        for word in one.required_words[0]:
            found[word] = (*found.get(word, ()), one)
    return found


_TOKEN = re.compile(r"\{(?P<one>[^}]*)\}|\[(?P<maybe>[^]]*)\]|(?P<gap>\.\.\.)|(?P<word>[^\s{[]+)")


def _parse_phrase(source: str, book: ContentTree) -> PhrasePattern:
    pattern, needs = "", []
    for place in _TOKEN.finditer(_expand_groups(source.replace("'", ""), book)):
        wordings = (place["one"] or place["maybe"] or place["word"] or "").split("|")
        any_of = f" (?:{'|'.join(map(re.escape, wordings))})"
        if place["gap"]:
            pattern += r"(?: \w+){0,3}"
        elif place["maybe"]:
            pattern += f"(?:{any_of})?"
        else:
            pattern += any_of
            needs.append(frozenset(wording.split()[0] for wording in wordings))
    return PhrasePattern(pattern + "(?= )", tuple(sorted(needs, key=len)))


def _expand_groups(source: str, book: ContentTree) -> str:
    """Return a phrase with each group written out, and each word in its usual spelling.

    With near = ["me", "us"], "hits <near>" is "hits {me|us}" and "{at|<near>}" is "{at|me|us}": a
    group that stands alone gets braces. A group may name others, so it goes on until none is left.
    """
    source = re.sub(r"(?<![{|[\w])(<\w+>)(?![\w|}\]])", r"{\1}", source)
    while "<" in source:
        source = re.sub(r"<(\w+)>", lambda group: "|".join(book["groups"][group[1]]), source)
    return re.sub(r"\w+", lambda word: book["spelling"].get(word[0], word[0]), source)


# Spelling: the same words however they are typed, disguised or run together.

_REMOVED_CHARS = dict.fromkeys(map(ord, "'`\u2018\u2019\u00b4\u02bc\u115f\u1160\u3164\uffa0"))
_LEET = str.maketrans("013457@$", "oieastas")
_LEET_IN_WORD = re.compile(r"(?<=[a-z])[013457@$]+(?=[a-z])|(?<![a-z0-9])[@$](?=[a-z])")
_SPACED_OUT_WORD = re.compile(
    r"(?<!\w)[a-z](?:[^a-z0-9\n]{1,3}[a-z]){2,}(?!\w)|(?<![a-z])[a-z]++(?:[-._*~+|/\\]++[a-z]++)++"
)
_NON_LETTERS = re.compile("[^a-z]+")
_SENTENCE_END = re.compile(r"(?<!\.)\.(?=\s|$)|[!?;]+(?=\s|$)|\n\s*\n| but | and now ")


class SpellingNormalizer(NamedTuple):
    """The words that phrases are made of, and how else they are typed."""

    canonical: Mapping[str, str]
    known: frozenset[str]
    segmentable: frozenset[str]
    deletions: Mapping[str, str]
    homoglyphs: Mapping[int, str]

    def sentences(self, text: str) -> Iterator[str]:
        """Return each sentence in usual words, with a space before, between and after them."""
        if len(text) > 2 * SCAN_CHARS_PER_END:
            text = f"{text[:SCAN_CHARS_PER_END]}\n\n{text[-SCAN_CHARS_PER_END:]}"
        for sentence in _SENTENCE_END.split(self._deobfuscated(text)):
            if words := re.findall(r"[a-z0-9]+", sentence):
                yield f" {' '.join(map(self._canonical_word, words))} . "

    def _deobfuscated(self, text: str) -> str:
        text = unicodedata.normalize("NFKD", text.translate(_REMOVED_CHARS))
        text = (
            text[: 4 * SCAN_CHARS_PER_END]
            .casefold()
            .translate(self.homoglyphs)
            .translate(_REMOVED_CHARS)
        )
        text = "".join(c for c in text if c < "\x7f" or unicodedata.category(c) not in ("Cf", "Mn"))
        text = _LEET_IN_WORD.sub(lambda signs: signs[0].translate(_LEET), text)

        def joined(spaced: re.Match[str]) -> str:
            return self._segmented(_NON_LETTERS.sub("", spaced[0])) or spaced[0]

        return _SPACED_OUT_WORD.sub(joined, text)

    def _canonical_word(self, word: str) -> str:
        for typed in (word, re.sub(r"(.)\1+", r"\1\1", word), re.sub(r"(.)\1+", r"\1", word)):
            if typed in self.known:
                return self.canonical.get(typed, typed)
        return (len(word) > 4 and (self._corrected(word) or self._segmented(word))) or word

    def _corrected(self, word: str) -> str | None:
        for tried in (word, *_single_deletions(word[:20])):
            meant = tried if tried in self.known else self.deletions.get(tried)
            if meant and len(meant) > 5 and (meant[0], meant[-1]) == (word[0], word[-1]):
                return self.canonical.get(meant, meant)
        return None

    def _segmented(self, run: str) -> str | None:
        fewest: list[list[str] | None] = [[]]  # words that make up run[:0], run[:1], ...
        for end in range(1, len(run) + 1 if len(run) <= 200 else 1):
            starts = [at for at in range(max(0, end - 14), end) if run[at:end] in self.segmentable]
            ways = [[*before, run[at:end]] for at in starts if (before := fewest[at]) is not None]
            fewest.append(min(ways, key=len, default=None))
        return " ".join(self.canonical.get(word, word) for word in fewest[-1] or ()) or None


def _single_deletions(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1 :] for at in range(1, len(word) - 1))


@cache
def _normalizer() -> SpellingNormalizer:
    book = load_toml("crisis/phrases.toml")
    parts = (part for kind in (*Danger, "pressure") for part in book[kind].values())
    lines = [line for part in (book["now"], *book["groups"].values(), *parts) for line in part]
    written = re.findall(r"[a-z]{2,}", " ".join(lines).replace("'", ""))
    known = frozenset([*written, *book["spelling"], *book["known"]])
    shorter = {less: word for word in known if len(word) > 5 for less in _single_deletions(word)}
    alike = {ord(one): letter for letter, ones in book["look_alikes"].items() for one in ones}
    return SpellingNormalizer(book["spelling"], known, known - set("bnry"), shorter, alike)
