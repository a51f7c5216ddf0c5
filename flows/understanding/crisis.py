"""Hears danger in what a person writes, from the reviewed phrases in content/crisis/phrases.toml.

A first, plain version: words are read in their usual spelling, then looked for in lists. Whoever
makes it hear better may change everything below hear_danger and hear_pressure.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from flows.content_files import Tree, read

AT_EACH_END = 4000  # characters listened to where a text is longer than twice this


class Danger(StrEnum):
    """The kinds of danger answered with telephone numbers, most pressing first."""

    IMMEDIATE_DANGER = "immediate_danger"
    SUICIDAL = "suicidal"
    CHILD_AT_RISK = "child_at_risk"
    DOMESTIC_ABUSE_NOW = "domestic_abuse_now"


def hear_danger(text: str) -> Danger | None:
    """Return the most pressing kind of danger heard in the text, or None; never raises.

    It signposts and never blocks, so it leans towards hearing: a false alarm costs one message.
    """
    sentences = list(_spelling().sentences(text))
    return next((kind for kind in Danger if any(_is_heard(kind, one) for one in sentences)), None)


def hear_pressure(text: str) -> bool:
    """Return whether somebody seems to be made to take part; never raises."""
    return any(_is_heard("pressure", one) for one in _spelling().sentences(text))


# Phrases: a sentence is its words with a space before, between and after them, "." the last.


class Phrase(NamedTuple):
    """A phrase as a pattern, and for each of its places the words one of which must be there."""

    pattern: str
    needs: tuple[frozenset[str], ...]


def _is_heard(kind: str, sentence: str) -> bool:
    signs = _signs(kind)
    if not _any_in(sentence, signs["phrases"]):
        return False
    for figure in signs["figures"]:
        sentence = _compiled(figure.pattern).sub(" -", sentence)
    now_or_timeless = _any_in(sentence, signs["now"]) or not _any_in(sentence, signs["not_when"])
    return now_or_timeless and _any_in(sentence, signs["phrases"])


def _any_in(sentence: str, phrases: tuple[Phrase, ...]) -> bool:
    absent = frozenset(sentence.split()).isdisjoint
    return any(
        _compiled(one.pattern).search(sentence)
        for one in phrases
        if not any(map(absent, one.needs))
    )


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@cache
def _signs(kind: str) -> Mapping[str, tuple[Phrase, ...]]:
    book = read("crisis/phrases.toml")
    lists = {**book[kind], "now": book["now"]}
    return {part: tuple(_phrase(line, book) for line in lines) for part, lines in lists.items()}


_PLACE = re.compile(r"\{(?P<one>[^}]*)\}|\[(?P<maybe>[^]]*)\]|(?P<gap>\.\.\.)|(?P<word>[^\s{[]+)")


def _phrase(line: str, book: Tree) -> Phrase:
    pattern, needs = "", []
    for place in _PLACE.finditer(_in_usual_words(line.replace("'", ""), book)):
        wordings = (place["one"] or place["maybe"] or place["word"] or "").split("|")
        any_of = f" (?:{'|'.join(map(re.escape, wordings))})"
        if place["gap"]:
            pattern += r"(?: \w+){0,3}"
        elif place["maybe"]:
            pattern += f"(?:{any_of})?"
        else:
            pattern += any_of
            needs.append(frozenset(wording.split()[0] for wording in wordings))
    return Phrase(pattern + "(?= )", tuple(sorted(needs, key=len)))


def _in_usual_words(line: str, book: Tree) -> str:
    line = re.sub(r"(?<![{|[\w])(<\w+>)(?![\w|}\]])", r"{\1}", line)
    while "<" in line:
        line = re.sub(r"<(\w+)>", lambda group: "|".join(book["groups"][group[1]]), line)
    return re.sub(r"\w+", lambda word: book["spelling"].get(word[0], word[0]), line)


# Spelling: the same words however they are typed, disguised or run together.

_DROPPED = dict.fromkeys(map(ord, "'`\u2018\u2019\u00b4\u02bc\u115f\u1160\u3164\uffa0"))
_LEET = str.maketrans("013457@$", "oieastas")
_LEET_IN_WORD = re.compile(r"(?<=[a-z])[013457@$]+(?=[a-z])|(?<![a-z0-9])[@$](?=[a-z])")
_IN_PIECES = re.compile(
    r"(?<!\w)[a-z](?:[^a-z0-9\n]{1,3}[a-z]){2,}(?!\w)|(?<![a-z])[a-z]++(?:[-._*~+|/\\]++[a-z]++)++"
)
_SPLIT = re.compile("[^a-z]+")
_STOP = re.compile(r"(?<!\.)\.(?=\s|$)|[!?;]+(?=\s|$)|\n\s*\n| but | and now ")


class Spelling(NamedTuple):
    """The words that phrases are made of, and how else they are typed."""

    usual: Mapping[str, str]
    known: frozenset[str]
    whole: frozenset[str]
    one_letter_less: Mapping[str, str]
    look_alikes: Mapping[int, str]

    def sentences(self, text: str) -> Iterator[str]:
        """Return each sentence in usual words, with a space before, between and after them."""
        if len(text) > 2 * AT_EACH_END:
            text = f"{text[:AT_EACH_END]}\n\n{text[-AT_EACH_END:]}"
        for sentence in _STOP.split(self._unmasked(text)):
            if words := re.findall(r"[a-z0-9]+", sentence):
                yield f" {' '.join(map(self._usual_word, words))} . "

    def _unmasked(self, text: str) -> str:
        text = unicodedata.normalize("NFKD", text.translate(_DROPPED))[: 4 * AT_EACH_END]
        text = text.casefold().translate(self.look_alikes).translate(_DROPPED)
        text = "".join(c for c in text if c < "\x7f" or unicodedata.category(c) not in ("Cf", "Mn"))
        text = _LEET_IN_WORD.sub(lambda signs: signs[0].translate(_LEET), text)
        return _IN_PIECES.sub(lambda it: self._taken_apart(_SPLIT.sub("", it[0])) or it[0], text)

    def _usual_word(self, word: str) -> str:
        for typed in (word, re.sub(r"(.)\1+", r"\1\1", word), re.sub(r"(.)\1+", r"\1", word)):
            if typed in self.known:
                return self.usual.get(typed, typed)
        return (len(word) > 4 and (self._mended(word) or self._taken_apart(word))) or word

    def _mended(self, word: str) -> str | None:
        for tried in (word, *_one_letter_less(word[:20])):
            meant = tried if tried in self.known else self.one_letter_less.get(tried)
            if meant and len(meant) > 5 and (meant[0], meant[-1]) == (word[0], word[-1]):
                return self.usual.get(meant, meant)
        return None

    def _taken_apart(self, run: str) -> str | None:
        fewest: list[list[str] | None] = [[]]  # words that make up run[:0], run[:1], ...
        for end in range(1, len(run) + 1 if len(run) <= 200 else 1):
            starts = [at for at in range(max(0, end - 14), end) if run[at:end] in self.whole]
            ways = [[*before, run[at:end]] for at in starts if (before := fewest[at]) is not None]
            fewest.append(min(ways, key=len, default=None))
        return " ".join(self.usual.get(word, word) for word in fewest[-1] or ()) or None


def _one_letter_less(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1 :] for at in range(1, len(word) - 1))


@cache
def _spelling() -> Spelling:
    book = read("crisis/phrases.toml")
    parts = (part for kind in (*Danger, "pressure") for part in book[kind].values())
    lines = [line for part in (book["now"], *book["groups"].values(), *parts) for line in part]
    written = re.findall(r"[a-z]{2,}", " ".join(lines).replace("'", ""))
    known = frozenset([*written, *book["spelling"], *book["known"]])
    shorter = {less: word for word in known if len(word) > 5 for less in _one_letter_less(word)}
    alike = {ord(one): letter for letter, ones in book["look_alikes"].items() for one in ones}
    return Spelling(book["spelling"], known, known - set("bnry"), shorter, alike)
