"""Typed questions: all topics are there, near questions find them, and nothing is invented."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.proofreading import metrics
from flows import wording
from flows.understanding import faq, text_match

TOPICS = faq.topics()


def test_every_topic_has_its_words_an_owner_and_a_date() -> None:
    assert len({topic.id for topic in TOPICS}) == len(TOPICS) >= 45
    for topic in TOPICS:
        asked = wording.words("en", f"faq.{topic.id}.asked")
        assert len(set(asked)) >= 12, topic.id
        assert wording.say_raw("en", f"faq.{topic.id}.answer")
        assert topic.owner
        assert topic.source
        assert isinstance(topic.reviewed_on, date)


def test_every_topic_is_in_one_group_and_every_group_has_a_name() -> None:
    listed = [topic for group in faq.groups() for topic in faq.topics_in_group(group)]
    assert sorted(topic.id for topic in listed) == sorted(topic.id for topic in TOPICS)
    for group in faq.groups():
        assert wording.say_raw("en", f"faq.{group}.title")


def test_no_two_topics_are_asked_for_in_the_same_words() -> None:
    heard: dict[str, str] = {}
    for topic in TOPICS:
        for asked in wording.words("en", f"faq.{topic.id}.asked"):
            assert heard.setdefault(asked.casefold(), topic.id) == topic.id, asked


@pytest.mark.parametrize("topic", [topic.id for topic in TOPICS])
def test_its_own_title_finds_a_topic_first(topic: str) -> None:
    found = faq.suggest("en", wording.say_raw("en", f"faq.{topic}.title"))
    assert found.suggestions[0] == topic
    assert found.answer in (None, topic)


@pytest.mark.parametrize(
    ("typed", "topic"),
    [
        ("what if I say no", "voluntary"),
        ("what if she says no", "offender_declines"),
        ("will he say sorry", "apology"),
        ("I want to say sorry to the man I robbed", "offender_side"),
        ("do I have to meet him", "no_need_to_meet"),
        ("he is in prison", "offender_in_prison"),
        ("it happened 15 years ago", "historic"),
        ("I am 15 years old", "young_people"),
        ("will he get my number", "my_details"),
        ("what is your number", "about_service"),
        ("wat is restorativ justise", "what_is_rj"),
        ("can u delet my mesages", "data_privacy"),
        ("IS IT CONFIDENTAL???", "confidentiality"),
    ],
)
def test_small_words_and_typing_errors(typed: str, topic: str) -> None:
    assert faq.suggest("en", typed).suggestions[0] == topic


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("prisson", "prison"),
        ("preson", "prison"),
        ("pirson", "prison"),
        ("confidental", "confidential"),
        ("jial", "jail"),
        ("wall", None),
        ("nix", None),
    ],
)
def test_one_typing_error_in_a_word_is_corrected(typed: str, meant: str | None) -> None:
    known = ("prison", "confidential", "jail", "nil")
    assert text_match.correct_spelling(typed, known) == meant


@pytest.mark.parametrize(
    "typed",
    ["", " ", "?", "asdfghjkl", "xkcd blorf wug", "07700900123", "\U0001f600" * 9, "фывапролд"],
)
def test_gibberish_finds_nothing(typed: str) -> None:
    assert faq.suggest("en", typed) == faq.NO_MATCH


@pytest.mark.parametrize("typed", ["hello", "yes", "ok thanks", "will it rain", "book a flight"])
def test_what_is_not_ours_is_never_answered(typed: str) -> None:
    assert faq.suggest("en", typed).answer is None


@settings(deadline=None)  # the first text builds the index
@given(
    st.text(st.characters(), max_size=400)
    | st.text("iheo'r j\x00\u0661\u00b2\ud800 ", max_size=400)
)
def test_hostile_text_is_matched_calmly(typed: str) -> None:
    found = faq.suggest("en", typed)
    assert len(found.suggestions) <= 3
    assert found.answer is None or found.answer == found.suggestions[0]
    assert faq.suggest("en", typed) == found


def test_only_the_start_of_a_flood_is_read() -> None:
    question = "how much does it cost".ljust(faq.TEXT_MAX_CHARS)
    assert faq.suggest("en", question + "prison " * 100_000) == faq.suggest("en", question)


def test_the_three_promises_hold_on_the_labelled_questions() -> None:
    figures = metrics.measure_faq()
    assert set(figures.in_scope_by_topic) == {topic.id for topic in TOPICS}
    assert figures.in_scope >= 300
    assert figures.out_of_scope >= 100
    assert figures.share_in_suggestions >= 0.85
    assert figures.share_wrong <= 0.03
    assert figures.share_out_of_scope_direct <= 0.01


def test_a_confident_match_is_answered_often_enough_to_help() -> None:
    figures = metrics.measure_faq()
    assert figures.direct >= figures.in_scope / 4
