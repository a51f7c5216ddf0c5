"""Hears danger in what a person writes, from the reviewed phrases in content/crisis/phrases.toml.

A first, plain version: words are read in their usual spelling, then looked for in lists. Whoever
makes it hear better may change everything below hear_danger and hear_pressure.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from flows.content_files import Tree, read

AT_EACH_END = 4000
"""Characters listened to at the beginning and at the end of a longer text."""


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
    return next((kind for kind in Danger if _is_heard(kind, sentences)), None)


def hear_pressure(text: str) -> bool:
    """Return whether somebody seems to be made to take part; never raises."""
    return _is_heard("pressure", list(_spelling().sentences(text)))


def _is_heard(kind: str, sentences: Sequence[str]) -> bool:
    return any(_signs(kind).are_in(sentence, frozenset(sentence.split())) for sentence in sentences)


# Phrases: a sentence is a run of words with a space before, between and after them.


@dataclass(frozen=True)
class Phrase:
    """A phrase as a pattern, and for each of its places the words one of which must be there."""

    pattern: re.Pattern[str]
    needs: tuple[frozenset[str], ...]

    def is_in(self, sentence: str, words: frozenset[str]) -> bool:
        """Return whether the sentence, made of these words, holds the phrase."""
        if any(map(words.isdisjoint, self.needs)):
            return False
        return self.pattern.search(sentence) is not None


@dataclass(frozen=True)
class Signs:
    """What one kind of danger sounds like, and what only sounds like it."""

    phrases: tuple[Phrase, ...]
    figures: tuple[Phrase, ...]
    not_when: tuple[Phrase, ...]
    now: tuple[Phrase, ...]

    def are_in(self, sentence: str, words: frozenset[str]) -> bool:
        """Return whether a phrase is left once figures of speech and past times are taken out."""
        if not any(phrase.is_in(sentence, words) for phrase in self.phrases):
            return False
        for figure in self.figures:
            sentence = figure.pattern.sub(" -", sentence)
        if not any(phrase.is_in(sentence, words) for phrase in self.phrases):
            return False
        if any(phrase.is_in(sentence, words) for phrase in self.now):
            return True
        return not any(phrase.is_in(sentence, words) for phrase in self.not_when)


@cache
def _signs(kind: str) -> Signs:
    book = read("crisis/phrases.toml")
    lists = (book[kind]["phrases"], book[kind]["figures"], book[kind]["not_when"], book["now"])
    return Signs(*(tuple(_phrase(line, book) for line in lines) for lines in lists))


_PLACE = re.compile(
    r"\{(?P<one_of>[^}]*)\}|\[(?P<maybe>[^]]*)\]|(?P<gap>\.\.\.)|(?P<word>[^\s{[]+)"
)


def _phrase(line: str, book: Tree) -> Phrase:
    pattern, needs = "", []
    for place in _PLACE.finditer(_usual_words(line, book)):
        wordings = (place["one_of"] or place["maybe"] or place["word"] or "").split("|")
        any_of = f" (?:{'|'.join(map(re.escape, wordings))})"
        if place["gap"]:
            pattern += r"(?: \w+){0,3}"
        elif place["maybe"]:
            pattern += f"(?:{any_of})?"
        else:
            pattern += any_of
            needs.append(frozenset(wording.split()[0] for wording in wordings))
    return Phrase(re.compile(pattern + r"(?= )"), tuple(needs))


def _usual_words(line: str, book: Tree) -> str:
    groups: Mapping[str, Sequence[str]] = book["groups"]
    line = re.sub(r"(?<![{|[\w])(<\w+>)(?![\w|}\]])", r"{\1}", line)
    while "<" in line:
        line = re.sub(r"<(\w+)>", lambda group: "|".join(groups[group[1]]), line)
    usual: Mapping[str, str] = book["spelling"]
    return re.sub(r"\w+", lambda word: usual.get(word[0], word[0]), line.replace("'", ""))


# Spelling: the same words however they are typed, disguised or run together.

_DROPPED = dict.fromkeys(map(ord, "'`\u2018\u2019\u00b4\u02bc\u115f\u1160\u3164\uffa0"))
_LEET = str.maketrans("013457@$", "oieastas")
_LEET_IN_WORD = re.compile(r"(?<=[a-z])[013457@$]+(?=[a-z])|(?<![a-z0-9])[@$](?=[a-z])")
_IN_PIECES = re.compile(
    r"(?<!\w)[a-z](?:[^a-z0-9\n]{1,3}[a-z]){2,}(?!\w)|[a-z]+(?:[-._*~+|/\\]+[a-z]+)+"
)
_STOP = re.compile(r"(?<!\.)\.(?=\s|$)|[!?;]+(?=\s|$)|\n\s*\n| but | and now ")


@dataclass(frozen=True)
class Spelling:
    """The words that phrases are made of, and how else they are typed."""

    usual: Mapping[str, str]
    known: frozenset[str]
    one_letter_less: Mapping[str, str]
    look_alikes: Mapping[int, str]

    def sentences(self, text: str) -> Iterator[str]:
        """Return each sentence in usual words, with a space before, between and after them."""
        if len(text) > 2 * AT_EACH_END:
            text = f"{text[:AT_EACH_END]}\n\n{text[-AT_EACH_END:]}"
        for sentence in _STOP.split(self._unmasked(text)):
            words = map(self._usual_word, re.findall(r"[a-z0-9]+", sentence))
            yield f" {' '.join(words)} . "

    def _unmasked(self, text: str) -> str:
        text = unicodedata.normalize("NFKD", text.translate(_DROPPED))[: 4 * AT_EACH_END]
        text = text.casefold().translate(self.look_alikes).translate(_DROPPED)
        if not text.isascii():
            text = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Mn"))
        text = _LEET_IN_WORD.sub(lambda signs: signs[0].translate(_LEET), text)
        return _IN_PIECES.sub(self._put_together, text)

    def _put_together(self, pieces: re.Match[str]) -> str:
        return self._taken_apart(re.sub(r"[^a-z]", "", pieces[0])) or pieces[0]

    def _usual_word(self, word: str) -> str:
        for typed in (word, re.sub(r"(.)\1+", r"\1\1", word), re.sub(r"(.)\1+", r"\1", word)):
            if typed in self.known:
                return self.usual.get(typed, typed)
        if len(word) < 5:
            return word
        return self._mended(word) or self._taken_apart(word) or word

    def _mended(self, word: str) -> str | None:
        for tried in (word, *_one_letter_less(word[:20])):
            meant = tried if tried in self.known else self.one_letter_less.get(tried)
            if meant and len(meant) > 5 and (meant[0], meant[-1]) == (word[0], word[-1]):
                return self.usual.get(meant, meant)
        return None

    def _taken_apart(self, run: str) -> str | None:
        best: list[list[str] | None] = [[]]
        for end in range(1, min(len(run), 60) + 1):
            starts = range(max(0, end - 14), end)
            ways = [(best[start], run[start:end]) for start in starts]
            whole = [[*way, word] for way, word in ways if way is not None and word in self.known]
            best.append(min(whole, key=len, default=None))
        words = best[-1] if len(run) <= 60 else None
        return " ".join(self.usual.get(word, word) for word in words) if words else None


def _one_letter_less(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1 :] for at in range(1, len(word) - 1))


@cache
def _spelling() -> Spelling:
    book = read("crisis/phrases.toml")
    kinds = [book[kind] for kind in (*Danger, "pressure")]
    lines = [*book["now"], *(line for kind in kinds for part in kind.values() for line in part)]
    written = " ".join([*lines, *(" ".join(group) for group in book["groups"].values())])
    known = {*re.findall(r"[a-z]+", written.replace("'", "")), *book["spelling"], *book["known"]}
    known -= set("bcdefghjklmnopqrstvwxyz")
    shorter = {less: word for word in known if len(word) > 5 for less in _one_letter_less(word)}
    alike = {ord(one): letter for letter, ones in book["look_alikes"].items() for one in ones}
    return Spelling(book["spelling"], frozenset(known), shorter, alike)
