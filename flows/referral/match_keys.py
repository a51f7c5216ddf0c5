"""What two referrals of the same person have in common, as match keys; only staff see matches."""

import re

from flows.questions import answer_types
from flows.questions.questionnaire import CASE_REFERENCE_QUESTION
from flows.record import Record, RecordLine
from flows.understanding import text_match
from flows.vocabulary import AnswerStatus

_NAME_QUESTIONS = {"name": "birth_year", "victim_name": "victim_birth_year"}
"""Questions that hold a name, and beside each the one that holds the year of birth.

A name alone is no match key: many people share one. No question asks for the year as yet.
"""
_HONORIFICS = frozenset({"mr", "mrs", "ms", "miss", "mx", "dr", "sir", "dame", "rev"})
_CONTACT_QUESTIONS = ("number", "email", "victim_contact")
_REFERENCE_MIN_LENGTH = 5


def match_keys_of(record: Record) -> tuple[tuple[str, str], ...]:
    """Return what else the same person would say again, each with its kind and in one form.

    The kinds are phone (E.164), email, reference, and name (with the year of birth). The
    officer's own details are not among them: one officer refers many people.
    """
    said = {line.question: line for line in record.lines if line.status == AnswerStatus.ANSWERED}
    found = [_contact_key(said[key]) for key in _CONTACT_QUESTIONS if key in said]
    if CASE_REFERENCE_QUESTION in said:
        found.append(_reference_key(said[CASE_REFERENCE_QUESTION].value))
    for name, year in _NAME_QUESTIONS.items():
        if name in said and year in said:
            found.append(_name_key(said[name].value, said[year].value))
    return tuple(dict.fromkeys(key for key in found if key[1]))


def _contact_key(line: RecordLine) -> tuple[str, str]:
    number = answer_types.find_phone_number(line.value)
    if number:
        return "phone", number
    return "email", (answer_types.find_email(line.value) or "").casefold()


def _reference_key(text: str) -> tuple[str, str]:
    plain = "".join(c for c in text.casefold() if c.isalnum())
    return "reference", plain if len(plain) >= _REFERENCE_MIN_LENGTH else ""


def _name_key(name: str, year: str) -> tuple[str, str]:
    words = [word for word in text_match.normalize(name).split() if word not in _HONORIFICS]
    known = re.fullmatch(r"(19|20)\d\d", year.strip())
    return "name", f"{''.join(words)}/{known[0]}" if known and words else ""
