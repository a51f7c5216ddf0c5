"""What README.md draws and tabulates is what the code says. RECORD=1 writes it anew."""

import os

import pytest
from typer.testing import CliRunner

from bot.__main__ import app
from bot.proofreading.texts import OFFICIAL_FORM_LABELS
from flows.questions.questionnaire import Question, get_question
from flows.vocabulary import AnswerStatus
from flows.wording import say
from tests.support.paths import ROOT

README = ROOT / "README.md"

SELF = {
    "victim_gender": "gender",
    "victim_known": "known",
    "in_relationship": "relationship",
    "willing": "wish",
    "interested": "wish",
}
"""Which question of a person harmed asks for the same as a label of the form."""

NOT_ASKED = {
    "contacted": "not asked: they wrote to us themselves",
    "offender_gender": "not asked here: staff ask when they speak",
}


def drawn() -> str:
    """Return what `rj flow --mermaid` prints."""
    return CliRunner().invoke(app, ["flow", "--mermaid"]).output.strip()


def tabulated() -> str:
    """Return the seven labels of the form with what each of the two journeys asks."""
    rows = [
        "| Label on the form | What an officer can answer | What a person harmed is asked |",
        "|---|---|---|",
    ]
    for key in OFFICIAL_FORM_LABELS:
        own = f"{get_question(SELF[key]).text('en', 'ask')}" if key in SELF else NOT_ASKED[key]
        label = get_question(key).text("en", "ask").replace("*", r"\*")
        rows.append(f"| {label} | {answers(get_question(key))} | {own} |")
    return "\n".join(rows)


def answers(one: Question) -> str:
    """Return what can be pressed for an answer."""
    also = [
        say("en", f"scenes.asking.{given}")
        for given in one.non_answers
        if given != AnswerStatus.ANSWERED
    ]
    return ", ".join([*(one.option_label("en", option) for option in one.options), *also])


def between(name: str) -> tuple[str, str, str]:
    """Return README.md before, between and after two markers."""
    start, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
    before, rest = README.read_text(encoding="utf-8").split(start)
    middle, after = rest.split(end)
    return before + start, middle, end + after


@pytest.mark.parametrize("name", ["flow", "form"])
def test_the_readme_shows_what_is_so(name: str) -> None:
    shows = {"flow": drawn, "form": tabulated}[name]() + "\n"
    before, middle, after = between(name)
    if os.environ.get("RECORD"):
        README.write_text(before + shows + after, encoding="utf-8")
        middle = between(name)[1]
    assert middle == shows, "RECORD=1 ./run test tests/project/test_readme.py writes it anew"


def test_both_tables_are_drawn() -> None:
    picture = drawn()
    assert picture.count("```mermaid") == 2
    assert "stateDiagram" in picture
    for word in ("welcome", "asking", "sent", "claimed", "in_touch", "withdrawn"):
        assert word in picture


def test_every_label_of_the_form_is_asked_in_its_own_words() -> None:
    for key in OFFICIAL_FORM_LABELS:
        one = get_question(key)
        assert "officer" in one.journeys
        assert one.text("en", "title") == one.text("en", "ask")
    assert SELF.keys() | NOT_ASKED.keys() == set(OFFICIAL_FORM_LABELS)
    assert all("self" in get_question(key).journeys for key in SELF.values())


def test_only_the_follow_on_label_may_be_skipped() -> None:
    may_skip = [
        key for key in OFFICIAL_FORM_LABELS if AnswerStatus.SKIPPED in get_question(key).non_answers
    ]
    starred = [
        key for key in OFFICIAL_FORM_LABELS if get_question(key).text("en", "ask").endswith("*")
    ]
    assert may_skip == ["in_relationship"]
    assert [key for key in OFFICIAL_FORM_LABELS if key not in starred] == ["in_relationship"]
