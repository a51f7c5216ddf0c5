"""Lists that staff take away: with a reason, with a second person, once, and all written down."""

import csv
import io
from datetime import timedelta

import pytest
from openpyxl import load_workbook

from bot.desk.exports.spreadsheets import unescape_formula
from flows.casework import Act
from flows.vocabulary import Queue
from storage import logbook
from storage.logbook import LogbookLine
from storage.referrals import lifecycle
from storage.reports import exports
from tests.harness.clock import START
from tests.harness.desk_fixtures import DeskApp, DeskBrowser
from tests.support.full_referral import HOSTILE_TEXT, NUMBER, add_full_referral

PAGE = "/desk/exports"
ASKED = {"view": "all", "why": "meeting", "form": "csv"}
LETTERS = "ACDEFGHJKMNPQRTVWXY34679"


def add_referrals(desk: DeskApp, n: int, queue: Queue = Queue.ADULTS) -> list[str]:
    """Have some referrals; return their references."""
    names = [f"ACDE-{LETTERS[k // 24]}{LETTERS[k % 24]}{queue[0].upper()}A" for k in range(n)]
    for name in names:
        add_full_referral(desk.database, name, queue=queue, sent_at=START - timedelta(hours=1))
    return names


def newest_export_id(desk: DeskApp) -> str:
    """Return the id of the newest request."""
    with desk.database.reading() as unit:
        every = [
            *exports.exports_requested_by(unit, "mira"),
            *exports.exports_requested_by(unit, "carys"),
        ]
    return max(every, key=lambda one: one.requested_at).id


def logbook_entries(desk: DeskApp, about: str) -> list[LogbookLine]:
    """Return the logbook about one thing, the oldest first."""
    with desk.database.reading() as unit:
        return logbook.list_logbook_lines(unit, about)[::-1]


def rows(text: bytes) -> list[list[str]]:
    """Return the rows of a CSV, with the guard taken off."""
    found = csv.reader(io.StringIO(text.decode("utf-8-sig"), newline=""), strict=True)
    return [[unescape_formula(cell) for cell in row] for row in found]


async def download(browser: DeskBrowser, id: str) -> bytes:
    """Take a list and return it."""
    answer = await browser.submit_form(PAGE, f"{PAGE}/{id}/take")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "attachment" in answer.headers["content-disposition"]
    return answer.content


async def test_a_short_list_without_details_is_taken_alone_and_once(desk: DeskApp) -> None:
    names = add_referrals(desk, 3)
    mira = await desk.signed_in("mediator", "mira")
    asked = await mira.submit_form(PAGE, PAGE, **ASKED)
    assert asked.headers["location"] == f"{PAGE}?told=ready"
    id = newest_export_id(desk)
    head, *body, last = rows(await download(mira, id))
    assert head[:3] == ["Reference", "Queue", "Stage"]
    assert sorted(row[0] for row in body) == sorted(names)
    assert {len(row) for row in (head, *body, last)} == {len(head)}
    assert "Downloaded by mira" in last[0]
    assert "For a team meeting." in last[0]
    assert "2026-" in last[0]
    text = str(body)
    assert NUMBER not in text
    assert "Zofia" not in text
    again = await mira.post(f"{PAGE}/{id}/take")
    assert again.status_code == 409
    assert [(one.action, one.reason, one.refused) for one in logbook_entries(desk, id)] == [
        ("export_asked", "meeting", False),
        ("export_taken", "3 rows", False),
        ("export_taken", "over", True),
    ]


async def test_a_long_list_needs_a_second_person(desk: DeskApp) -> None:
    add_referrals(desk, 21)
    mira = await desk.signed_in("mediator", "mira")
    carys = await desk.signed_in("coordinator", "carys")
    omar = await desk.signed_in("mediator", "omar")
    await mira.submit_form(PAGE, PAGE, **ASKED)
    id = newest_export_id(desk)
    alone = await mira.post(f"{PAGE}/{id}/take")
    assert alone.status_code == 403
    assert "second person" in alone.text
    assert (await mira.post(f"{PAGE}/{id}/agree")).status_code == 403
    assert (await omar.post(f"{PAGE}/{id}/agree")).status_code == 403
    shown = await carys.get(PAGE)
    assert "mira requested it at" in shown.text
    agreed = await carys.submit_form(PAGE, f"{PAGE}/{id}/agree")
    assert agreed.headers["location"].endswith("told=agreed")
    assert (await carys.post(f"{PAGE}/{id}/take")).status_code == 403
    assert len(rows(await download(mira, id))) == 23
    assert [(one.actor, one.action) for one in logbook_entries(desk, id) if not one.refused] == [
        ("mira", "export_asked"),
        ("carys", "export_agreed"),
        ("mira", "export_taken"),
    ]


async def test_details_are_for_coordinators_and_never_alone(desk: DeskApp) -> None:
    (name,) = add_referrals(desk, 1)
    mira = await desk.signed_in("mediator", "mira")
    carys = await desk.signed_in("coordinator", "carys")
    cerys = await desk.signed_in("coordinator", "cerys")
    assert 'id="details"' not in (await mira.get(PAGE)).text
    assert (await mira.post(PAGE, **ASKED, details="yes")).status_code == 403
    await carys.submit_form(PAGE, PAGE, **ASKED, details="yes")
    id = newest_export_id(desk)
    assert (await carys.post(f"{PAGE}/{id}/agree")).status_code == 403
    assert (await carys.post(f"{PAGE}/{id}/take")).status_code == 403
    await cerys.submit_form(PAGE, f"{PAGE}/{id}/agree")
    head, row, last = rows(await download(carys, id))
    assert HOSTILE_TEXT in row
    assert NUMBER in str(row)
    assert row.index(next(one for one in row if "Say nothing" in one)) < row.index(
        next(one for one in row if NUMBER in one)
    )
    assert len(head) == len(row) == len(last)
    assert [(one.actor, one.action, one.reason) for one in logbook_entries(desk, name)] == [
        ("carys", "read", "export")
    ]


async def test_where_contact_is_barred_a_list_has_no_number(desk: DeskApp) -> None:
    (name,) = add_referrals(desk, 1)
    with desk.database.unit(START) as unit:
        lifecycle.stop_contact(unit, name, Act.WITHDRAW)
    carys = await desk.signed_in("coordinator", "carys")
    cerys = await desk.signed_in("coordinator", "cerys")
    await carys.submit_form(PAGE, PAGE, **ASKED, details="yes")
    await cerys.submit_form(PAGE, f"{PAGE}/{newest_export_id(desk)}/agree")
    _, row, _ = rows(await download(carys, newest_export_id(desk)))
    assert NUMBER not in str(row)
    assert "MAKE NO CONTACT." in str(row)


async def test_a_workbook_holds_the_same_and_no_formula(desk: DeskApp) -> None:
    names = add_referrals(desk, 2)
    mira = await desk.signed_in("mediator", "mira")
    await mira.submit_form(PAGE, PAGE, **{**ASKED, "form": "xlsx"})
    sheet = load_workbook(io.BytesIO(await download(mira, newest_export_id(desk)))).active
    assert sheet is not None
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert [cell for cell in cells if cell.data_type == "f"] == []
    assert sorted(str(row[0].value) for row in sheet.iter_rows(2, 3)) == sorted(names)


async def test_everybody_sees_only_their_queues(desk: DeskApp) -> None:
    adults, young = add_referrals(desk, 2), add_referrals(desk, 1, Queue.YOUNG_PEOPLE)
    for role, name, expected in (
        ("mediator", "mira", adults),
        ("young_people", "yusuf", young),
        ("coordinator", "carys", [*adults, *young]),
    ):
        browser = await desk.signed_in(role, name)
        await browser.submit_form(PAGE, PAGE, **ASKED)
        with desk.database.reading() as unit:
            id = exports.exports_requested_by(unit, name)[0].id
        found = rows(await download(browser, id))
        assert sorted(row[0] for row in found[1:-1]) == sorted(expected)
    mira = await desk.signed_in("mediator", "mira")
    assert (await mira.post(PAGE, **ASKED, queue="young_people")).status_code == 422
    ada = await desk.signed_in("administrator", "ada")
    assert (await ada.get(PAGE)).status_code == 403


async def test_a_list_is_gone_after_a_day_and_a_no_is_a_no(desk: DeskApp) -> None:
    add_referrals(desk, 21)
    mira = await desk.signed_in("mediator", "mira")
    carys = await desk.signed_in("coordinator", "carys")
    await mira.submit_form(PAGE, PAGE, **ASKED)
    first = newest_export_id(desk)
    await carys.submit_form(PAGE, f"{PAGE}/{first}/refuse")
    assert (await mira.post(f"{PAGE}/{first}/take")).status_code == 409
    assert (await carys.post(f"{PAGE}/{first}/agree")).status_code == 409
    assert "carys refused it" in (await mira.get(PAGE)).text
    desk.clock.advance(minutes=1)
    await mira.submit_form(PAGE, PAGE, **ASKED)
    second = newest_export_id(desk)
    await carys.submit_form(PAGE, f"{PAGE}/{second}/agree")
    desk.clock.advance(hours=25)
    mira = await desk.signed_in("mediator", "mira")
    assert (await mira.post(f"{PAGE}/{second}/take")).status_code == 409


async def test_a_list_never_grows_behind_the_back_of_whoever_agreed(desk: DeskApp) -> None:
    add_referrals(desk, 2)
    mira = await desk.signed_in("mediator", "mira")
    await mira.submit_form(PAGE, PAGE, **ASKED)
    add_full_referral(desk.database, "ZZZZ-3467", sent_at=START + timedelta(seconds=5))
    assert len(rows(await download(mira, newest_export_id(desk)))) == 4
    desk.clock.advance(minutes=1)
    await mira.submit_form(PAGE, PAGE, **ASKED)
    id = newest_export_id(desk)
    add_full_referral(desk.database, "ZZZZ-4467", sent_at=START)
    grown = await mira.post(f"{PAGE}/{id}/take")
    assert (grown.status_code, "longer" in grown.text) == (409, True)
    with desk.database.reading() as unit:
        assert exports.exports_requested_by(unit, "mira")[0].collected_at is None


async def test_somebody_elses_list_cannot_be_taken(desk: DeskApp) -> None:
    add_referrals(desk, 1)
    mira = await desk.signed_in("mediator", "mira")
    omar = await desk.signed_in("mediator", "omar")
    await mira.submit_form(PAGE, PAGE, **ASKED)
    assert (await omar.post(f"{PAGE}/{newest_export_id(desk)}/take")).status_code == 403
    assert (await omar.post(f"{PAGE}/nothing/take")).status_code == 403


@pytest.mark.parametrize(
    ("field", "value", "wrong"),
    [
        ("view", "everything", "view"),
        ("why", "", "why"),
        ("why", "other", "words"),
        ("form", "exe", "form"),
        ("since", "22/11/2026", "since"),
        ("before", "2026-13-01", "before"),
        ("words", "x" * 301, "words"),
        ("queue", "<script>", "queue"),
    ],
)
async def test_what_does_not_fit_is_said_beside_its_field(
    desk: DeskApp, field: str, value: str, wrong: str
) -> None:
    mira = await desk.signed_in("mediator", "mira")
    answer = await mira.submit_form(PAGE, PAGE, **{**ASKED, field: value})
    assert answer.status_code == 422
    assert f'href="#{wrong}"' in answer.text
    assert f'id="{wrong}-error"' in answer.text
    assert "<script>" not in answer.text.replace('<script type="module"', "")


async def test_days_narrow_a_list(desk: DeskApp) -> None:
    add_referrals(desk, 1)
    add_full_referral(desk.database, "ZZZZ-3467", sent_at=START - timedelta(days=40))
    day = (START - timedelta(days=30)).date().isoformat()
    mira = await desk.signed_in("mediator", "mira")
    await mira.submit_form(PAGE, PAGE, **ASKED, before=day)
    assert [row[0] for row in rows(await download(mira, newest_export_id(desk)))[1:-1]] == [
        "ZZZZ-3467"
    ]


async def test_what_was_written_about_why_is_kept_sealed(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    await mira.submit_form(
        PAGE, PAGE, **{**ASKED, "why": "other", "words": "For the yearly letter"}
    )
    with desk.database.unit() as unit:
        kept = unit.conn.exec_driver_sql("SELECT * FROM export").one()
    assert "yearly" not in str(kept)
    assert "yearly" in (rows(await download(mira, newest_export_id(desk)))[-1][0])
