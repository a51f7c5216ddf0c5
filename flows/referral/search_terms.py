"""What a search of the desk looks for, and where: names, numbers and e-mails of a referral."""

import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

from flows.questions import answer_types
from flows.questions.questionnaire import AnswerType, all_questions

_MIN_LETTERS, _MIN_DIGITS = 2, 4
_NAME_KINDS = (AnswerType.NAME,)
_CONTACT_KINDS = (AnswerType.PHONE, AnswerType.EMAIL, AnswerType.CONTACT)
_SEPARATOR = "\t"
_IN_NAMES = frozenset("'\u2019\u2018\u02bc`\u00b4-\u2010\u2011\u2013")
_LETTERS = str.maketrans({"\u0131": "i", "\u0142": "l", "\u00f8": "o", "\u0111": "d"})
"""Letters that are not a plain one with an accent, and how they are typed without them."""
AnswerPairs = Iterable[tuple[str, str]]
"""Answers as (question, value)."""


class SearchTerm:
    """What is looked for, as it is compared: a name by `normalize`, a number by its figures."""

    def __init__(self, typed: str) -> None:
        self._words = normalize(typed).split()
        self._digits = _significant_digits(answer_types.find_phone_number(typed) or typed)
        self._is_number = bool(self._digits) and not any(one.isalpha() for one in typed)

    @property
    def is_long_enough(self) -> bool:
        """Return whether it is long enough to be looked for."""
        if self._is_number:
            return len(self._digits) >= _MIN_DIGITS
        letters = [one for word in self._words for one in word if one.isalnum()]
        # A sign that is a syllable or a word says as much as two letters.
        return len(letters) >= _MIN_LETTERS or any(one > "\u2fff" for one in letters)

    def match_in(self, answers: AnswerPairs) -> str:
        """Return what of some answers matches: name, number, or "" when nothing does."""
        answers = tuple(answers)
        contacts = list(_answers_of_kinds(answers, _CONTACT_KINDS))
        if self._is_number:
            ends = (_significant_digits(one).endswith(self._digits) for one in contacts)
            return "number" if any(ends) else ""
        for one in _answers_of_kinds(answers, _NAME_KINDS):
            if all(word in normalize(one) for word in self._words):
                return "name"
        typed = " ".join(self._words)
        return "number" if any(normalize(one) == typed for one in contacts) else ""

    def filter_lines(self, lines: list[str]) -> list[str]:
        """Return the lines in which what is looked for may be: all that match, and some others.

        A line ends with what `index_line` returns.
        """
        if self._is_number:
            end = self._digits + _SEPARATOR
            return [line for line in lines if end in line]
        for word in sorted(self._words, key=len, reverse=True):
            lines = [line for line in lines if word in line]
        return lines


def normalize(text: str) -> str:
    """Return text without case, accents, apostrophes and hyphens: O\u2019Neill as oneill."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    letters = (one for one in apart if not unicodedata.combining(one) and one not in _IN_NAMES)
    return "".join(letters).translate(_LETTERS)


def index_line(answers: AnswerPairs) -> str:
    """Return in one line all of some answers that a search compares; "" when there is nothing.

    Names and contact details as `normalize` returns them, and figures of numbers, between tabs.
    """
    answers = tuple(answers)
    contacts = list(_answers_of_kinds(answers, _CONTACT_KINDS))
    said = [*_answers_of_kinds(answers, _NAME_KINDS), *contacts]
    # No word that is looked for has white space inside, so one blank may stand for any.
    folded = [" ".join(normalize(one).split()) for one in said]
    compared = [*folded, *(_significant_digits(one) for one in contacts)]
    kept = list(dict.fromkeys(one for one in compared if one))
    return _SEPARATOR.join(["", *kept, ""]) if kept else ""


def _answers_of_kinds(answers: AnswerPairs, of_types: tuple[AnswerType, ...]) -> Iterator[str]:
    """Give the answers to questions of some types."""
    keys = _question_keys(of_types)
    return (value for key, value in answers if value and key in keys)


@cache
def _question_keys(of_types: tuple[AnswerType, ...]) -> frozenset[str]:
    return frozenset(one.key for one in all_questions() if one.kind in of_types)


def _significant_digits(text: str) -> str:
    """Return the figures of a number; of a whole one without what stands for the country."""
    figures = "".join(one for one in text if one.isascii() and one.isdigit())
    return figures.removeprefix("44").removeprefix("0") if len(figures) > 9 else figures
