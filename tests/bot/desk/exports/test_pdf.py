"""One referral on paper: safe contact before any number, every answer's words, and nothing runs."""

import io
import logging

import pytest
from pypdf import PdfReader
from sqlalchemy import update

from bot.desk.exports.pdf import FONTS, pdf_of, printable_text
from bot.desk.exports.printout import Printout, PrintRow, PrintSection
from flows.casework import Act
from flows.vocabulary import Flag
from storage import logbook
from storage.referrals import acts, lifecycle
from storage.tables import REFERRAL
from tests.harness.clock import START
from tests.harness.desk_fixtures import DeskApp
from tests.support.full_referral import ANSWERS, NUMBER, add_full_referral

REFERENCE = "ACDE-3467"


def words_of(kept: bytes) -> str:
    """Return all words of a PDF, in the order they stand, parted by single spaces."""
    pages = PdfReader(io.BytesIO(kept)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


async def test_every_answer_is_in_it_and_the_safe_way_stands_before_the_number(
    desk: DeskApp,
) -> None:
    add_full_referral(desk.database, REFERENCE, owner="mira")
    mira = await desk.signed_in("mediator", "mira")
    answer = await mira.get(f"/desk/r/{REFERENCE}/pdf")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    words = words_of(answer.content)
    for key, (_, label) in ANSWERS.items():
        seen = label if key not in ("note", "needs") else label.split()[0]
        assert seen in words, key
    assert "[U+202E]evil" in words
    assert "\u041a\u0438\u0457\u0432" in words
    assert 0 < words.index("How to make contact safely") < words.index(NUMBER)
    assert words.index("Say nothing") < words.index(NUMBER)
    assert words.count(NUMBER) == 1
    assert "Produced by mira" in words


async def test_nothing_in_a_pdf_can_be_pressed_or_run(desk: DeskApp) -> None:
    add_full_referral(desk.database, REFERENCE, owner="mira")
    mira = await desk.signed_in("mediator", "mira")
    kept = (await mira.get(f"/desk/r/{REFERENCE}/pdf")).content
    reader = PdfReader(io.BytesIO(kept))
    assert [page.get("/Annots") for page in reader.pages] == [None] * len(reader.pages)
    for word in (b"/JavaScript", b"/JS", b"/OpenAction", b"/Launch", b"/URI", b"/EmbeddedFile"):
        assert word not in kept.replace(b"/OpenAction [", b"")


async def test_the_page_to_print_has_the_same_in_it(desk: DeskApp) -> None:
    add_full_referral(desk.database, REFERENCE, owner="mira")
    mira = await desk.signed_in("mediator", "mira")
    page = await mira.get(f"/desk/r/{REFERENCE}/print")
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert page.text.index("How to make contact safely") < page.text.index(NUMBER)
    assert page.text.index("Say nothing") < page.text.index(NUMBER)


async def test_only_its_owner_takes_it_and_each_time_is_a_line(desk: DeskApp) -> None:
    add_full_referral(desk.database, REFERENCE, owner="mira")
    for role, name in (("mediator", "omar"), ("coordinator", "carys"), ("administrator", "ada")):
        other = await desk.signed_in(role, name)
        for how in ("print", "pdf"):
            answer = await other.get(f"/desk/r/{REFERENCE}/{how}")
            assert answer.status_code == 403
            assert NUMBER not in answer.text
    mira = await desk.signed_in("mediator", "mira")
    for how in ("print", "pdf"):
        await mira.get(f"/desk/r/{REFERENCE}/{how}")
    with desk.database.reading() as unit:
        lines = logbook.list_logbook_lines(unit, REFERENCE)
    assert [(one.actor, one.action) for one in lines if not one.refused] == [
        ("mira", "pdf"),
        ("mira", "print"),
    ]
    assert len([one for one in lines if one.refused]) == 6


async def test_where_no_contact_may_be_made_there_is_no_number(desk: DeskApp) -> None:
    add_full_referral(desk.database, REFERENCE)
    with desk.database.unit(START) as unit:
        lifecycle.stop_contact(unit, REFERENCE, Act.ASK_TO_DELETE)
        acts.perform_act(unit, REFERENCE, "still_wanted", "mira")
        acts.claim(unit, REFERENCE, "mira")
        lifecycle.raise_flag(unit, REFERENCE, Flag.GOING_ON)
    mira = await desk.signed_in("mediator", "mira")
    assert NUMBER in words_of((await mira.get(f"/desk/r/{REFERENCE}/pdf")).content)
    with desk.database.unit() as unit:
        unit.conn.execute(update(REFERRAL).values(may_contact=False))
    for how in ("print", "pdf"):
        answer = await mira.get(f"/desk/r/{REFERENCE}/{how}")
        words = words_of(answer.content) if how == "pdf" else answer.text
        assert NUMBER not in words


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "\0\x1b\x85",
        "x" * 4096,
        "\u0645\u0631\u062d\u0628\u0627 " * 300,
        "\u05d0(1)\u05d1",
        "\U0001f468\u200d\U0001f469",
        "\ud800",
        "\u6f22\u5b57",
        "a\tb\r\nc\u2028d",
        "\u202e\u2066" * 50,
        "{nb} ||| ~~ -- \\",
        "\u0301" * 50,
        "\uffff",
        " " * 5000,
    ],
)
def test_any_words_can_be_written(text: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    paper = Printout(
        "ACDE-3467", (text,), (PrintSection(text, (PrintRow(text, text),)),), text[:200]
    )
    assert pdf_of(paper, START).startswith(b"%PDF")
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


def test_letters_that_cannot_be_drawn_are_replaced_visibly() -> None:
    letters = {ord(one) for one in "ab"}
    assert (
        printable_text("a\u6f22b\0\u202e\u00a0\U0001f600", letters)
        == "a[U+6F22]b[U+0000][U+202E] [U+1F600]"
    )


def test_hebrew_stands_from_the_right() -> None:
    paper = Printout("x", ("\u05e9\u05dc\u05d5\u05dd 07700 900123",), (), "")
    assert "07700 900123"[:5] in words_of(pdf_of(paper, START))


def test_the_font_comes_with_its_licence() -> None:
    assert "Bitstream Vera" in (FONTS / "LICENSE.txt").read_text("utf-8")
