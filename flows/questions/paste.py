"""Reads an officer's one line, or a pasted message, into coded answers. Names are never taken."""

import re
from dataclasses import dataclass

from flows import wording
from flows.questions import answer_types, journey
from flows.questions.answer_types import Parsed
from flows.questions.questionnaire import CASE_REFERENCE_QUESTION, Question, get_question
from flows.understanding import text_match
from flows.vocabulary import Journey

PASTE_MAX = 4000
"""Characters of a paste that are looked at."""
AGE_MAX = 120
CASE_REFERENCE_MAX_WORDS = 3
_VICTIM = "victim"
_SIDES = (_VICTIM, "offender")


@dataclass(frozen=True, slots=True)
class PastedAnswers:
    """What a line held: readings by question, and the pieces that were left alone, in order."""

    answers: dict[str, Parsed]
    unparsed: tuple[str, ...]


def parse_paste(text: str, language: str, adult_age: int) -> PastedAnswers:
    """Return the coded answers in an officer's words; names, dates and numbers are left out."""
    whole = answer_types.sanitize(text)
    tidy = _without_label_commas(whole[:PASTE_MAX], language)
    found: dict[str, Parsed] = {}
    unread: list[str] = []
    for piece in [one for one in re.split(r"[,;\n\t|]+|\. ", tidy) if one.strip()]:
        readings = _parse_piece(piece, language, adult_age)
        if not readings:
            unread.append(piece.strip())
        for key, reading in readings.items():
            found.setdefault(key, reading)
    if "in_relationship" in found and "victim_known" not in found:
        known = get_question("victim_known")
        found[known.key] = answer_types.parsed_option(known, "yes", language)
    if rest := whole[PASTE_MAX:].strip():
        unread.append(rest)
    return PastedAnswers(found, tuple(unread))


def _without_label_commas(text: str, language: str) -> str:
    """Take the commas out of the form's own labels, so that they are not read in two pieces."""
    for label in (one.text(language, "ask").rstrip("?*") for one in _choice_questions()):
        if "," in label:
            text = re.sub(re.escape(label), label.replace(",", ""), text, flags=re.IGNORECASE)
    return text


def _parse_piece(piece: str, language: str, adult_age: int) -> dict[str, Parsed]:
    label, _, said = piece.partition(":")
    if said:
        labelled = _parse_labelled(label, said.strip(), language)
        if labelled:
            return labelled
    people = _parse_people(text_match.normalize(piece), language, adult_age)
    if people:
        return people
    options = [(one, _matching_option(one, piece, language)) for one in _choice_questions()]
    fitting = [(one, option) for one, option in options if option]
    if len(fitting) == 1:
        one, option = fitting[0]
        return {one.key: answer_types.parsed_option(one, option, language)}
    reference = answer_types.find_case_reference(piece)
    # In a longer piece it may be somebody else's number, or a part of a story.
    if reference is None or len(piece.split()) > CASE_REFERENCE_MAX_WORDS:
        return {}
    return {CASE_REFERENCE_QUESTION: Parsed(reference, reference)}


def _parse_labelled(label: str, value: str, language: str) -> dict[str, Parsed]:
    """Read "Victim gender: female": one of the form's own labels, and its answer."""
    for one in _choice_questions():
        own = [text_match.normalize(one.text(language, part)) for part in ("title", "ask")]
        if text_match.normalize(label) in own:
            reading = answer_types.parse_answer(one, value, language)
            return {one.key: reading} if isinstance(reading, Parsed) else {}
    return {}


def _choice_questions() -> list[Question]:
    every = journey.journey_questions(Journey.OFFICER)
    return [one for one in every if one.options and not one.internal]


def _matching_option(question: Question, piece: str, language: str) -> str | None:
    return text_match.exact_match(piece, answer_types.option_words(question, language))


def _parse_people(folded: str, language: str, adult_age: int) -> dict[str, Parsed]:
    """Read "victim F 34", "male offender 16", or a bare "f", which is the victim.

    Everything in the piece must fit, or nothing is taken: half a sentence about somebody is not
    their age or gender.
    """
    words = [word for word in folded.split() if word not in _paste_words(language, "left_out")]
    sides = [side for word in words if (side := _side_named(word, language))]
    attributes = [word for word in words if not _side_named(word, language)]
    if not attributes or len(sides) > 1:
        return {}
    # The form asks of the victim first, so one letter without a side is the victim's gender. A
    # bare number is no age: it could be anything.
    if not sides and (len(attributes) > 1 or not attributes[0].isalpha()):
        return {}
    side = sides[0] if sides else _VICTIM
    found: dict[str, Parsed] = {}
    for word in attributes:
        parsed = _parse_attribute(side, word, language, adult_age)
        if not parsed:
            return {}
        found.update(parsed)
    return found


def _side_named(word: str, language: str) -> str:
    """Return whom a word names, victim or offender; "" for any other word."""
    sides = (side for side in _SIDES if word in _paste_words(language, side))
    return next(sides, "")


def _parse_attribute(side: str, word: str, language: str, adult_age: int) -> dict[str, Parsed]:
    for option in ("woman", "man"):
        if word in _paste_words(language, option):
            return {
                f"{side}_gender": answer_types.parsed_option(
                    get_question(f"{side}_gender"), option, language
                )
            }
    band = next((band for band in ("adult", "young") if word in _paste_words(language, band)), "")
    if not band and word.isascii() and word.isdigit() and int(word[:4]) < AGE_MAX:
        band = "adult" if int(word[:4]) >= adult_age else "young"
    if not band:
        return {}
    return {f"{side}_age": answer_types.parsed_option(get_question(f"{side}_age"), band, language)}


def _paste_words(language: str, key: str) -> tuple[str, ...]:
    return wording.words(language, f"paste.{key}")
