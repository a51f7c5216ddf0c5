"""An officer's pasted words: coded facts are taken, and nothing that is somebody's own survives."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.conversation import ClearMessage
from flows.questions import paste
from flows.questions.paste import PASTE_MAX
from flows.questions.questionnaire import get_question
from flows.service import service
from flows.vocabulary import AnswerStatus
from tests.harness.thorough import examples
from tests.support.flow_client import begin_officer, english


@dataclass(frozen=True, slots=True)
class PersonDetails:
    """A made-up person with all that must never stand in a referral from a chat."""

    name: str
    born: str
    phone: str
    street: str
    postcode: str
    email: str

    def pieces(self) -> tuple[str, ...]:
        """Return every word of theirs that is long enough to know them by."""
        words = " ".join((self.name, self.born, self.phone, self.street, self.postcode, self.email))
        return tuple(word for word in words.split() if len(word) > 3)


PEOPLE = (
    PersonDetails(
        "Alma Fernside",
        "12/05/1990",
        "07700 900417",
        "14 Larchmere Road",
        "ME14 9ZZ",
        "alma.fernside1990@example.com",
    ),
    PersonDetails(
        "Mr. Oyelaran Adeyemi",
        "1984-11-02",
        "+447700900418",
        "Flat 2, Quayside Court",
        "CT1 9ZZ",
        "oye@example.org",
    ),
    PersonDetails(
        "Zofia Kowalczyk-Brandt",
        "3 March 1979",
        "(07700) 900419",
        "The Old Forge",
        "TN23 9ZZ",
        "zofia_kb@example.com",
    ),
    PersonDetails(
        "Nguyen Thi Huong",
        "02-Feb-2001",
        "07700-900420",
        "14-16 Tanyard Lane",
        "DA1 9ZZ",
        "h@example.com",
    ),
    PersonDetails(
        "Francis Child",
        "31/12/1961",
        "01632 960123",
        "Dover Street 7",
        "CT17 9ZZ",
        "fc@example.com",
    ),
)

# Each shape of a message, and what stands in it.
SHAPES: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "agreed today, victim F, not known, willing, interested, not contacted, offender M, theft, "
        "46/12345/26, {name}, {phone}",
        {
            "agreed": "me_today",
            "victim_gender": "woman",
            "victim_known": "no",
            "willing": "yes",
            "interested": "yes",
            "contacted": "no",
            "offender_gender": "man",
            "offence": "theft",
            "line": "46/12345/26",
        },
    ),
    (
        "{name}, {born}, {phone}, {street}, {postcode}, victim F 34, offender M 16, burglary, "
        "consents, 46/98765/26",
        {
            "victim_gender": "woman",
            "victim_age": "adult",
            "offender_gender": "man",
            "offender_age": "young",
            "offence": "theft",
            "agreed": "me_today",
            "line": "46/98765/26",
        },
    ),
    (
        "Victim: {name}\nDOB: {born}\nTel: {phone}\nAddress: {street}, {postcode}\nVictim gender: "
        "female\nOffender gender: male\nKind of offence: assault\nConsent: yes\nWhere the victim "
        "lives: Margate",
        {
            "victim_gender": "woman",
            "offender_gender": "man",
            "offence": "violence",
            "agreed": "me_today",
            "victim_area": "thanet",
        },
    ),
    (
        "vic f, {name}; susp m; domestic abuse; ex partner; victim asked; willing; {email}; "
        "KP/4417/26",
        {
            "victim_gender": "woman",
            "offender_gender": "man",
            "offence": "domestic",
            "in_relationship": "before",
            "victim_known": "yes",
            "victim_asked": "yes",
            "willing": "yes",
            "line": "KP/4417/26",
        },
    ),
    (
        "IP {name} (born {born}) lives {street} {postcode}. criminal damage. agreed today. not "
        "contacted. Swale. offender 15",
        {
            "offence": "damage",
            "agreed": "me_today",
            "contacted": "no",
            "victim_area": "swale",
            "offender_age": "young",
        },
    ),
    (
        "Is the victim known to the offender?: no\tIs the victim willing to engage in RJ?: yes\t"
        "Has the victim been contacted yet?: no\t{name}\t{phone}",
        {"victim_known": "no", "willing": "yes", "contacted": "no"},
    ),
    (
        "| {name} | {phone} | victim male | offender female | fraud | interested | no risks |",
        {
            "victim_gender": "man",
            "offender_gender": "woman",
            "offence": "fraud",
            "interested": "yes",
            "risks": "none_known",
        },
    ),
    (
        "Hi, could you take this one please, {name} on {phone}, agreed earlier, victim 17, "
        "offender adult, hate crime, charged, denies",
        {
            "agreed": "me_earlier",
            "victim_age": "young",
            "offender_age": "adult",
            "offence": "hate",
            "stage": "court",
            "accepts": "no",
        },
    ),
    (
        "AGREED TODAY; VICTIM F; KNOWN; FAMILY; WILLING; OFFENDER M; VIOLENCE OR THREATS; {name}; "
        "{postcode}",
        {
            "agreed": "me_today",
            "victim_gender": "woman",
            "victim_known": "yes",
            "in_relationship": "family",
            "willing": "yes",
            "offender_gender": "man",
            "offence": "violence",
        },
    ),
    (
        "{email}, {name}, {street}, victim 71, offender 19, scam, consent given, interpreter, "
        "Chatham",
        {
            "victim_age": "adult",
            "offender_age": "adult",
            "offence": "fraud",
            "agreed": "me_today",
            "victim_needs": "interpreter",
            "victim_area": "medway",
        },
    ),
    (
        "agreed today, f, offender male, arson, guilty plea, sentenced, bail conditions, {name}, "
        "{born}",
        {
            "agreed": "me_today",
            "victim_gender": "woman",
            "offender_gender": "man",
            "offence": "damage",
            "accepts": "yes",
            "stage": "over",
            "risks": "yes",
        },
    ),
    (
        "{name}\n{phone}\n{email}\n46/55555/26\nvictim child\noffender adult\nsexual assault\n"
        "victim asked\nagreed",
        {
            "line": "46/55555/26",
            "victim_age": "young",
            "offender_age": "adult",
            "offence": "sexual",
            "victim_asked": "yes",
            "agreed": "me_today",
        },
    ),
)
PASTED_SAMPLES = [
    (shape.format(**{key: getattr(who, key) for key in who.__slots__}), coded, who)
    for shape, coded in SHAPES
    for who in PEOPLE
]


def _read(text: str) -> dict[str, str]:
    readings = paste.parse_paste(text, "en", service().adult_age).answers
    return {key: reading.value for key, reading in readings.items()}


def test_there_are_sixty() -> None:
    assert len(PASTED_SAMPLES) == 60


@pytest.mark.parametrize(("text", "coded", "who"), PASTED_SAMPLES)
def test_nothing_of_a_person_is_taken(text: str, coded: dict[str, str], who: PersonDetails) -> None:
    found = paste.parse_paste(text, "en", service().adult_age)
    for key, reading in found.answers.items():
        one = get_question(key)
        if one.options:
            assert reading.value in one.options
            assert reading.label == one.option_label("en", reading.value)
        else:
            assert key == "line"
            assert reading.value == coded.get("line")
        kept = f"{reading.value} {reading.label}".lower()
        if not one.options:
            assert not any(piece.lower() in kept for piece in who.pieces())
    assert found.unparsed


def test_nearly_all_that_is_coded_is_found_and_none_of_it_wrongly() -> None:
    wanted = found = 0
    for text, coded, _ in PASTED_SAMPLES:
        read = _read(text)
        wanted += len(coded)
        found += sum(read.get(key) == value for key, value in coded.items())
        wrong = {key: read[key] for key in read if key in coded and read[key] != coded[key]}
        assert not wrong, (text, wrong)
    assert found / wanted >= 0.9, f"{found} of {wanted}"


def test_a_name_that_is_also_an_answer_is_the_only_kind_of_surprise() -> None:
    """A street in Dover or a surname like Child is not taken for an area or an age."""
    for text, coded, _ in PASTED_SAMPLES:
        assert set(_read(text)) <= set(coded), (set(_read(text)) - set(coded), text)


@pytest.mark.parametrize(("text", "coded", "who"), PASTED_SAMPLES)
def test_pasted_at_the_card_it_is_taken_and_its_message_deleted(
    text: str, coded: dict[str, str], who: PersonDetails
) -> None:
    walk = begin_officer()
    turn = walk.say(text)
    assert ClearMessage(walk.typed[-1]) in turn.effects
    for reply in turn.replies:
        assert not any(piece in reply.text for piece in who.pieces())
    for answer in walk.conversation.answers:
        assert not any(piece in f"{answer.value}{answer.label}" for piece in who.pieces())
        assert answer.status == AnswerStatus.ANSWERED


@pytest.mark.parametrize(
    "own",
    [
        "07700-900420",
        "07700/900420",
        "QQ123456C",
        "1990/5/12",
        "14-16 High Street",
        "a1990@x.example",
    ],
)
def test_what_is_somebodys_own_is_no_reference(own: str) -> None:
    assert "line" not in _read(f"agreed today, {own}, theft")


def test_the_template_is_read_whole() -> None:
    found = paste.parse_paste(english("scenes.card.template_text"), "en", service().adult_age)
    assert found.unparsed == ()
    walk = begin_officer()
    walk.say(english("scenes.card.template_text"))
    assert walk.conversation.stage == "checking"


def test_what_is_said_first_about_something_stands() -> None:
    assert _read("theft, fraud")["offence"] == "theft"


def test_a_piece_that_fits_two_questions_is_left_alone() -> None:
    assert _read("yes, no, y, n") == {}


def test_only_so_much_is_read() -> None:
    assert _read(f"{'x, ' * PASTE_MAX}theft, willing") == {}


def test_an_age_on_the_line_is_the_service_s_own_line() -> None:
    assert _read("victim 17")["victim_age"] == "young"
    assert _read("victim 18")["victim_age"] == "adult"
    assert _read("victim 300") == {}


@settings(max_examples=examples(200), deadline=None)
@given(st.text(max_size=300))
def test_any_text_at_all_can_be_pasted(text: str) -> None:
    for key, reading in paste.parse_paste(text, "en", service().adult_age).answers.items():
        one = get_question(key)
        assert one.options or key == "line"
        assert not one.options or reading.value in one.options
