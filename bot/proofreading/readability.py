"""How hard a text is to read, and the words that we do not use."""

import re

MIN_WORDS_TO_GRADE = 12
"""Under this many words the formula measures chance; such texts are read together."""

_SENTENCE = re.compile(r"[.!?]+(?=[\s\"')]|$)|\n+")

JARGON = (
    *("conference", "conferences", "conferencing", "reparation", "disposal", "disposals"),
    *("perpetrator", "perpetrators", "closure", "nfa", "oocr", "oic", "shuttle mediation"),
    *("journey", "engage", "engaging", "engagement", "suitability"),
    *("intervention", "interventions", "your offender", "alleged", "allegedly"),
    *("please do not hesitate", "valid", "invalid", "oops"),
)
"""The field's jargon, and what web forms say. Said plainly instead, or not at all."""

_BANNED_SIGNS = {"&": "an ampersand", "\u2014": "a long dash", "\u2013": "a dash"}


def count_words(text: str) -> int:
    """Return how many words a text has; a number or a sign between spaces counts as one."""
    return len(text.split())


def coleman_liau_grade(text: str) -> float:
    """Return the school grade (United States) of a text by the Coleman-Liau index.

    0.0588 L - 0.296 S - 15.8, where L is letters and digits and S is sentences, each to a
    hundred words (Coleman and Liau, Journal of Applied Psychology 60, 1975). Grade 4 is about
    9 years of age. Raises ValueError for a text without words.
    """
    words = count_words(text)
    if not words:
        raise ValueError("there are no words to grade")
    letters = sum(c.isalnum() for c in text)
    sentences = sum(any(c.isalnum() for c in one) for one in _SENTENCE.split(text))
    return 0.0588 * 100 * letters / words - 0.296 * 100 * sentences / words - 15.8


def jargon_in(text: str) -> tuple[str, ...]:
    """Return the words and signs in a text that we do not use."""
    lower = " ".join(text.lower().split())
    words = [one for one in JARGON if re.search(rf"\b{re.escape(one)}\b", lower)]
    signs = [name for sign, name in _BANNED_SIGNS.items() if sign in text]
    return (*words, *signs)
