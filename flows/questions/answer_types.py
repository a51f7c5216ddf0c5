"""How each kind of answer is read. Alone knows `phonenumbers` and `email_validator`."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from flows import wording
from flows.conversation import Given
from flows.questions.questionnaire import Question
from flows.understanding import text_match

NAME_MAX, WORDS_MAX, NOTE_MAX, LINE_MAX = 100, 60, 500, 300
TYPED_MAX = 4096
"""The longest text that is read at all: what a message may hold (Telegram's own limit)."""
PHONE_EXAMPLE = "07700 900 982"
_DRAMA = re.compile(r"^\+44(7700900|1632960)\d{3}$")
"""Numbers that Ofcom keeps for stories; no library calls them valid."""


@dataclass(frozen=True, slots=True)
class Read:
    """An answer that was understood: its value, how it was given, and how to show it."""

    value: str
    label: str
    given: Given = Given.SAID


@dataclass(frozen=True, slots=True)
class Slip:
    """Probably a typing slip for this option; worth one question."""

    option: str


@dataclass(frozen=True, slots=True)
class Unread:
    """Not understood: `why` names the message in errors.toml, with its blanks."""

    why: str
    blanks: tuple[tuple[str, object], ...] = ()


Reading = Read | Slip | Unread


def read(question: Question, typed: str, language: str) -> Reading:
    """Return how typed words answer a question; `typed` may hold anything at all.

    A question's own words come first: "not known" is an answer where two people are meant.
    """
    option = text_match.exact(typed, _said(question, language))
    if option:
        return chosen(question, option, language)
    special = read_special(typed, language)
    if special:
        return special
    return READERS[question.kind](question, typed, language)


def read_special(typed: str, language: str) -> Read | None:
    """Return "not sure", "rather not say" or "skip" when that is what was typed."""
    meant = {given: wording.words(language, f"anytime.words.{given}") for given in _SPECIAL}
    key = text_match.exact(typed, {given.value: said for given, said in meant.items()})
    return special(Given(key), language) if key else None


def special(given: Given, language: str) -> Read:
    """Return the reading for one of the three ways not to answer."""
    return Read("", wording.say(language, f"desk.given.{given}"), given)


def chosen(question: Question, option: str, language: str) -> Read:
    """Return the reading for a pressed or recognised option; raise KeyError for a foreign one."""
    if option not in question.options:
        raise KeyError(option)
    return Read(option, question.option(language, option))


def tidy(text: str) -> str:
    """Return `text` in one normal form: no control or lone surrogate characters, trimmed."""
    normal = unicodedata.normalize("NFC", text.encode("utf-8", "ignore").decode())
    kept = (c for c in normal if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs", "Co"))
    return "".join(kept).strip()


def find_number(text: str) -> str | None:
    """Return the first UK or international phone number in `text` as E.164, or None."""
    for found in phonenumbers.PhoneNumberMatcher(text[:2000], "GB"):
        return _e164(found.number)
    drama = re.search(r"(?:\+44|\b0044|\b0)(?:[ ()-]*\d){10,11}\b", text[:2000])
    number = _e164(phonenumbers.parse(drama[0], "GB")) if drama else ""
    return number if _DRAMA.match(number) else None


def find_email(text: str) -> str | None:
    """Return the first email address in `text`, or None."""
    found = re.search(r"[^\s<>(),;:\"]{1,64}@[^\s<>(),;:\"]{1,255}", text[:2000])
    try:
        return _email(found[0].rstrip(".")) if found else None
    except EmailNotValidError:
        return None


_SPECIAL = (Given.NOT_SURE, Given.RATHER_NOT_SAY, Given.SKIPPED)


def _read_choice(question: Question, typed: str, language: str) -> Reading:
    position = typed.strip().rstrip(".)")
    if (
        position.isascii()
        and position.isdigit()
        and 1 <= int(position[:3]) <= len(question.options)
    ):
        return chosen(question, question.options[int(position[:3]) - 1], language)
    near = text_match.slip(typed, _said(question, language))
    return Slip(near) if near else Unread("choice")


def _said(question: Question, language: str) -> dict[str, tuple[str, ...]]:
    return {
        option: (question.option(language, option), *question.typed(language, option))
        for option in question.options
    }


def _read_name(_: Question, typed: str, language: str) -> Reading:
    name = " ".join(tidy(typed).split())
    if len(name) > NAME_MAX:
        return Unread("name.too_long", (("n", len(name)), ("max", NAME_MAX)))
    if text_match.exact(name, {"start": wording.words(language, "anytime.words.start")}):
        return Unread("name.greeting")
    if not any(c.isalpha() for c in name) or re.search(r"[<>{}|\\=@#$%^*\[\]]|://", name):
        return Unread("name")
    return Read(name, name)


def _read_phone(_: Question, typed: str, __: str) -> Reading:
    text = unicodedata.normalize("NFKC", tidy(typed))[:200]
    number = find_number(text)
    if number:
        return Read(number, " ".join(text.split())[:NAME_MAX])
    digits = [c for c in text if c.isdigit()]
    if not digits:
        return Unread("phone", (("example", PHONE_EXAMPLE),))
    return Unread(_why_no_number(text), (("example", PHONE_EXAMPLE),))


def _why_no_number(text: str) -> str:
    try:
        number = phonenumbers.parse(text, "GB")
    except phonenumbers.NumberParseException:
        return "phone"
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason == phonenumbers.ValidationResult.TOO_LONG:
        return "phone.long"
    length = len(phonenumbers.national_significant_number(number))
    return "phone.short" if length < 10 else "phone"


def _read_email(_: Question, typed: str, __: str) -> Reading:
    text = tidy(typed)
    try:
        address = _email(text)
    except EmailNotValidError:
        found = find_email(text)
        return Read(found, found) if found else Unread("email")
    return Read(address, address)


def _email(text: str) -> str:
    return validate_email(text[:320], check_deliverability=False, test_environment=True).normalized


def _read_contact(question: Question, typed: str, language: str) -> Reading:
    by_phone = _read_phone(question, typed, language)
    if isinstance(by_phone, Read):
        return by_phone
    by_mail = _read_email(question, typed, language)
    return (
        by_mail if isinstance(by_mail, Read) else Unread("contact", (("example", PHONE_EXAMPLE),))
    )


def _read_words(_: Question, typed: str, __: str) -> Reading:
    return _short_text(typed, "words", WORDS_MAX)


def _read_note(_: Question, typed: str, __: str) -> Reading:
    return _short_text(typed, "note", NOTE_MAX)


def _short_text(typed: str, kind: str, most: int) -> Reading:
    text = tidy(typed)
    if len(text) > most:
        return Unread(f"{kind}.too_long", (("n", len(text)), ("max", most)))
    if not any(c.isalnum() for c in text):
        return Unread(f"{kind}.empty", (("max", most),))
    return Read(text, text)


def find_reference(text: str) -> str | None:
    """Return the crime or case reference in `text`: letters, digits, strokes and dashes.

    What is somebody's own is never taken for one: a date, a telephone number, an email address,
    a National Insurance number.
    """
    without_emails = re.sub(r"\S+@\S+", " ", text[:LINE_MAX])
    for piece in re.findall(r"[A-Za-z0-9][A-Za-z0-9/\-]{3,29}", without_emails):
        digits = sum(c.isdigit() for c in piece)
        lettered = any(c.isalpha() for c in piece)
        marked = digits >= 5 and ("/" in piece or "-" in piece)
        if ((digits >= 4 and lettered) or marked) and not _is_somebodys_own(piece):
            return str(piece.upper())
    return None


def _is_somebodys_own(piece: str) -> bool:
    dated = r"\d{1,2}[/-](\d{1,2}|[A-Za-z]{3,9})[/-](19|20)?\d{2}|\d{4}[/-]\d{1,2}[/-]\d{1,2}"
    if re.fullmatch(rf"{dated}|[A-Za-z]{{2}}\d{{6}}[A-Da-d]", piece):
        return True
    bare = piece.replace("/", "").replace("-", "")
    return bare.isdigit() and find_number(bare) is not None


def _read_line(_: Question, typed: str, __: str) -> Reading:
    text = tidy(typed)
    if len(text) > LINE_MAX:
        return Unread("line.too_long", (("n", len(text)), ("max", LINE_MAX)))
    reference = find_reference(text)
    return Read(reference, reference) if reference else Unread("line")


def _e164(number: phonenumbers.PhoneNumber) -> str:
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


READERS: dict[str, Callable[[Question, str, str], Reading]] = {
    "choice": _read_choice,
    "name": _read_name,
    "phone": _read_phone,
    "email": _read_email,
    "contact": _read_contact,
    "words": _read_words,
    "note": _read_note,
    "line": _read_line,
}
