"""The private page: from Telegram to a small page and back; nothing typed there is in the chat."""

from collections.abc import AsyncIterator

import httpx
import pytest

from storage.chats.inbox import InboxStage
from storage.chats.one_time_links import LinkKind
from storage.database import Database
from tests.harness.pages_app import AFTER_LINK_EXPIRY, PAGES_URL, PagesApp, field_value
from tests.harness.telegram_app import (
    TelegramApp,
    follow_path,
    open_telegram_app,
    press_buttons,
    type_texts,
)
from tests.support.cast import SAM
from tests.support.happy_path import PathStep, happy_path, steps_before
from tests.telegram_server import TelegramServer, TelegramUser

OFFICERS_TAPS = (
    *("Refer someone", "Yes, I asked today", "Woman", "No", "Yes", "Yes", "No", "Man"),
    "Burglary or theft",
)
PAGE_BUTTON, DETAILS_BUTTON, CODE_BUTTON = (
    "Type it on a private page",
    "Names on a private page",
    "With me now: show a code",
)
PRIVATE = ("Rosa", "900222", "07700")


@pytest.fixture
async def rig(
    server: TelegramServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[TelegramApp]:
    async with open_telegram_app(server, database, monkeypatch, public_url=PAGES_URL) as made:
        yield made


@pytest.fixture
async def site(rig: TelegramApp) -> AsyncIterator[PagesApp]:
    async with rig.answering_pages() as pages:
        yield pages


def path_of(person: TelegramUser) -> str:
    """Return the path of the page that a person's button opened last."""
    url = person.opened[-1]
    assert url.startswith(f"{PAGES_URL}/q/")
    return url.removeprefix(PAGES_URL)


async def officer_at_check(rig: TelegramApp, site: PagesApp) -> TelegramUser:
    """Return an invited officer on Telegram with a whole card."""
    assert SAM.officer
    sam = rig.server.person("Sam")
    code = site.invite(SAM.officer).rpartition("/")[2]
    await type_texts(rig, sam, f"/start i_{code}")
    await press_buttons(rig, sam, *OFFICERS_TAPS)
    await type_texts(rig, sam, "46/12345/26")
    return sam


async def person_asked_name(rig: TelegramApp) -> TelegramUser:
    """Return somebody who is asked for their name."""
    maya = rig.server.person("Maya")
    await follow_path(rig, maya, steps_before("name"))
    return maya


async def open_page(browser: httpx.AsyncClient, path: str) -> httpx.Response:
    """Return the form behind a link, after looking at it first."""
    looked = await browser.get(path)
    assert looked.status_code == 200
    assert (await browser.get(path)).status_code == 200
    return await browser.post(path)


def everything_sent(rig: TelegramApp) -> str:
    return "\n".join(f"{one.text} {one.labels}" for one in rig.server.sent)


async def test_an_officers_details_go_by_the_page_and_the_chat_goes_on(
    rig: TelegramApp, site: PagesApp
) -> None:
    sam = await officer_at_check(rig, site)
    await press_buttons(rig, sam, DETAILS_BUTTON)
    browser = site.browser()
    page = await open_page(browser, path_of(sam))
    assert 'name="victim_name"' in page.text
    details = {
        "page": field_value(page, "page"),
        "victim_name": "Rosa Diaz",
        "victim_contact": "07700 900222",
        "victim_message": "no_message",
    }
    kept = await browser.post("/q", data=details)
    assert "Go back to your chat." in kept.text
    assert kept.headers["clear-site-data"] == '"cache", "storage"'
    assert kept.headers["cache-control"] == "no-store"
    await rig.settle()
    assert sam.last_from_bot.text.startswith("Quick referral")
    assert "By pressing Send" in sam.last_from_bot.text
    await press_buttons(rig, sam, "Send to the service")
    (record,) = site.sent_records()
    told = {line.question: line.label for line in record.lines}
    assert (told["victim_name"], told["victim_contact"]) == ("Rosa Diaz", "07700 900222")
    assert record.source == "telegram"
    for private in PRIVATE:
        assert private not in everything_sent(rig)


async def test_a_person_types_a_name_on_the_page_and_the_next_question_comes(
    rig: TelegramApp, site: PagesApp
) -> None:
    maya = await person_asked_name(rig)
    await press_buttons(rig, maya, PAGE_BUTTON)
    browser = site.browser()
    page = await open_page(browser, path_of(maya))
    await browser.post("/q", data={"page": field_value(page, "page"), "name": "Mayabelle"})
    await rig.settle()
    assert "Which way is safe" in maya.last_from_bot.text
    assert "Mayabelle" not in everything_sent(rig)
    assert any(answer.value == "Mayabelle" for answer in rig.conversation_of(maya).answers)


async def test_the_number_keeps_its_keyboard_and_gets_a_link_beside_it(
    rig: TelegramApp, site: PagesApp
) -> None:
    maya = await person_asked_name(rig)
    await type_texts(rig, maya, "Maya")
    await press_buttons(rig, maya, "Call me")
    assert any("Share my number" in row for row in maya.keyboard)
    await press_buttons(rig, maya, PAGE_BUTTON)
    page = await open_page(site.browser(), path_of(maya))
    assert 'name="number"' in page.text


async def test_what_cannot_be_read_is_said_and_the_page_stays_good(
    rig: TelegramApp, site: PagesApp
) -> None:
    sam = await officer_at_check(rig, site)
    await press_buttons(rig, sam, DETAILS_BUTTON)
    browser = site.browser()
    page = await open_page(browser, path_of(sam))
    mark = field_value(page, "page")
    empty = await browser.post("/q", data={"page": mark})
    assert (empty.status_code, "Type in one of the boxes first." in empty.text) == (422, True)
    wrong = {"page": mark, "victim_name": "Rosa Diaz", "victim_contact": "123"}
    again = await browser.post("/q", data=wrong)
    assert again.status_code == 422
    assert 'href="#victim_contact"' in again.text
    assert field_value(again, "victim_name") == "Rosa Diaz"
    right = {**wrong, "victim_contact": "07700 900222"}
    assert (await browser.post("/q", data=right)).status_code == 200
    assert (await browser.post("/q", data=right)).status_code == 404
    await rig.settle()
    await press_buttons(rig, sam, "Send to the service")
    (record,) = site.sent_records()
    assert [line.value for line in record.lines if line.question == "victim_name"] == ["Rosa Diaz"]


async def test_danger_on_the_page_is_answered_in_the_chat(rig: TelegramApp, site: PagesApp) -> None:
    maya = await person_asked_name(rig)
    await press_buttons(rig, maya, PAGE_BUTTON)
    browser = site.browser()
    page = await open_page(browser, path_of(maya))
    words = "he is here now with a knife and will kill me"
    await browser.post("/q", data={"page": field_value(page, "page"), "name": words})
    await rig.settle()
    assert "999" in everything_sent(rig)
    assert "danger_immediate_danger" in rig.conversation_of(maya).flags


async def test_after_a_draft_was_deleted_the_page_keeps_nothing(
    rig: TelegramApp, site: PagesApp
) -> None:
    maya = await person_asked_name(rig)
    await press_buttons(rig, maya, PAGE_BUTTON)
    browser = site.browser()
    page = await open_page(browser, path_of(maya))
    await type_texts(rig, maya, "/delete")
    await browser.post("/q", data={"page": field_value(page, "page"), "name": "Mayabelle"})
    await rig.settle()
    assert rig.conversation_of(maya).answers == ()


async def test_a_thousand_wrong_links_answer_the_same(
    rig: TelegramApp, site: PagesApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site.running.runtime.limiter, "allow", lambda *_: True)
    used, old = (site.make_link(LinkKind.PRIVATE_PAGE, "telegram", "417") for _ in range(2))
    browser = site.browser()
    await browser.post(f"/q/{used}")
    rig.server.clock.advance(AFTER_LINK_EXPIRY)
    foreign = site.make_link(LinkKind.RESUME, "telegram", "417")
    answers = set()
    for n in range(1000):
        code = (used, old, foreign, f"guess-{n}")[n % 4]
        answer = await (browser.post(f"/q/{code}") if n % 8 else browser.get(f"/q/{code}"))
        assert answer.status_code == 404
        answers.add(answer.text)
    for code in (used, old, foreign, "guess", ""):
        answer = await browser.post("/q", data={"page": code, "name": "Alex"})
        answers.add(answer.text)
    assert len(answers) == 1
    assert rig.inbox_count(InboxStage.WAITING) == 0


async def test_too_many_tries_from_one_address_have_to_wait(site: PagesApp) -> None:
    browser = site.browser()
    last = [await browser.get(f"/q/{n}") for n in range(31)][-1]
    assert last.status_code == 429
    assert last.headers["retry-after"] == "60"


async def test_without_an_address_of_its_own_there_is_no_such_button(
    server: TelegramServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_telegram_app(server, database, monkeypatch) as rig:
        await person_asked_name(rig)
        assert PAGE_BUTTON not in everything_sent(rig)


async def test_an_officer_shows_a_code_and_the_persons_own_send_is_the_consent(
    rig: TelegramApp, site: PagesApp
) -> None:
    sam = await officer_at_check(rig, site)
    await press_buttons(rig, sam, CODE_BUTTON)
    page = await open_page(site.browser(), path_of(sam))
    assert "<svg" in page.text
    code = page.text.split(f"{PAGES_URL}/k/")[1].split("<")[0].strip()
    rosa = rig.server.person("Rosa")
    await type_texts(rig, rosa, f"/start k_{code}")
    assert "PC Sam Reed, Kent Police told you about us." in rosa.last_from_bot.text
    await press_buttons(rig, rosa, "Start, it is my choice", "Yes, and I am 18 or over")
    for step in happy_path()[2:]:
        await _fill_step(rig, rosa, step)
    (record,) = site.sent_records()
    assert record.journey == "self"
    assert "introduced" in record.flags
    assert record.officer_name == "PC Sam Reed"
    assert ("46/12345/26", "officer") in [(line.value, line.answered_by) for line in record.lines]
    again = rig.server.person("Somebody else")
    await type_texts(rig, again, f"/start k_{code}")
    assert "told you about us" not in again.last_from_bot.text


async def _fill_step(rig: TelegramApp, person: TelegramUser, step: PathStep) -> None:
    await (
        press_buttons(rig, person, step.press) if step.press else type_texts(rig, person, step.say)
    )
