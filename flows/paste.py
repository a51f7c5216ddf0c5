"""Reads an officer's one line, or a pasted message, into coded answers. Names are never taken."""

import re
from dataclasses import dataclass

from flows import kinds, nearest
from flows.kinds import Read
from flows.questionnaire import question

PASTE_MAX = 4000


@dataclass(frozen=True, slots=True)
class Pasted:
    """What a line held: readings by question, and how many pieces were left alone."""

    readings: dict[str, Read]
    unread: int


# A piece, folded, against these: pattern, question, option. The first that fits wins.
_GENDER = {"f": "woman", "female": "woman", "woman": "woman", "m": "man", "male": "man", "man": "man"}
_VICTIM, _OFFENDER = r"(?:victim|vic|v|ip|aggrieved)", r"(?:offender|off|o|suspect|susp|perp|ros)"
_YES, _NO = r"(?:yes|y)", r"(?:no|n|not yet)"
_PIECES: tuple[tuple[str, str, str], ...] = (
    (r"(?:no consent|not agreed|does not agree|refused|agreed no)", "agreed", "no"),
    (r"(?:colleague )(?:agreed|asked|consent).*today.*|agreed colleague today", "agreed", "colleague_today"),
    (r"colleague (?:agreed|asked|consent).*", "agreed", "colleague_earlier"),
    (r"(?:agreed|consents?|consented|consent given|victim agrees)(?: yes)?(?: today)?", "agreed", "me_today"),
    (r"(?:agreed|consents?|consented|consent given) (?:earlier|yesterday|last week|before).*", "agreed", "me_earlier"),
    (rf"(?:not known|unknown to each other|strangers?|known (?:to offender )?{_NO}|is the victim known to the offender {_NO})", "victim_known", "no"),
    (rf"(?:known|known (?:to offender )?{_YES}|is the victim known to the offender {_YES}|neighbours?|friends?|colleagues?)", "victim_known", "yes"),
    (r"(?:ex|ex partners?|former partners?|separated|in the past)", "in_relationship", "before"),
    (r"(?:partners?|current partners?|married|in a relationship|husband|wife|boyfriend|girlfriend)", "in_relationship", "now"),
    (r"(?:family|relatives?|related|siblings?)", "in_relationship", "family"),
    (rf"(?:not willing|unwilling|willing {_NO}|is the victim willing to engage in rj {_NO})", "willing", "no"),
    (rf"(?:willing|willing {_YES}|is the victim willing to engage in rj {_YES})", "willing", "yes"),
    (rf"(?:not interested|no info|interested {_NO}|is the victim interested in learning more about rj {_NO})", "interested", "no"),
    (rf"(?:interested|wants info(?:rmation)?|wants to (?:know|learn) more|interested {_YES}|is the victim interested in learning more about rj {_YES})", "interested", "yes"),
    (rf"(?:not (?:yet )?contacted(?: yet)?|no contact yet|contacted {_NO}|has the victim been contacted yet {_NO})", "contacted", "no"),
    (rf"(?:contacted|already contacted|contacted {_YES}|has the victim been contacted yet {_YES})", "contacted", "yes"),
    (r"(?:victim asked|they asked|asked for it(?: themselves)?|victim led)", "victim_asked", "yes"),
    (r"(?:under investigation|live case|live)", "stage", "live"),
    (r"(?:at court|going to court|awaiting trial|charged)", "stage", "court"),
    (r"(?:case closed|finalised|sentenced)", "stage", "over"),
    (r"(?:admits|admitted|pleaded guilty|guilty plea|accepts responsibility)", "accepts", "yes"),
    (r"(?:denies|denied|not guilty)", "accepts", "no"),
)
_COMPILED = tuple((re.compile(pattern), key, option) for pattern, key, option in _PIECES)


def read(text: str, language: str, adult_age: int) -> Pasted:
    """Return the coded answers in an officer's words; names, dates and numbers are left out."""
    tidy = kinds.tidy(text)[:PASTE_MAX]
    found: dict[str, Read] = {}
    unread = 0
    for piece in [one for one in re.split(r"[,;\n\t|]+|\. ", tidy) if one.strip()]:
        readings = _piece(piece, language, adult_age)
        unread += not readings
        for key, reading in readings.items():
            found.setdefault(key, reading)
    if "in_relationship" in found and "victim_known" not in found:
        found["victim_known"] = kinds.chosen(question("victim_known"), "yes", language)
    return Pasted(found, unread)


def _piece(piece: str, language: str, adult_age: int) -> dict[str, Read]:
    folded = nearest.fold(piece)
    people = _people(folded, language, adult_age)
    if people:
        return people
    for pattern, key, option in _COMPILED:
        if pattern.fullmatch(folded):
            return {key: kinds.chosen(question(key), option, language)}
    for key in ("offence", "victim_area"):
        one = question(key)
        said = {o: (one.option(language, o), *one.typed(language, o)) for o in one.options}
        option = nearest.exact(folded, said)
        if option:
            return {key: kinds.chosen(one, option, language)}
    reference = kinds.find_reference(piece)
    return {"line": Read(reference, reference)} if reference and len(piece.split()) <= 3 else {}


def _people(folded: str, language: str, adult_age: int) -> dict[str, Read]:
    """Read "victim F 34", "offender male 16", "off m", or a bare "f" for the victim."""
    if folded in _GENDER:
        return {"victim_gender": _option("victim_gender", _GENDER[folded], language)}
    for who, side in ((_VICTIM, "victim"), (_OFFENDER, "offender")):
        told = re.fullmatch(rf"(?:(?:(?P<g0>\w+) )?{who})(?: gender)?(?: (?P<rest>.+))?", folded)
        if told and (told["rest"] or told["g0"]):
            return _told(side, " ".join(filter(None, (told["g0"], told["rest"]))), language, adult_age)
    return {}


def _told(side: str, rest: str, language: str, adult_age: int) -> dict[str, Read]:
    found: dict[str, Read] = {}
    for word in rest.replace("aged ", "").split():
        if word in _GENDER:
            found[f"{side}_gender"] = _option(f"{side}_gender", _GENDER[word], language)
        elif word.isascii() and word.isdigit() and int(word[:4]) < 120:
            band = "adult" if int(word[:4]) >= adult_age else "young"
            found[f"{side}_age"] = _option(f"{side}_age", band, language)
        elif word in ("adult", "child", "youth", "juvenile"):
            band = "adult" if word == "adult" else "young"
            found[f"{side}_age"] = _option(f"{side}_age", band, language)
        else:
            return {}
    return found


def _option(key: str, option: str, language: str) -> Read:
    return kinds.chosen(question(key), option, language)


