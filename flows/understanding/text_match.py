"""Folds typed words and finds what comes nearest. Alone knows `rapidfuzz`."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

FUZZY_MIN_SCORE = 84
"""Of 100: how alike two short texts must be for one to be a slip of the other."""

_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "`": "'"})


def normalize(text: str) -> str:
    """Return `text` lower-case, without accents, invisible characters and punctuation."""
    plain = unicodedata.normalize("NFKD", text[:5000]).casefold().translate(_APOSTROPHES)
    kept = "".join(c for c in plain if unicodedata.category(c) not in ("Mn", "Cf", "Cc", "Cs"))
    return " ".join(re.sub(r"[^\w'+]+", " ", kept).replace("'", "").split())


def keys_by_words(choices: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the key of each normalized wording; one under two keys belongs to the first."""
    keys: dict[str, str] = {}
    for key, said in choices.items():
        for one in said:
            keys.setdefault(_normalize_content(one), key)
    return keys


def exact_match(typed: str, choices: Mapping[str, Sequence[str]]) -> str | None:
    """Return the key one of whose words is exactly what was typed, or None."""
    return keys_by_words(choices).get(normalize(typed))


@lru_cache(maxsize=8192)
def _normalize_content(text: str) -> str:
    """Fold words of the content folder; what a person typed is never remembered here."""
    return normalize(text)


def fuzzy_match(typed: str, choices: Mapping[str, Sequence[str]]) -> str | None:
    """Return the key that `typed` is probably a slip of, or None; never for very short words."""
    folded = normalize(typed)
    if len(folded) < 4 or len(folded) > 60:
        return None
    ours = {_normalize_content(one): key for key, ones in choices.items() for one in ones}
    said = {one: key for one, key in ours.items() if len(one) > 3}
    found = process.extractOne(folded, list(said), scorer=fuzz.ratio, score_cutoff=FUZZY_MIN_SCORE)
    return said[found[0]] if found else None


def correct_spelling(word: str, vocabulary: Sequence[str]) -> str | None:
    """Return the known word that `word` is a misspelling of, or None; never for short words.

    One slip (a letter wrong, missing, extra or swapped) is mended up to 7 letters, two beyond.
    """
    if not 4 <= len(word) <= 20 or not word.isalpha():
        return None
    slips = 1 if len(word) < 8 else 2
    found = process.extractOne(word, vocabulary, scorer=OSA.distance, score_cutoff=slips)
    return found[0] if found and found[0][0] == word[0] else None


def stem(word: str) -> str:
    """Return `word` without the endings that do not change what is asked ("asking", "asked")."""
    for ending in _SUFFIXES:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending) + ("y" if ending == "ies" else "")
            break
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls" else word


_SUFFIXES = ("ings", "ing", "ies", "ed", "es", "s")
