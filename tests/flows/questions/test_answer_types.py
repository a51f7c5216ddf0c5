"""How each kind of answer is read: what people type, kindly; what is odd, calmly."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows import wording
from flows.inputs import MessageEdit, TypedText
from flows.questions import answer_types
from flows.questions.answer_types import Invalid, Parsed, ParseResult, Suggestion
from flows.questions.questionnaire import all_questions, get_question
from flows.understanding import text_match
from flows.vocabulary import AnswerStatus
from tests.harness.thorough import examples
from tests.support.flow_client import begin_self, sample_states
from tests.support.paths import DATA

NUMBERS = {
    "07700 900 982": "+447700900982",
    "07700900982": "+447700900982",
    "+44 7700 900982": "+447700900982",
    "+447700900982": "+447700900982",
    "(07700) 900982": "+447700900982",
    "07700-900-982": "+447700900982",
    "0044 7700 900982": "+447700900982",
    "+44 (0)7700 900982": "+447700900982",
    "my number is 07700 900 982 thanks": "+447700900982",
    "07700 900 982 (mobile)": "+447700900982",
    "０７７００９００９８２": "+447700900982",
    "07912345678": "+447912345678",
    "07912 345 678": "+447912345678",
    "+44 7912 345678": "+447912345678",
    "01622 692843": "+441622692843",
    "(01622) 692843": "+441622692843",
    "01622692843": "+441622692843",
    "01632 960 123": "+441632960123",
    "0800 111 1111": None,
    "+33 1 42 68 53 00": "+33142685300",
    "+1 212 555 0123": None,
    "phone: 07912345678.": "+447912345678",
    "07912\u00a0345\u00a0678": "+447912345678",
}
NOT_NUMBERS = {
    "hello": "phone",
    "": "phone",
    "no": "phone",
    "077009": "phone.short",
    "0770090098": "phone.short",
    "0791234567": "phone.short",
    "01622": "phone.short",
    "079123456789": "phone.long",
    "07912345678901": "phone.long",
    "+4479123456789012": "phone.long",
}
EMAILS = {
    "maya@example.com": "maya@example.com",
    "  maya@example.com ": "maya@example.com",
    "maya.o'neil@example.co.uk": "maya.o'neil@example.co.uk",
    "maya+kent@example.org": "maya+kent@example.org",
    "Maya@Example.COM": "Maya@example.com",
    "it is maya@example.com thanks": "maya@example.com",
    "(maya@example.com)": "maya@example.com",
    "maya@sub.example.com.": "maya@sub.example.com",
    "büro@example.com": "büro@example.com",
}
NOT_EMAILS = ("", "maya", "maya@", "@example.com", "maya@example", "maya at example.com", "a b@c d")
NAMES = (
    "Maya",
    "Mary-Jane O'Neil",
    "José Ramírez",
    "Nguyễn Thị Hương",
    "Søren Ødegård",
    "Владимир",
    "Ελένη",
    "محمد",
    "שרה",
    "मीरा शर्मा",
    "ਗੁਰਪ੍ਰੀਤ",
    "தமிழ்செல்வி",
    "王小明",
    "田中さくら",
    "김민준",
    "นภา",
    "ანა",
    "Արմեն",
    "ሰላም",
    "Ọláyínká",
    "X Æ",
    "J",
    "Dr. Smith, Jr.",
    "D’Angelo",
    "Anne Marie van der Berg",
    "Null",
    "True",
)
NOT_NAMES = ("12345", "!!!", "<script>", "a@b.com", "http://x.example", "😀", "...", "#name")


def read(key: str, typed: str) -> ParseResult:
    """Return how typed words answer a question in English."""
    return answer_types.parse_answer(get_question(key), typed, "en")


@pytest.mark.parametrize("typed", sorted(NUMBERS))
def test_a_number_is_read_however_it_is_written(typed: str) -> None:
    reading = read("number", typed)
    if NUMBERS[typed]:
        assert isinstance(reading, Parsed)
        assert reading.value == NUMBERS[typed]
        assert reading.status == AnswerStatus.ANSWERED
    else:
        assert isinstance(reading, Parsed | Invalid)


@pytest.mark.parametrize("typed", sorted(NOT_NUMBERS))
def test_a_number_that_cannot_be_one_says_what_is_wrong(typed: str) -> None:
    reading = read("number", typed)
    assert isinstance(reading, Invalid)
    assert reading.error_key == NOT_NUMBERS[typed]


@pytest.mark.parametrize("typed", sorted(EMAILS))
def test_an_address_is_read(typed: str) -> None:
    reading = read("email", typed)
    assert isinstance(reading, Parsed)
    assert reading.value == EMAILS[typed]


@pytest.mark.parametrize("typed", NOT_EMAILS)
def test_what_is_no_address_is_said(typed: str) -> None:
    assert read("email", typed) == Invalid("email")


@pytest.mark.parametrize("typed", NAMES)
def test_a_name_from_anywhere_is_a_name(typed: str) -> None:
    reading = read("name", typed)
    assert isinstance(reading, Parsed)
    assert reading.value


@pytest.mark.parametrize("typed", NOT_NAMES)
def test_what_is_no_name_is_asked_again(typed: str) -> None:
    assert isinstance(read("name", typed), Invalid)


def test_a_greeting_is_not_taken_for_a_name() -> None:
    assert read("name", "hello") == Invalid("name.greeting")


def test_too_long_says_by_how_much() -> None:
    for key, most in (("name", 100), ("code_word", 60), ("note", 500), ("line", 300)):
        kind = get_question(key).kind
        assert isinstance(read(key, "a1/" * (most // 3) + "a"), Parsed | Invalid)
        assert read(key, "b" * (most + 1)) == Invalid(
            f"{kind}.too_long", (("n", most + 1), ("max", most))
        )


@pytest.mark.parametrize(
    ("typed", "reference"),
    [
        ("46/12345/26", "46/12345/26"),
        ("ref 46/12345/26 please", "46/12345/26"),
        ("cr/1234/26", "CR/1234/26"),
        ("KP-20261123-0042", "KP-20261123-0042"),
        ("no idea really", None),
        ("12/05/1990", None),
        ("1990-05-12", None),
        ("1234", None),
    ],
)
def test_a_reference_is_found_and_a_date_is_not_one(typed: str, reference: str | None) -> None:
    assert answer_types.find_case_reference(typed) == reference


def _ways_to_say(given: AnswerStatus) -> list[str]:
    words = list(wording.words("en", f"commands.words.{given}"))
    dressed = (str.upper, str.title, lambda w: f" {w}. ", lambda w: w.replace("'", "\u2019"))
    return [*words, *(dress(word) for word in words for dress in dressed)]


@pytest.mark.parametrize(
    "given", [AnswerStatus.NOT_SURE, AnswerStatus.RATHER_NOT_SAY, AnswerStatus.SKIPPED]
)
def test_not_answering_is_understood_in_many_words_at_every_question(given: AnswerStatus) -> None:
    for one in all_questions():
        own = {
            text_match.normalize(w)
            for option in one.options
            for w in one.option_synonyms("en", option)
        }
        for typed in (way for way in _ways_to_say(given) if text_match.normalize(way) not in own):
            reading = answer_types.parse_answer(one, typed, "en")
            assert isinstance(reading, Parsed), (one.key, typed)
            assert reading.status == given, (one.key, typed)


def test_not_known_is_an_answer_where_two_people_are_meant() -> None:
    for key in ("victim_known", "harm"):
        reading = read(key, "not known")
        assert isinstance(reading, Parsed)
        assert reading.status == (
            AnswerStatus.ANSWERED if key == "victim_known" else AnswerStatus.NOT_SURE
        )


def test_a_choice_is_read_by_its_number_its_label_and_every_word_for_it() -> None:
    for one in (one for one in all_questions() if one.options):
        for n, option in enumerate(one.options, start=1):
            label = one.option_label("en", option)
            by_number = {str(n), f"{n}.", f" {n} ", f"{n})"}
            for typed in {label, label.upper(), f" {label}! ", *one.option_synonyms("en", option)}:
                assert answer_types.parse_answer(one, typed, "en") == Parsed(option, label), (
                    one.key,
                    typed,
                )
            for typed in by_number:
                reading = answer_types.parse_answer(one, typed, "en")
                assert reading == Parsed(option, label), (one.key, typed)


def test_no_word_stands_for_two_options_of_a_question() -> None:
    for one in (one for one in all_questions() if one.options):
        meant: dict[str, str] = {}
        for option in one.options:
            for word in (one.option_label("en", option), *one.option_synonyms("en", option)):
                assert meant.setdefault(text_match.normalize(word), option) == option, (
                    one.key,
                    word,
                )


@pytest.mark.parametrize(
    ("key", "typed", "option"),
    [
        ("harm", "burglery or theft", "theft"),
        ("harm", "vandelism", "damage"),
        ("district", "Canterbry", "canterbury"),
        ("district", "Sittingborne", "swale"),
        ("way", "telphone", "call"),
    ],
)
def test_a_suggestion_is_asked_about_and_not_taken(key: str, typed: str, option: str) -> None:
    assert read(key, typed) == Suggestion(option)


def test_a_suggestion_is_taken_by_a_yes_and_dropped_by_a_no() -> None:
    for answer, taken in (("yes", True), ("Yes please", True), ("no", False)):
        walk = begin_self().answer_until({}, until="harm")
        walk.say("vandelism")
        walk.say(answer)
        assert ("harm" in walk.current_answers) == taken, answer


def test_two_misreadings_offer_a_person() -> None:
    walk = begin_self().answer_until({}, until="number")
    walk.say("call me on my mobile")
    walk.say("0770")
    walk.say("0770 9")
    assert walk.has_button("person")


def test_an_option_that_is_not_offered_is_refused() -> None:
    for key, option in (("harm", "yes"), ("agreed", "theft")):
        with pytest.raises(KeyError):
            answer_types.parsed_option(get_question(key), option, "en")


@settings(max_examples=examples(200), deadline=None)
@given(st.sampled_from(sorted(one.key for one in all_questions())), st.text(max_size=200))
def test_any_text_at_all_can_be_read(key: str, typed: str) -> None:
    reading = read(key, typed)
    assert isinstance(reading, Parsed | Suggestion | Invalid)
    if isinstance(reading, Parsed):
        assert reading.label.strip()


@settings(max_examples=examples(100), deadline=None)
@given(st.text(max_size=200))
def test_tidy_text_stays_as_it_is(typed: str) -> None:
    tidy = answer_types.sanitize(typed)
    assert answer_types.sanitize(tidy) == tidy
    tidy.encode()


# --- the hostile cases

CASES = tomllib.loads((DATA / "hostile_cases.toml").read_text("utf-8"))["case"]
ASKED_AS = {
    "name": "name",
    "phone": "number",
    "email": "email",
    "note": "note",
    "reference": "line",
}


def expanded(case: dict[str, str]) -> str:
    """Return the text of a case; the head of cases.toml tells how it is made."""
    if "value" in case:
        return case["value"]
    how, _, rest = case["make"].partition(":")
    match how:
        case "repeat":
            text, _, times = rest.rpartition(":")
            return text * int(times)
        case "count":
            return " ".join(str(n) for n in range(1, int(rest) + 1))
        case "surrogate":
            code, _, text = rest.partition(":")
            return text + chr(int(code, 16)) + text
        case "null":
            return "\x00".join(rest)
        case "bytes":
            return bytes.fromhex(rest).decode("utf-8", "surrogateescape")
    raise ValueError(how)


def _cases(kind: str) -> dict[str, dict[str, str]]:
    return {one["name"]: one for one in CASES if one["kind"] == kind}


FIELDS, TEXTS = _cases("field"), _cases("text")


@pytest.mark.parametrize("name", FIELDS)
def test_odd_answers_are_taken_or_refused_calmly(name: str) -> None:
    case = FIELDS[name]
    reading = read(ASKED_AS[case["field"]], expanded(case))
    assert isinstance(reading, Parsed | Suggestion | Invalid)
    if case.get("expect") == "accept":
        assert isinstance(reading, Parsed)


FIELD_PLACES = {
    "name": "self, asked name",
    "phone": "self, asked number",
    "email": "self by email, asked email",
    "note": "self, asked note",
    "reference": "officer, asked line",
}
WALKS = sample_states()


@pytest.mark.parametrize("name", FIELDS)
def test_odd_answers_are_answered_where_they_are_asked(name: str) -> None:
    case = FIELDS[name]
    walk = WALKS[FIELD_PLACES[case["field"]]].copy()
    turn = walk.say(expanded(case))
    assert turn.replies
    for reply in turn.replies:
        assert len(reply.text) <= 4096
        reply.text.encode()


@pytest.mark.parametrize("name", TEXTS)
def test_odd_messages_are_answered_and_cost_nothing(name: str) -> None:
    text = expanded(TEXTS[name])
    for place, how in (("welcome", TypedText), ("self, checking", MessageEdit)):
        walk = WALKS[place].copy()
        turn = walk.send_input(how(text), message="1")
        assert turn.replies or turn.toast
        assert all(len(reply.text) <= 4096 for reply in turn.replies)
        assert walk.current_answers == WALKS[place].current_answers
