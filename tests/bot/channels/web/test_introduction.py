"""Two keys: an officer shows a code, and the person's own tap in their own browser is the other."""

from collections.abc import AsyncIterator

import httpx
import pytest

from flows.wording import say
from storage.chats.one_time_links import LinkKind
from storage.database import Database
from tests.harness.app import build_app
from tests.harness.clock import FakeClock
from tests.harness.pages_app import PAGES_URL, PagesApp, field_value, open_pages
from tests.support.cast import SAM
from tests.support.happy_path import happy_path
from tests.support.page_parser import parse_page


@pytest.fixture
async def site(database: Database, clock: FakeClock) -> AsyncIterator[PagesApp]:
    running = build_app(database, public_url=PAGES_URL)
    async with open_pages(running, clock) as made:
        yield made


async def shown_code_path(site: PagesApp, line: str = "46/12345/26") -> str:
    """Return the path behind the code on the officer's page."""
    assert SAM.officer
    browser = site.browser()
    page = await browser.post(site.invite(SAM.officer))
    hidden = {name: field_value(page, name) for name in ("csrf", "once", "after")}
    shown = await browser.post("/officer", data={**hidden, "line": line, "do": "code"})
    assert shown.status_code == 200
    assert "<svg" in shown.text
    assert "It works once, for 15 minutes." in shown.text
    return "/k/" + shown.text.split(f"{PAGES_URL}/k/")[1].split("<")[0].strip()


async def follow_path(browser: httpx.AsyncClient, page: httpx.Response) -> None:
    """Go the way of a person harmed from the hello to Send, on the pages of the chat."""
    for step in happy_path():
        label = "Start, it is my choice" if step == happy_path()[0] else step.press
        action, fields = parse_page(page.text).submission_for(label or say("en", "web.chat.send"))
        page = await browser.post(action, data={**fields, **({} if label else {"say": step.say})})


async def test_the_persons_own_send_makes_the_referral(site: PagesApp) -> None:
    path = await shown_code_path(site)
    browser = site.browser()
    for _ in range(3):
        looked = await browser.get(path)
        assert "It is your own choice." in looked.text
    page = await browser.post(path)
    assert "PC Sam Reed, Kent Police told you about us." in page.text
    assert site.sent_records() == []
    await follow_path(browser, page)
    (record,) = site.sent_records()
    assert (record.journey, record.source) == ("self", "web")
    assert "introduced" in record.flags
    assert (record.officer_name, record.officer_verified) == ("PC Sam Reed", True)
    assert ("46/12345/26", "officer") in [(line.value, line.answered_by) for line in record.lines]
    assert "By pressing Send you agree" in record.consent


async def test_a_code_works_once_for_15_minutes_and_wrong_ones_answer_the_same(
    site: PagesApp, clock: FakeClock
) -> None:
    used, old = await shown_code_path(site), await shown_code_path(site)
    await site.browser().post(used)
    clock.advance(minutes=16)
    quiet = site.make_link(LinkKind.PRIVATE_PAGE, "web", "417")
    stranger, answers = site.browser(), set()
    for path in (used, old, f"/k/{quiet}", "/k/guess"):
        for answer in (await stranger.get(path), await stranger.post(path)):
            assert answer.status_code == 404
            answers.add(answer.text)
    (told,) = answers
    assert "ask the officer to show you a new code" in told
    assert "type: show" not in told
    assert not stranger.cookies


async def test_a_code_without_a_reference_adds_no_line(site: PagesApp) -> None:
    path = await shown_code_path(site, line="")
    browser = site.browser()
    await follow_path(browser, await browser.post(path))
    (record,) = site.sent_records()
    assert "line" not in [line.question for line in record.lines]
    assert "introduced" in record.flags


async def test_what_is_no_reference_is_said_before_a_code_is_shown(site: PagesApp) -> None:
    assert SAM.officer
    browser = site.browser()
    page = await browser.post(site.invite(SAM.officer))
    hidden = {name: field_value(page, name) for name in ("csrf", "once", "after")}
    typed = {"line": "the burglary in Mill Lane", "do": "code"}
    again = await browser.post("/officer", data={**hidden, **typed})
    assert again.status_code == 422
    assert 'href="#line"' in again.text
