"""What two referrals of the same person have in common: marks that staff alone compare."""

import re

from flows.questions import answer_types
from flows.record import Line, Record
from flows.understanding import text_match

_NAMES = {"name": "birth_year", "victim_name": "victim_birth_year"}
"""Questions that hold a name, and beside each the one that holds the year of birth.

A name alone is no mark: many people share one. No question asks for the year as yet.
"""
_TITLES = frozenset({"mr", "mrs", "ms", "miss", "mx", "dr", "sir", "dame", "rev"})
_REACHED = ("number", "email", "victim_contact")
_SHORTEST_REFERENCE = 5


def marks_of(record: Record) -> tuple[tuple[str, str], ...]:
    """Return what else the same person would say again, each with its kind and in one form.

    The kinds are phone (E.164), email, reference, and name (with the year of birth). The
    officer's own details are not among them: one officer refers many people.
    """
    said = {line.question: line for line in record.lines if line.given == "said"}
    found = [_reached(said[key]) for key in _REACHED if key in said]
    if "line" in said:
        found.append(_reference(said["line"].value))
    for name, year in _NAMES.items():
        if name in said and year in said:
            found.append(_name(said[name].value, said[year].value))
    return tuple(dict.fromkeys(mark for mark in found if mark[1]))


def _reached(line: Line) -> tuple[str, str]:
    number = answer_types.find_number(line.value)
    if number:
        return "phone", number
    return "email", (answer_types.find_email(line.value) or "").casefold()


def _reference(text: str) -> tuple[str, str]:
    plain = "".join(c for c in text.casefold() if c.isalnum())
    return "reference", plain if len(plain) >= _SHORTEST_REFERENCE else ""


def _name(name: str, year: str) -> tuple[str, str]:
    words = [word for word in text_match.fold(name).split() if word not in _TITLES]
    known = re.fullmatch(r"(19|20)\d\d", year.strip())
    return "name", f"{''.join(words)}/{known[0]}" if known and words else ""
