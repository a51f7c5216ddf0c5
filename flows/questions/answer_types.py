"""How each kind of answer is read. Alone knows `phonenumbers` and `email_validator`."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from flows import wording
from flows.questions.questionnaire import AnswerType, Question
from flows.understanding import text_match
from flows.vocabulary import NON_ANSWERS, AnswerStatus

NAME_MAX, SHORT_TEXT_MAX, NOTE_MAX, CASE_REFERENCE_MAX = 100, 60, 500, 300
INPUT_MAX_CHARS = 4096
"""The longest text that is read at all: what a message may hold (Telegram's own limit)."""
PHONE_EXAMPLE = "07700 900 982"
_OFCOM_DRAMA_NUMBER = re.compile(r"^\+44(7700900|1632960)\d{3}$")
"""Numbers that Ofcom keeps for stories; no library calls them valid."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """An answer that was understood: its value, how it was given, and how to show it."""

    value: str
    label: str
    status: AnswerStatus = AnswerStatus.ANSWERED


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Probably a typing slip for this option; worth one question."""

    option: str


@dataclass(frozen=True, slots=True)
class Invalid:
    """Not understood: `error_key` names the message in errors.toml, with its blanks."""

    error_key: str
    blanks: tuple[tuple[str, object], ...] = ()


ParseResult = Parsed | Suggestion | Invalid


def parse_answer(question: Question, typed: str, language: str) -> ParseResult:
    """Return how typed words answer a question; `typed` may hold anything at all.

    A question's own words come first: "not known" is an answer where two people are meant.
    """
    option = text_match.exact_match(typed, option_words(question, language))
    if option:
        return parsed_option(question, option, language)
    special = parse_non_answer(typed, language)
    if special:
        return special
    return PARSERS[question.kind](question, typed, language)


def parse_non_answer(typed: str, language: str) -> Parsed | None:
    """Return "not sure", "rather not say" or "skip" when that is what was typed."""
    key = _non_answers_by_words(language).get(text_match.normalize(typed))
    return non_answer(AnswerStatus(key), language) if key else None


@cache
def _non_answers_by_words(language: str) -> Mapping[str, str]:
    meant = {one.value: wording.words(language, f"commands.words.{one}") for one in NON_ANSWERS}
    return text_match.keys_by_words(meant)


def non_answer(status: AnswerStatus, language: str) -> Parsed:
    """Return the reading for one of the three ways not to answer."""
    return Parsed("", wording.say(language, f"desk.given.{status}"), status)


def parsed_option(question: Question, option: str, language: str) -> Parsed:
    """Return the reading for a pressed or recognised option; raise KeyError for a foreign one."""
    if option not in question.options:
        raise KeyError(option)
    return Parsed(option, question.option_label(language, option))


def sanitize(text: str) -> str:
    """Return `text` in one normal form: no control or lone surrogate characters, trimmed."""
    normal = unicodedata.normalize("NFC", text.encode("utf-8", "ignore").decode())
    kept = (c for c in normal if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs", "Co"))
    return "".join(kept).strip()


def find_phone_number(text: str) -> str | None:
    """Return the first UK or international phone number in `text` as E.164, or None."""
    for found in phonenumbers.PhoneNumberMatcher(text[:2000], "GB"):
        return _e164(found.number)
    drama = re.search(r"(?:\+44|\b0044|\b0)(?:[ ()-]*\d){10,11}\b", text[:2000])
    number = _e164(phonenumbers.parse(drama[0], "GB")) if drama else ""
    return number if _OFCOM_DRAMA_NUMBER.match(number) else None


def find_email(text: str) -> str | None:
    """Return the first email address in `text`, or None."""
    found = re.search(r"[^\s<>(),;:\"]{1,64}@[^\s<>(),;:\"]{1,255}", text[:2000])
    try:
        return _validated_email(found[0].rstrip(".")) if found else None
    except EmailNotValidError:
        return None


def _parse_choice(question: Question, typed: str, language: str) -> ParseResult:
    typed_number = typed.strip().rstrip(".)")
    is_number = typed_number.isascii() and typed_number.isdigit()
    position = int(typed_number[:3]) if is_number else 0
    if 1 <= position <= len(question.options):
        return parsed_option(question, question.options[position - 1], language)
    near = text_match.fuzzy_match(typed, option_words(question, language))
    return Suggestion(near) if near else Invalid(AnswerType.CHOICE)


def option_words(question: Question, language: str) -> dict[str, tuple[str, ...]]:
    """Return the words for each option: its label, and others that mean the same."""
    return {
        one: (question.option_label(language, one), *question.option_synonyms(language, one))
        for one in question.options
    }


def _parse_name(_: Question, typed: str, language: str) -> ParseResult:
    name = " ".join(sanitize(typed).split())
    if len(name) > NAME_MAX:
        return Invalid("name.too_long", (("n", len(name)), ("max", NAME_MAX)))
    if text_match.exact_match(name, {"start": wording.words(language, "commands.words.start")}):
        return Invalid("name.greeting")
    if not any(c.isalpha() for c in name) or re.search(r"[<>{}|\\=@#$%^*\[\]]|://", name):
        return Invalid("name")
    return Parsed(name, name)


def _parse_phone(_: Question, typed: str, __: str) -> ParseResult:
    text = unicodedata.normalize("NFKC", sanitize(typed))[:200]
    number = find_phone_number(text)
    if number:
        return Parsed(number, " ".join(text.split())[:NAME_MAX])
    has_digits = any(c.isdigit() for c in text)
    error_key = _phone_error_key(text) if has_digits else "phone"
    return Invalid(error_key, (("example", PHONE_EXAMPLE),))


def _phone_error_key(text: str) -> str:
    try:
        number = phonenumbers.parse(text, "GB")
    except phonenumbers.NumberParseException:
        return "phone"
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason == phonenumbers.ValidationResult.TOO_LONG:
        return "phone.long"
    length = len(phonenumbers.national_significant_number(number))
    return "phone.short" if length < 10 else "phone"


def _parse_email(_: Question, typed: str, __: str) -> ParseResult:
    text = sanitize(typed)
    try:
        address = _validated_email(text)
    except EmailNotValidError:
        found = find_email(text)
        return Parsed(found, found) if found else Invalid("email")
    return Parsed(address, address)


def _validated_email(text: str) -> str:
    return validate_email(text[:320], check_deliverability=False, test_environment=True).normalized


def _parse_contact(question: Question, typed: str, language: str) -> ParseResult:
    by_phone = _parse_phone(question, typed, language)
    if isinstance(by_phone, Parsed):
        return by_phone
    by_mail, neither = _parse_email(question, typed, language), (("example", PHONE_EXAMPLE),)
    return by_mail if isinstance(by_mail, Parsed) else Invalid("contact", neither)


def _parse_short_text(_: Question, typed: str, __: str) -> ParseResult:
    return _parse_text(typed, "words", SHORT_TEXT_MAX)


def _parse_note(_: Question, typed: str, __: str) -> ParseResult:
    return _parse_text(typed, "note", NOTE_MAX)


def _parse_text(typed: str, kind: str, max_length: int) -> ParseResult:
    text = sanitize(typed)
    if len(text) > max_length:
        return Invalid(f"{kind}.too_long", (("n", len(text)), ("max", max_length)))
    if not any(c.isalnum() for c in text):
        return Invalid(f"{kind}.empty", (("max", max_length),))
    return Parsed(text, text)


def find_case_reference(text: str) -> str | None:
    """Return the crime or case reference in `text`: letters, digits, strokes and dashes.

    What is somebody's own is never taken for one: a date, a telephone number, an email address,
    a National Insurance number.
    """
    without_emails = re.sub(r"\S+@\S+", " ", text[:CASE_REFERENCE_MAX])
    for piece in re.findall(r"[A-Za-z0-9][A-Za-z0-9/\-]{3,29}", without_emails):
        digits = sum(c.isdigit() for c in piece)
        lettered = any(c.isalpha() for c in piece)
        marked = digits >= 5 and ("/" in piece or "-" in piece)
        if ((digits >= 4 and lettered) or marked) and not _is_personal_identifier(piece):
            return str(piece.upper())
    return None


def _is_personal_identifier(piece: str) -> bool:
    dated = r"\d{1,2}[/-](\d{1,2}|[A-Za-z]{3,9})[/-](19|20)?\d{2}|\d{4}[/-]\d{1,2}[/-]\d{1,2}"
    if re.fullmatch(rf"{dated}|[A-Za-z]{{2}}\d{{6}}[A-Da-d]", piece):
        return True
    bare = piece.replace("/", "").replace("-", "")
    return bare.isdigit() and find_phone_number(bare) is not None


def _parse_case_reference(_: Question, typed: str, __: str) -> ParseResult:
    text = sanitize(typed)
    if len(text) > CASE_REFERENCE_MAX:
        return Invalid("line.too_long", (("n", len(text)), ("max", CASE_REFERENCE_MAX)))
    reference = find_case_reference(text)
    return Parsed(reference, reference) if reference else Invalid(AnswerType.CASE_REFERENCE)


def _e164(number: phonenumbers.PhoneNumber) -> str:
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


PARSERS: dict[AnswerType, Callable[[Question, str, str], ParseResult]] = {
    AnswerType.CHOICE: _parse_choice,
    AnswerType.NAME: _parse_name,
    AnswerType.PHONE: _parse_phone,
    AnswerType.EMAIL: _parse_email,
    AnswerType.CONTACT: _parse_contact,
    AnswerType.SHORT_TEXT: _parse_short_text,
    AnswerType.NOTE: _parse_note,
    AnswerType.CASE_REFERENCE: _parse_case_reference,
}
