"""Reads an officer's one line, or a pasted message, into coded answers. Names are never taken."""

import re
from dataclasses import dataclass

from flows import wording
from flows.questions import answer_types, journey
from flows.questions.answer_types import Read
from flows.questions.questionnaire import Question, question
from flows.understanding import text_match

PASTE_MAX = 4000
AGE_MAX = 120


@dataclass(frozen=True, slots=True)
class Pasted:
    """What a line held: readings by question, and how many pieces were left alone."""

    readings: dict[str, Read]
    unread: int


def read(text: str, language: str, adult_age: int) -> Pasted:
    """Return the coded answers in an officer's words; names, dates and numbers are left out."""
    tidy = _with_whole_labels(answer_types.tidy(text)[:PASTE_MAX], language)
    found: dict[str, Read] = {}
    unread = 0
    for piece in [one for one in re.split(r"[,;\n\t|]+|\. ", tidy) if one.strip()]:
        readings = _piece(piece, language, adult_age)
        unread += not readings
        for key, reading in readings.items():
            found.setdefault(key, reading)
    if "in_relationship" in found and "victim_known" not in found:
        found["victim_known"] = answer_types.chosen(question("victim_known"), "yes", language)
    return Pasted(found, unread)


def _with_whole_labels(text: str, language: str) -> str:
    """Take the commas out of the form's own labels, so that they are not read in two pieces."""
    for label in (one.says(language, "ask").rstrip("?*") for one in _choices()):
        if "," in label:
            text = re.sub(re.escape(label), label.replace(",", ""), text, flags=re.IGNORECASE)
    return text


def _piece(piece: str, language: str, adult_age: int) -> dict[str, Read]:
    label, _, said = piece.partition(":")
    if said:
        labelled = _labelled(label, said.strip(), language)
        if labelled:
            return labelled
    people = _people(text_match.fold(piece), language, adult_age)
    if people:
        return people
    fitting = [(one, option) for one in _choices() if (option := _option(one, piece, language))]
    if len(fitting) == 1:
        one, option = fitting[0]
        return {one.key: answer_types.chosen(one, option, language)}
    reference = answer_types.find_reference(piece)
    return {"line": Read(reference, reference)} if reference and len(piece.split()) <= 3 else {}


def _labelled(label: str, said: str, language: str) -> dict[str, Read]:
    """Read "Victim gender: female": one of the form's own labels, and its answer."""
    for one in _choices():
        if text_match.fold(label) in (
            text_match.fold(one.says(language, p)) for p in ("title", "ask")
        ):
            reading = answer_types.read(one, said, language)
            return {one.key: reading} if isinstance(reading, Read) else {}
    return {}


def _choices() -> list[Question]:
    return [one for one in journey.on_paper("officer") if one.options and not one.silent]


def _option(one: Question, piece: str, language: str) -> str | None:
    said = {o: (one.option(language, o), *one.typed(language, o)) for o in one.options}
    return text_match.exact(piece, said)


def _people(folded: str, language: str, adult_age: int) -> dict[str, Read]:
    """Read "victim F 34", "male offender 16", or a bare "f", which is the victim."""
    words = [word for word in folded.split() if word not in _said(language, "left_out")]
    sides = [side for side in ("victim", "offender") for w in words if w in _said(language, side)]
    rest = [w for w in words if not any(w in _said(language, s) for s in ("victim", "offender"))]
    if len(sides) > 1 or not rest or (not sides and len(rest) > 1):
        return {}
    told = [_told(sides[0] if sides else "victim", w, language, adult_age) for w in rest]
    if not all(told) or (not sides and not rest[0].isalpha()):
        return {}
    return {key: reading for one in told for key, reading in one.items()}


def _told(side: str, word: str, language: str, adult_age: int) -> dict[str, Read]:
    for option in ("woman", "man"):
        if word in _said(language, option):
            return {
                f"{side}_gender": answer_types.chosen(question(f"{side}_gender"), option, language)
            }
    band = next((band for band in ("adult", "young") if word in _said(language, band)), "")
    if not band and word.isascii() and word.isdigit() and int(word[:4]) < AGE_MAX:
        band = "adult" if int(word[:4]) >= adult_age else "young"
    if not band:
        return {}
    return {f"{side}_age": answer_types.chosen(question(f"{side}_age"), band, language)}


def _said(language: str, key: str) -> tuple[str, ...]:
    return wording.words(language, f"paste.{key}")
