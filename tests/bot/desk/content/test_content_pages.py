"""The words as their own people look through them: all of them, with what is out of date."""

import re
from datetime import date, timedelta

import pytest

from bot.desk.content import message_index, state_diagram
from bot.proofreading.texts import language_texts
from bot.proofreading.usages import where_used
from flows import casework, content_files, stages
from flows.machine import AnyTable
from flows.service import service
from storage import logbook
from storage.reports import daily_counters, missed_questions
from tests.harness.desk_fixtures import DeskApp

HOSTILE = ("<script>alert(1)</script>", "=1+1", "\u202eabc", "\x00", "{", "%", "x" * 9000, "' --")


def test_every_message_of_every_language_is_there() -> None:
    kept = {(one.language, one.key) for one in message_index.all_messages()}
    said = {
        (code, key)
        for code in service().languages
        for found in [language_texts(code, content_files.load_language(code))]
        for key in (*found.texts, *found.lists)
    }
    assert len(said) > 1000
    assert said <= kept


def test_messages_are_found_by_key_by_words_and_by_branch() -> None:
    assert [one.key for one in message_index.find_messages("scenes.welcome.hello", "")][:1]
    keys = [one.key for one in message_index.find_messages("NUMBER is Safe for us", "")]
    assert "questions.number.ask" in keys
    assert {one.key.split(".")[0] for one in message_index.find_messages("", "faq")} == {"faq"}
    assert message_index.find_messages("zanzibar", "") == []


def test_blanks_are_highlighted_and_words_and_grade_are_shown() -> None:
    (hint,) = message_index.find_messages("desk.numbers.weeks_shown", "")
    assert [piece.text for piece in hint.segments if piece.blank] == ["first", "last"]
    (ask,) = (
        one
        for one in message_index.find_messages("scenes.notice.text", "")
        if one.reading_grade is not None
    )
    assert ask.word_count > 12
    assert ask.reading_grade is not None
    assert ask.reading_grade < 8


def test_it_is_told_where_a_message_is_used() -> None:
    assert where_used("desk.numbers.title") == ("bot/web/templates/desk/numbers.html",)
    assert "flows/scenes/sent.py" in where_used("scenes.sent.thanks_officer")
    assert "flows/questions/questionnaire.py" in where_used("questions.number.ask")
    assert where_used("zan.zibar") == ()


@pytest.mark.parametrize("table", [stages.STAGES, casework.ACTS])
def test_the_picture_is_drawn_from_the_table(table: AnyTable) -> None:
    picture = state_diagram.draw_table(table)
    names = [box.name for box in picture.boxes]
    assert sorted(names) == sorted(set(names))
    assert set(names) == set(table.states)
    assert len({(box.x, box.y) for box in picture.boxes}) == len(names)
    for box in picture.boxes:
        assert 0 <= box.x <= picture.width - state_diagram.BOX_WIDTH
        assert 0 <= box.y <= picture.height - state_diagram.BOX_HEIGHT
    moves = state_diagram.moves_of(table)
    assert {(start, move) for start, move, _ in moves} == {
        (start, name) for name, starts, _ in table.transitions for start in starts
    }


def test_what_was_not_looked_at_for_a_year_is_stale() -> None:
    newest = max(row.reviewed_on for row in message_index.reviewed_answers(date(2027, 1, 1)))
    assert not any(row.stale for row in message_index.reviewed_answers(newest))
    a_year_later = newest + timedelta(days=366)
    assert {row.stale for row in message_index.reviewed_answers(a_year_later)} == {True}
    assert {row.stale for row in message_index.checked_helplines(a_year_later)} == {True}
    days = [row.reviewed_on for row in message_index.checked_helplines(newest)]
    assert days == sorted(days)


async def test_everybody_signed_in_sees_the_words_with_the_drop_off(desk: DeskApp) -> None:
    with desk.database.unit() as unit:
        for what, n in (("asked", 100), ("answered", 80)):
            for _ in range(n):
                key = f"self/{content_files.wording_version('en')}/wish"
                daily_counters.increment_counter(unit, what, key)
    for role, name in (("administrator", "ada"), ("mediator", "mira")):
        browser = await desk.signed_in(role, name)
        page = await browser.get("/desk/content")
        assert page.status_code == 200
        assert "About 80 of 100" in page.text
        assert "has not confirmed its names" in page.text
        assert page.text.count('class="rj-flow"') == 2
        assert "style=" not in page.text
        assert "/desk/content/missed" not in page.text
    ids = re.findall(r'\bid="([^"]+)"', page.text)
    assert len(ids) == len(set(ids))


async def test_missed_questions_are_counted_for_all_and_read_by_a_coordinator(
    desk: DeskApp,
) -> None:
    with desk.database.unit(desk.clock()) as unit:
        missed_questions.add_missed_question(unit, "Can my dog come? <b>")
    mira = await desk.signed_in("mediator", "mira")
    page = await mira.get("/desk/content")
    assert "my dog" not in page.text
    assert "How many were left for us each day" in page.text
    assert (await mira.get("/desk/content/missed")).status_code == 403
    carys = await desk.signed_in("coordinator", "carys")
    assert "/desk/content/missed" in (await carys.get("/desk/content")).text
    read = await carys.get("/desk/content/missed")
    assert "Can my dog come? &lt;b&gt;" in read.text
    with desk.database.reading() as unit:
        lines = [(one.actor, one.action, one.refused) for one in logbook.list_logbook_lines(unit)]
    assert ("carys", "missed_read", False) in lines
    assert ("mira", "missed_words", True) in lines


async def test_any_search_has_an_answer(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    for text in HOSTILE:
        for field in ("q", "branch", "page"):
            answer = await mira.client.get("/desk/content/messages", params={field: text})
            assert answer.status_code == 200
            assert "<script>alert" not in answer.text
    page = await mira.get("/desk/content/messages?q=safe&branch=questions&page=0")
    assert 'class="rj-blank"' in (await mira.get("/desk/content/messages?q=numbers.week")).text
    assert "questions.number.ask" in page.text
    last = await mira.get("/desk/content/messages?page=99999")
    assert last.status_code == 200
    assert (await (await desk.signed_out()).get("/desk/content")).status_code == 303
