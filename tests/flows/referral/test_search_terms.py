"""A line of the index leaves out nothing that a search would find in the answers themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.referral.search_terms import SearchTerm, index_line

NAMES = ("Amina Khan", "O'Neill-Smith", "Élodie  Straße", "İpek\tΣοφός", "Jo", "李 明", "ann 22")
NUMBERS = ("+447700900417", "01622 496 000", "07700-900 417", "1000", "sam.reed@kent.example", "")
QUESTIONS = ("name", "number", "email", "victim_name", "victim_contact", "note", "officer_contact")
WORDS = st.one_of(st.sampled_from((*NAMES, *NUMBERS)), st.text(max_size=12))


@st.composite
def answers_and_part(draw: st.DrawFn) -> tuple[tuple[tuple[str, str], ...], str]:
    """Draw some answers, and what is typed: often a part of one of them, in another case."""
    answers = draw(st.lists(st.tuples(st.sampled_from(QUESTIONS), WORDS), max_size=5))
    text = draw(st.sampled_from([value for _, value in answers] or [""])) or draw(WORDS)
    first = draw(st.integers(0, max(len(text) - 1, 0)))
    part = text[first : first + draw(st.integers(1, 12))]
    return tuple(answers), draw(
        st.sampled_from((part, part.upper(), part.lower(), text, f"{part} a"))
    )


@given(answers_and_part())
def test_what_matches_in_the_answers_is_in_the_line(
    drawn: tuple[tuple[tuple[str, str], ...], str],
) -> None:
    answers, typed = drawn
    term, line = SearchTerm(typed), index_line(answers)
    assert "\n" not in line
    if term.is_long_enough and term.match_in(answers):
        assert term.filter_lines([line]) == [line], (answers, typed)


@pytest.mark.parametrize("typed", ["nobody", "amina smith", "4170", "am1na", "0416"])
def test_a_line_without_it_is_left_out(typed: str) -> None:
    line = index_line((("name", "Amina Khan"), ("number", "+447700900417"), ("note", "nobody")))
    assert SearchTerm(typed).filter_lines([line]) == []
    assert SearchTerm("MINA kh").filter_lines([line, ""]) == [line]
    assert SearchTerm("07700 900417").filter_lines(["", line]) == [line]


def test_answers_to_other_questions_have_no_line() -> None:
    assert index_line((("note", "Amina"), ("name", ""), ("area", "thanet"))) == ""


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("O'Neill", "Aoife O\u2019Neill"),
        ("oneill", "Aoife O'Neill"),
        ("d\u2019arcy", "Mary D'Arcy"),
        ("Elodie", "Élodie Petit"),
        ("Élodie", "Elodie Petit"),
        ("sahin", "Aylin Şahin"),
        ("ipek", "İpek Kaya"),
        ("annemarie", "Anne-Marie Reed"),
        ("lukasz", "Łukasz Nowak"),
        ("李", "李 明"),
    ],
)
def test_a_name_is_found_however_its_accents_and_apostrophes_are_typed(
    typed: str, name: str
) -> None:
    term, answers = SearchTerm(typed), [("name", name)]
    assert term.is_long_enough
    assert term.match_in(answers) == "name"
    assert term.filter_lines([index_line(answers)])
