"""Hears signs of danger in anything a person writes, so that the right numbers can be shown."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

PHRASES = Path(__file__).parent / "content" / "crisis" / "phrases.toml"

# Longer than this, only the beginning and the end are listened to. A Telegram message holds 4,096.
LISTENED_AT_EACH_END = 4_000
WORDS_IN_A_GAP = 3
PRESSURE = "pressure"


class Danger(StrEnum):
    """The four kinds of danger that are answered with telephone numbers."""

    IMMEDIATE_DANGER = "immediate_danger"
    DOMESTIC_ABUSE_NOW = "domestic_abuse_now"
    SUICIDAL = "suicidal"
    CHILD_AT_RISK = "child_at_risk"


MOST_PRESSING_FIRST = (
    Danger.IMMEDIATE_DANGER,
    Danger.SUICIDAL,
    Danger.CHILD_AT_RISK,
    Danger.DOMESTIC_ABUSE_NOW,
)


def hear_danger(text: str) -> Danger | None:
    """Return the most pressing kind of danger the text speaks of, or None.

    It signposts and never blocks, so it leans towards hearing: a false alarm costs one calm
    message. Text beyond 8,000 characters is heard at its first and last 4,000 only.
    """
    book = _phrase_book()
    heard = book.fold(text)
    kinds = book.kinds_in(heard)
    return next((kind for kind in MOST_PRESSING_FIRST if kind in kinds), None)


def hear_pressure(text: str) -> bool:
    """Return whether the text shows signs that somebody is being made to take part."""
    book = _phrase_book()
    return PRESSURE in book.kinds_in(book.fold(text))


# --- the phrase book -------------------------------------------------------------------------


@dataclass(frozen=True)
class Phrase:
    """One reviewed phrase, compiled; `when` says which other words of its sentence matter."""

    kind: str
    when: str
    pattern: re.Pattern[str]


@dataclass(frozen=True)
class PhraseBook:
    """Everything in phrases.toml, ready to listen with."""

    folding: "Folding"
    phrases: Mapping[str, tuple[Phrase, ...]]
    take_backs: Mapping[str, tuple[Phrase, ...]]
    past: re.Pattern[str]
    now: re.Pattern[str]

    def fold(self, text: str) -> str:
        """Return the plain spelling of the text: known words, single spaces, '.' for a stop."""
        return self.folding.fold(text)

    def kinds_in(self, heard: str) -> set[str]:
        """Return the kinds heard in folded words; a kind all of whose matches go is not heard."""
        words = set(heard.split())
        taken_back: list[tuple[str, int, int]] | None = None
        kinds: set[str] = set()
        for phrase in _waiting_for(words, self.phrases):
            if phrase.kind in kinds:
                continue
            for match in phrase.pattern.finditer(heard):
                if not self._fits_its_time(phrase, heard, match):
                    continue
                if taken_back is None:
                    taken_back = list(_spans(_waiting_for(words, self.take_backs), heard))
                if not _is_taken_back(phrase.kind, match, taken_back):
                    kinds.add(phrase.kind)
                    break
        return kinds

    def _fits_its_time(self, phrase: Phrase, heard: str, match: re.Match[str]) -> bool:
        if phrase.when == "always":
            return True
        start = heard.rfind(" .", 0, match.start() + 1)
        end = heard.find(" .", match.end())
        sentence = heard[max(start, 0) : end]
        speaks_of_now = self.now.search(sentence) is not None
        if phrase.when == "only_now":
            return speaks_of_now
        return speaks_of_now or self.past.search(sentence) is None


def _waiting_for(
    words: Iterable[str], phrases: Mapping[str, tuple[Phrase, ...]]
) -> Iterator[Phrase]:
    for word in words:
        yield from phrases.get(word, ())


def _spans(take_backs: Iterable[Phrase], heard: str) -> Iterator[tuple[str, int, int]]:
    for phrase in take_backs:
        for match in phrase.pattern.finditer(heard):
            yield phrase.kind, match.start(), match.end()


def _is_taken_back(
    kind: str, match: re.Match[str], taken_back: Iterable[tuple[str, int, int]]
) -> bool:
    return any(
        whose in (kind, "everywhere") and start < match.end() and match.start() < end
        for whose, start, end in taken_back
    )


@cache
def _phrase_book() -> PhraseBook:
    return read_phrase_book(tomllib.loads(PHRASES.read_text(encoding="utf-8")))


def read_phrase_book(content: Mapping[str, Any]) -> PhraseBook:
    """Return the phrase book that parsed TOML describes; ValueError where a phrase is unreadable.

    The notation is explained at the top of phrases.toml.
    """
    notation = Notation(content["groups"])
    phrases: dict[str, list[Phrase]] = {}
    take_backs: dict[str, list[Phrase]] = {}
    for kind in (*Danger, PRESSURE, "everywhere"):
        for when in ("always", "unless_past", "only_now"):
            for line in content[kind].get(when, ()):
                _add(phrases, notation, line, str(kind), when)
        for line in content[kind].get("not_when", ()):
            _add(take_backs, notation, line, str(kind), "not_when")
    past, now = (notation.any_of(content["time"][name]) for name in ("past", "now"))
    return PhraseBook(
        Folding(content["folding"], frozenset(notation.words)),
        {word: tuple(found) for word, found in phrases.items()},
        {word: tuple(found) for word, found in take_backs.items()},
        past,
        now,
    )


def _add(
    index: dict[str, list[Phrase]], notation: "Notation", line: str, kind: str, when: str
) -> None:
    parts = notation.read(line)
    phrase = Phrase(kind, when, re.compile(_pattern(parts)))
    for word in _words_to_wait_for(parts, line):
        index.setdefault(word, []).append(phrase)


# --- the notation ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Word:
    """A word that must be there."""

    text: str


@dataclass(frozen=True)
class OneOf:
    """One of several wordings must be there, or may be where it is optional."""

    wordings: tuple["Parts", ...]
    optional: bool


@dataclass(frozen=True)
class Mark:
    """A place or a gap: START, END, # (a number) or ... (up to three words)."""

    sign: str


Parts = tuple[Word | OneOf | Mark, ...]

_SIGNS = {
    "START": r" \.",
    "END": r"(?= \.)",
    "#": r" [0-9]+",
    "...": rf"(?: [a-z0-9]+){{0,{WORDS_IN_A_GAP}}}?",
}
_TOKEN = re.compile(r"\.\.\.|<[a-z_]+>|[][{}|#]|[A-Za-z0-9]+|\S")
_CLOSING = {"{": "}", "[": "]"}


class Notation:
    """Reads phrases, and remembers every word they use."""

    def __init__(self, groups: Mapping[str, str]) -> None:
        self.words: set[str] = set()
        self._groups: dict[str, OneOf] = {}
        for name, wordings in groups.items():
            self._groups[name] = OneOf(self._wordings(f"{{{wordings}}}"), optional=False)

    def read(self, line: str) -> Parts:
        """Return the parts of one phrase; ValueError if it can not be read."""
        tokens = _TOKEN.findall(line)
        parts = self._sequence(tokens, line)
        if tokens:
            raise ValueError(f"a stray {tokens[0]!r} in the phrase {line!r}")
        return parts

    def any_of(self, lines: Iterable[str]) -> re.Pattern[str]:
        """Return one expression that finds any of the phrases."""
        return re.compile("|".join(_pattern(self.read(line)) for line in lines))

    def _wordings(self, line: str) -> tuple[Parts, ...]:
        (only,) = self.read(line)
        if not isinstance(only, OneOf):
            raise ValueError(f"the group {line!r} holds no choice")
        return only.wordings

    def _sequence(self, tokens: list[str], line: str) -> Parts:
        parts: list[Word | OneOf | Mark] = []
        while tokens and tokens[0] not in ("|", "}", "]"):
            parts.append(self._part(tokens, line))
        return tuple(parts)

    def _part(self, tokens: list[str], line: str) -> Word | OneOf | Mark:
        token = tokens.pop(0)
        if token in _CLOSING:
            return self._choice(tokens, token, line)
        if token in _SIGNS:
            return Mark(token)
        if token.startswith("<") and token[1:-1] in self._groups:
            return self._groups[token[1:-1]]
        if not token.isalnum() or not token.islower() and not token.isdigit():
            raise ValueError(f"{token!r} can not be read in the phrase {line!r}")
        self.words.add(token)
        return Word(token)

    def _choice(self, tokens: list[str], opening: str, line: str) -> OneOf:
        wordings = [self._sequence(tokens, line)]
        while tokens and tokens[0] == "|":
            tokens.pop(0)
            wordings.append(self._sequence(tokens, line))
        if not tokens or tokens.pop(0) != _CLOSING[opening]:
            raise ValueError(f"{opening!r} is not closed in the phrase {line!r}")
        return OneOf(tuple(wordings), optional=opening == "[")


def _pattern(parts: Parts) -> str:
    return "".join(map(_pattern_of, parts)) + "(?= )"


def _pattern_of(part: Word | OneOf | Mark) -> str:
    if isinstance(part, Word):
        return f" {part.text}"
    if isinstance(part, Mark):
        return _SIGNS[part.sign]
    longest_first = sorted(part.wordings, key=len, reverse=True)
    choices = "|".join("".join(map(_pattern_of, wording)) for wording in longest_first)
    return f"(?:{choices}){'?' if part.optional else ''}"


_EVERYWHERE = frozenset(
    "i me my he she they him her them you it is are am be s was to the a an and in on at of for "
    "do not will can have has if with so this that no up out going want".split()
)


def _words_to_wait_for(parts: Parts, line: str) -> set[str]:
    """Return words of which every match holds at least one, the rarest such set there is."""
    sets = [words for part in parts if (words := _needed(part))]
    if not sets:
        raise ValueError(f"the phrase {line!r} has no word that must be there")
    return min(sets, key=_how_common)


def _needed(part: Word | OneOf | Mark) -> set[str]:
    if isinstance(part, Word):
        return {part.text}
    if isinstance(part, Mark) or part.optional:
        return set()
    needed = [[words for each in wording if (words := _needed(each))] for wording in part.wordings]
    if not all(needed):
        return set()
    return set().union(*(min(sets, key=_how_common) for sets in needed))


def _how_common(words: set[str]) -> tuple[int, int]:
    return len(words & _EVERYWHERE), len(words)


# --- folding ---------------------------------------------------------------------------------

# Letters of other alphabets that look like ours, after decomposition and case folding.
_LOOK_ALIKES = str.maketrans(
    "абвгеёзіїјклмнорстухһԁѕԛԝвьαβγδεηικνορτυχωƒɡıʟᴋᴅᴇᴀᴏᴍɴꜱᴛᴜɪøłđħ",
    "abbreesiijklmhopctyxhdsqwbbabydenikvoptuxwfgilkdeaomnstuiolth",
)
_APOSTROPHES = dict.fromkeys(map(ord, "\u2018\u2019\u201b\u02bc\u02b9\u00b4`\u2032\uff07"), "'")
_SPELLED_SIGNS = str.maketrans("0134578@$!|", "oieastbasil")
_SPELLED_SIGNS_L = str.maketrans("0134578@$!|", "oleastbasll")
_LETTER_SYMBOLS = {
    first + place: chr(ord("a") + place)
    for first in (0x1F150, 0x1F170, 0x1F1E6)
    for place in range(26)
}
_SPLITTERS = r" ._\-*~/|,+\u00b7\u2022"
_SPACED_OUT = re.compile(
    rf"(?<![a-z0-9'])(?:[a-z0-9@$][{_SPLITTERS}]{{1,3}}){{2,}}[a-z0-9@$](?![a-z0-9'])"
)
_EDGES = re.compile(r"^[^a-z0-9@$*]*(.*?)([^a-z0-9$*]*)$", re.DOTALL)
_STOP = re.compile(r"[.!?;:]")
_INNER_STOP = re.compile(r"[.!?;:]+")
_PIECES = re.compile(r"[a-z0-9']+")
_RUNS = re.compile(r"([a-z])\1{2,}")
_AGE = re.compile(r"([0-9]{1,2})(?:yo|yrs?|years?|f|m|y)")
_LONGEST_WORD = 40


class Folding:
    """Turns what was typed into the spelling the phrases use."""

    def __init__(self, content: Mapping[str, Any], words: frozenset[str]) -> None:
        self._spelling: dict[str, str] = content["spelling"]
        self._pairs: dict[str, str] = content["pairs"]
        self._symbols: dict[str, str] = content["symbols"]
        self._dropped = frozenset(content["dropped"])
        self._just_after = frozenset(content["just_is_dropped_after"])
        self._masked = tuple(content["masked"])
        self._stops = frozenset(content["stops"])
        self._words = words | self._dropped | set(self._spelling) | {"just"}
        self._near = _near_spellings(words, frozenset(content["left_alone"]))

    def fold(self, text: str) -> str:
        """Return the words heard, between spaces, each sentence closed by a '.'."""
        plain = self._plain_letters(_both_ends(text))
        plain = _SPACED_OUT.sub(self._join_letters, plain).replace("\n", " . ")
        words = self._without_asides(self._pair_up(self._read(plain)))
        return f" . {' '.join(words)} . "

    def _plain_letters(self, text: str) -> str:
        if text.isascii():
            return text.lower()
        for symbol, word in self._symbols.items():
            text = text.replace(symbol, f" {word} ")
        text = text.translate(_APOSTROPHES).translate(_LETTER_SYMBOLS)
        kept = (
            letter
            for letter in unicodedata.normalize("NFKD", text)
            if letter.isascii() or unicodedata.category(letter) not in ("Cf", "Mn", "Me", "Cc")
        )
        return _both_ends("".join(kept).casefold().translate(_APOSTROPHES).translate(_LOOK_ALIKES))

    def _join_letters(self, found: re.Match[str]) -> str:
        pieces = re.split(r" {2,}", found[0])
        joined = ["".join(re.findall(r"[a-z0-9@$]", piece)) for piece in pieces]
        read = [self._split_up(piece.translate(_SPELLED_SIGNS)) for piece in joined]
        return found[0] if None in read else " ".join(word or "" for word in read)

    def _split_up(self, letters: str) -> str | None:
        """Return the letters as known words with spaces between, or None if they are not words."""
        ways: list[str | None] = ["", *[None] * len(letters)]
        for end in range(1, len(letters) + 1):
            for start in range(max(0, end - 14), end):
                before, word = ways[start], letters[start:end]
                if before is not None and word in self._words and (end - start > 1 or word in "iau"):
                    ways[end] = f"{before} {word}"
                    break
        way = ways[-1]
        if way is None or not any(len(word) > 2 for word in way.split()):
            return None
        return way.strip()

    def _read(self, plain: str) -> Iterator[str]:
        for chunk in plain.split():
            if chunk in self._words and chunk not in self._spelling:
                yield chunk
            elif chunk.isdigit():
                yield chunk
            else:
                yield from self._read_chunk(chunk[:_LONGEST_WORD * 4])

    def _read_chunk(self, chunk: str) -> Iterator[str]:
        edges = _EDGES.match(chunk)
        core, after = (edges[1], edges[2]) if edges else (chunk, "")
        if core:
            yield from self._read_core(core)
        if _STOP.search(after) or not core and _STOP.search(chunk):
            yield "."

    def _read_core(self, core: str) -> Iterator[str]:
        if core.isalnum():
            yield from self._word(core)
            return
        bare = core.replace("'", "")
        if core in self._spelling or bare.isalpha():
            yield from self._with_apostrophe(core, bare)
            return
        together = "".join(_PIECES.findall(core)).replace("'", "")
        known = self._known(together) or self._known_signs(core) or self._unmasked(core)
        if known:
            yield known
            return
        for place, part in enumerate(_INNER_STOP.split(core)):
            if place:
                yield "."
            for piece in _PIECES.findall(part):
                yield from self._with_apostrophe(piece, piece.replace("'", ""))

    def _with_apostrophe(self, word: str, bare: str) -> Iterator[str]:
        if word in self._spelling:
            yield from self._spelling[word].split()
        elif word.endswith("'s"):
            yield from self._word(word[:-2].replace("'", ""))
            yield "s"
        elif bare:
            yield from self._word(bare)

    def _word(self, word: str) -> Iterator[str]:
        known = self._known(word) or word
        if known in self._spelling:
            yield from self._spelling[known].split()
        else:
            yield known

    def _known(self, word: str) -> str | None:
        """Return the known word that this is, or is a slip or a disguise of; None if it is not."""
        if word in self._words:
            return word
        if len(word) > _LONGEST_WORD:
            return None
        if not word.isalpha():
            return self._known_digits(word)
        squeezed = self._squeezed(word)
        if squeezed:
            return squeezed
        if word.endswith("in") and f"{word}g" in self._words:
            return f"{word}g"
        return self._near.get(word) or self._one_letter_too_many(word)

    def _known_digits(self, word: str) -> str | None:
        if age := _AGE.fullmatch(word):
            return age[1]
        if word.isdigit():
            return None
        return self._known_signs(word)

    def _known_signs(self, word: str) -> str | None:
        if not any(letter.isalpha() for letter in word):
            return None
        for table in (_SPELLED_SIGNS, _SPELLED_SIGNS_L):
            letters = word.translate(table)
            if letters in self._words:
                return letters
        return None

    def _unmasked(self, core: str) -> str | None:
        if "*" not in core:
            return None
        return next((word for word in self._masked if _fits_mask(word, core)), None)

    def _squeezed(self, word: str) -> str | None:
        runs = list(_RUNS.finditer(word))
        if not runs or len(runs) > 4:
            return None
        for lengths in product((1, 2), repeat=len(runs)):
            sizes = iter(lengths)
            shorter = _RUNS.sub(lambda run, sizes=sizes: run[1] * next(sizes), word)  # type: ignore[misc]
            if shorter in self._words:
                return shorter
        return None

    def _one_letter_too_many(self, word: str) -> str | None:
        if len(word) < 7:
            return None
        shorter = (word[:place] + word[place + 1 :] for place in range(1, len(word) - 1))
        return next((each for each in shorter if each in self._near), None)

    def _pair_up(self, words: Iterator[str]) -> Iterator[str]:
        held = next(words, None)
        for word in words:
            assert held is not None
            pair = f"{held} {word}"
            if pair in self._pairs:
                held = self._pairs[pair]
            elif self._is_broken(held, word):
                held += word
            else:
                yield from held.split()
                held = word
        if held is not None:
            yield from held.split()

    def _is_broken(self, first: str, second: str) -> bool:
        both_known = first in self._words and second in self._words
        return not both_known and len(first) + len(second) > 3 and first + second in self._words

    def _without_asides(self, words: Iterable[str]) -> Iterator[str]:
        last, before = ".", "."
        for word in words:
            if word in self._dropped or word == last == before:
                continue
            if word == "just" and last in self._just_after:
                continue
            if word in self._stops:
                word = "."
            if word == "." and last == ".":
                continue
            yield word
            last, before = word, last


def _both_ends(text: str) -> str:
    if len(text) <= 2 * LISTENED_AT_EACH_END:
        return text
    return f"{text[:LISTENED_AT_EACH_END]} . {text[-LISTENED_AT_EACH_END:]}"


def _near_spellings(words: Iterable[str], left_alone: frozenset[str]) -> dict[str, str]:
    """Return each slip (a letter lost, or two swapped) with the word it stands for."""
    known = frozenset(words)
    near: dict[str, str] = {}
    for word in sorted(known):
        if len(word) < 5 or not word.isalpha():
            continue
        near[word] = word
        for place in range(1, len(word)):
            lost = word[:place] + word[place + 1 :]
            swapped = word[:place] + word[place : place + 2][::-1] + word[place + 2 :]
            for slip in (lost, swapped):
                if slip not in known and slip not in left_alone:
                    near.setdefault(slip, word)
    return near


def _fits_mask(word: str, core: str) -> bool:
    return len(word) == len(core) and all(
        seen in ("*", letter) for seen, letter in zip(core, word, strict=True)
    )
