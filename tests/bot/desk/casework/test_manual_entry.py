"""Staff take down what came by phone or on paper: the same questions, rules and record."""

import re
from collections.abc import AsyncIterator
from html import unescape

import httpx
import pytest

from bot.desk.guard import SESSION_COOKIE
from bot.desk.permissions import Role
from bot.web.cookies import cookie_name
from storage import logbook
from storage.accounts import sign_ins, staff
from storage.accounts.sign_ins import SignInMethod
from storage.database import Database
from tests.harness.app import build_app
from tests.harness.clock import START, FakeClock
from tests.harness.pages_app import PAGES_URL, PagesApp, field_value, open_pages

BY_PHONE = {
    "age": "adult",
    "wish": "take_part",
    "harm": "theft",
    "known": "no",
    "their_age": "adult",
    "name": "Alex Marsh",
    "way": "call",
    "number": "07700 900123",
    "if_answered": "no_message",
}
ON_PAPER = {
    "agreed": "colleague_earlier",
    "victim_gender": "woman",
    "victim_known": "no",
    "willing": "yes",
    "interested": "yes",
    "contacted": "no",
    "offender_gender": "man",
    "offence": "damage",
    "officer_name": "PC Jo Marsh",
    "officer_agency": "Kent Police",
    "officer_contact": "jo.marsh@kent.example",
    "line": "46/12345/26",
    "victim_name": "Rosa Diaz",
    "victim_contact": "07700 900222",
}


@pytest.fixture
async def site(database: Database, clock: FakeClock) -> AsyncIterator[PagesApp]:
    running = build_app(database, public_url=PAGES_URL)
    async with open_pages(running, clock) as made:
        yield made


def signed_in(site: PagesApp, role: Role = Role.MEDIATOR, name: str = "mira") -> httpx.AsyncClient:
    running = site.running
    with running.runtime.database.unit(START) as unit:
        code = staff.invite_staff(unit, name, role, "ada")
        id = staff.redeem_staff_invitation(unit, code)
        assert id
        token = sign_ins.begin_sign_in(unit, id, SignInMethod.PASSWORD)
    browser = site.browser()
    browser.cookies.set(
        cookie_name(SESSION_COOKIE, secure=True), token, domain="pages.example", path="/"
    )
    return browser


async def open_check_page(
    browser: httpx.AsyncClient,
    journey_name: str,
    source: str,
    answers: dict[str, str],
    do: str = "check",
) -> httpx.Response:
    page = await browser.get(f"/desk/new?who={journey_name}&door={source}")
    return await browser.post("/desk/new", data={**hidden_fields(page), **answers, "do": do})


def hidden_fields(page: httpx.Response) -> dict[str, str]:
    names = re.findall(r'type="hidden" name="([a-z_]+)"', page.text)
    return {name: unescape(field_value(page, name)) for name in names}


async def confirm_entry(browser: httpx.AsyncClient, check: httpx.Response) -> httpx.Response:
    agreed = {"agreed_aloud": "yes", "do": "send"}
    return await browser.post("/desk/new", data={**hidden_fields(check), **agreed})


async def test_a_call_is_entered_read_out_and_sent(site: PagesApp) -> None:
    browser = signed_in(site)
    assert "Whose words is it?" in (await browser.get("/desk/new")).text
    check = await open_check_page(browser, "self", "phone", BY_PHONE)
    assert check.status_code == 200
    assert "What you tell me goes to trained staff." in check.text
    assert "Alex Marsh" in check.text
    done = await confirm_entry(browser, check)
    (record,) = site.sent_records()
    assert record.reference in done.text
    assert (record.source, record.typed_by, record.journey) == ("phone", "mira", "self")
    assert {line.answered_by for line in record.lines if line.answered_at} == {"mira"}
    assert record.consent.startswith("What you tell me goes to trained staff.")
    assert record.may_contact
    told = {line.question: line.value for line in record.safe_contact}
    assert (told["number"], told["if_answered"]) == ("+447700900123", "no_message")


async def test_paper_of_an_officer(site: PagesApp) -> None:
    browser = signed_in(site)
    check = await open_check_page(browser, "officer", "paper", ON_PAPER)
    await confirm_entry(browser, check)
    (record,) = site.sent_records()
    assert (record.source, record.typed_by) == ("paper", "mira")
    assert (record.officer_name, record.officer_verified) == ("PC Jo Marsh", False)
    assert "not_verified" in record.flags
    told = {line.question: line.value for line in record.lines}
    assert told["victim_name"] == "Rosa Diaz"


async def test_nothing_is_sent_until_they_agreed(site: PagesApp) -> None:
    browser = signed_in(site)
    check = await open_check_page(browser, "self", "phone", BY_PHONE)
    again = await browser.post("/desk/new", data={**hidden_fields(check), "do": "send"})
    assert again.status_code == 422
    assert "Tick the box once they have agreed." in again.text
    assert site.sent_records() == []
    back = await browser.post("/desk/new", data={**hidden_fields(check), "do": "change"})
    assert field_value(back, "name") == "Alex Marsh"
    assert field_value(back, "email") == ""
    await confirm_entry(browser, again)
    assert len(site.sent_records()) == 1


async def test_sent_twice_is_sent_once(site: PagesApp) -> None:
    browser = signed_in(site)
    check = await open_check_page(browser, "self", "phone", BY_PHONE)
    first, second = await confirm_entry(browser, check), await confirm_entry(browser, check)
    (record,) = site.sent_records()
    assert record.reference in first.text
    assert record.reference in second.text


async def test_what_is_missing_or_wrong_is_said(site: PagesApp) -> None:
    browser = signed_in(site)
    answers = {**BY_PHONE, "wish": "", "number": "12", "harm": "nonsense"}
    page = await open_check_page(browser, "self", "phone", answers)
    assert page.status_code == 422
    for key in ("wish", "number", "harm"):
        assert f'href="#{key}"' in page.text
    assert field_value(page, "name") == "Alex Marsh"


async def test_the_rules_are_the_chats_own(site: PagesApp) -> None:
    browser = signed_in(site)
    page = await open_check_page(browser, "officer", "paper", {**ON_PAPER, "agreed": "no"})
    assert page.status_code == 422
    assert "Please speak to them first." in page.text
    assert site.sent_records() == []


async def test_nobody_can_be_messaged_where_they_rang_from(site: PagesApp) -> None:
    page = await signed_in(site).get("/desk/new?who=self&door=phone")
    assert 'value="i_will_call"' in page.text
    assert 'value="here"' not in page.text


async def test_an_administrator_and_a_stranger_enter_nothing(site: PagesApp) -> None:
    administrator = signed_in(site, Role.ADMINISTRATOR, "ada")
    assert (await administrator.get("/desk/new")).status_code == 403
    stranger = await site.browser().post("/desk/new", data={"do": "send"}, follow_redirects=False)
    assert (stranger.status_code, site.sent_records()) == (303, [])


async def test_it_is_written_in_the_logbook(site: PagesApp) -> None:
    browser = signed_in(site)
    await confirm_entry(browser, await open_check_page(browser, "self", "phone", BY_PHONE))
    with site.running.runtime.database.reading() as unit:
        lines = [(one.actor, one.action) for one in logbook.list_logbook_lines(unit)]
    assert ("mira", "take_down") in lines


async def test_a_foreign_choice_asks_again(site: PagesApp) -> None:
    browser = signed_in(site)
    page = await browser.get("/desk/new?who=nobody&door=window")
    assert "Choose how it came, and whose words it is." in page.text
    foreign = {"csrf": field_value(page, "csrf"), "who": "callback", "door": "phone"}
    assert "Whose words is it?" in (await browser.post("/desk/new", data=foreign)).text
