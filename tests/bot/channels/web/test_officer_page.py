"""An officer's page in a browser: invited once, one form, the same rules and record as the chat."""

import asyncio
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from bot.__main__ import app
from bot.desk.casework.text_views import record_lines
from bot.pipeline import respond
from bot.pipeline.respond import answer_batch
from bot.web.fields import build_fields
from flows.conversation import Conversation
from flows.dialogue import form
from flows.vocabulary import Journey
from flows.wording import say
from storage.database import Database
from tests.harness.app import build_app, held_up
from tests.harness.clock import FakeClock
from tests.harness.pages_app import PAGES_URL, PagesApp, field_value, open_pages
from tests.support.cast import SAM
from tests.support.page_parser import parse_page

QUICK_REFERRAL = {
    "agreed": "me_today",
    "victim_gender": "woman",
    "victim_known": "no",
    "willing": "yes",
    "interested": "yes",
    "contacted": "no",
    "offender_gender": "man",
    "offence": "theft",
    "line": "46/12345/26",
    "victim_name": "Rosa Diaz",
    "victim_contact": "07700 900222",
    "victim_message": "no_message",
    "victim_age": "adult",
    "offender_age": "adult",
}
PASTED = (
    "agreed today, victim F, not known, willing, interested, not contacted, offender M, theft, "
    "46/12345/26, victim 34, Rosa Diaz lives at 4 Mill Lane"
)


@pytest.fixture
async def site(database: Database, clock: FakeClock) -> AsyncIterator[PagesApp]:
    running = build_app(database, public_url=PAGES_URL)
    async with open_pages(running, clock) as made:
        yield made


async def invited_browser(site: PagesApp) -> tuple[httpx.AsyncClient, httpx.Response]:
    """Return an officer's browser at the form."""
    assert SAM.officer
    browser = site.browser()
    path = site.invite(SAM.officer)
    assert "This link works once" in (await browser.get(path)).text
    return browser, await browser.post(path)


async def submit_form(
    browser: httpx.AsyncClient, page: httpx.Response, answers: dict[str, str], do: str = "send"
) -> httpx.Response:
    hidden = {name: field_value(page, name) for name in ("csrf", "once", "after")}
    return await browser.post("/officer", data={**hidden, **answers, "do": do})


async def test_a_whole_referral_on_one_page(site: PagesApp) -> None:
    browser, page = await invited_browser(site)
    assert page.status_code == 200
    sent = await submit_form(browser, page, QUICK_REFERRAL)
    assert sent.status_code == 200
    (record,) = site.sent_records()
    assert record.reference in sent.text
    assert "Staff will ring you by 5pm on Wednesday 4 March. Nothing" in sent.text
    assert (record.officer_name, record.officer_verified) == ("PC Sam Reed", True)
    assert (record.queue, record.source) == ("adults", "web")
    told = {line.question: line.label for line in record.lines}
    assert told["victim_name"] == "Rosa Diaz"
    assert {line.answered_by for line in record.lines if line.answered_at} == {"officer"}


async def test_the_officer_is_rung_for_details_only_where_they_are_missing(site: PagesApp) -> None:
    browser, page = await invited_browser(site)
    without = {**QUICK_REFERRAL, "victim_contact": "", "victim_message": ""}
    told = await submit_form(browser, page, without)
    assert "for what should not stand in a chat" in told.text
    again = await submit_form(browser, await browser.get("/officer?another=1"), QUICK_REFERRAL)
    assert "for what should not stand in a chat" not in again.text
    lacking, complete = (
        "\n".join(record_lines(one, [], "new", may_contact=True)) for one in site.sent_records()
    )
    assert "Ring the officer for the victim's details: PC Sam Reed" in lacking
    assert "Ring the officer first, not the person: PC Sam Reed" in complete
    assert "for the victim's details" not in complete


async def test_the_seven_labels_come_first_in_the_order_of_the_kent_form(site: PagesApp) -> None:
    _, page = await invited_browser(site)
    keys = list(dict.fromkeys(re.findall(r'name="([a-z_]+)"', page.text)))
    seven = ["victim_gender", "victim_known", "in_relationship", "willing"]
    seven += ["interested", "contacted", "offender_gender"]
    assert keys[keys.index("agreed") + 1 :][:7] == seven


async def test_what_is_missing_is_said_and_nothing_typed_is_lost(site: PagesApp) -> None:
    browser, page = await invited_browser(site)
    answers = {**QUICK_REFERRAL, "willing": "", "victim_contact": "not a number", "line": "none"}
    again = await submit_form(browser, page, answers)
    assert again.status_code == 422
    text = unescape(again.text)
    assert 'href="#willing"' in text
    assert 'href="#victim_contact"' in text
    assert "or leave it empty" in text
    assert field_value(again, "victim_name") == "Rosa Diaz"
    assert re.search(r'value="me_today" checked', again.text)
    assert site.sent_records() == []
    assert (await submit_form(browser, again, QUICK_REFERRAL)).status_code == 200
    assert len(site.sent_records()) == 1


async def test_the_rules_are_the_chats_own(site: PagesApp) -> None:
    browser, page = await invited_browser(site)
    stopped = await submit_form(browser, page, {**QUICK_REFERRAL, "agreed": "no"})
    assert "Please speak to them first." in stopped.text
    assert site.sent_records() == []
    back = await browser.get("/officer?change=1")
    assert re.search(r'value="no" checked', back.text)
    await submit_form(browser, back, QUICK_REFERRAL)
    assert len(site.sent_records()) == 1


async def test_sent_twice_is_sent_once_and_another_begins_clean(site: PagesApp) -> None:
    browser, page = await invited_browser(site)
    await submit_form(browser, page, QUICK_REFERRAL)
    again = await submit_form(browser, page, {**QUICK_REFERRAL, "offence": "fraud"})
    assert "The reference is" in again.text
    assert len(site.sent_records()) == 1
    clean = await browser.get("/officer?another=1")
    assert "checked" not in clean.text
    assert field_value(clean, "line") == ""
    await submit_form(browser, clean, {**QUICK_REFERRAL, "offence": "fraud"})
    assert [{x.question: x.value for x in r.lines}["offence"] for r in site.sent_records()] == [
        "theft",
        "fraud",
    ]


async def test_a_pasted_message_fills_the_form_and_says_so(site: PagesApp) -> None:
    browser, page = await invited_browser(site)
    answers = {"paste": PASTED, "victim_gender": "man"}
    filled = await submit_form(browser, page, answers, do="paste")
    text = unescape(filled.text)
    assert "I filled in: " in text
    assert "You had these already, so I left them: Victim gender." in text
    assert "Parts I did not use: 1." in text
    assert ">Rosa Diaz lives at 4 Mill Lane</textarea>" in text
    assert field_value(filled, "victim_name") == ""
    assert field_value(filled, "line") == "46/12345/26"
    assert re.search(r'id="victim_gender-2" value="man" checked', filled.text)
    assert site.sent_records() == []


async def test_danger_in_what_is_typed_is_answered_before_anything(site: PagesApp) -> None:
    browser, page = await invited_browser(site)
    answers = {
        **QUICK_REFERRAL,
        "willing": "",
        "victim_name": "He is going to kill her tonight with a knife",
    }
    again = await submit_form(browser, page, answers)
    assert "999" in again.text


DANGER = "he will kill her now"


async def test_danger_in_a_form_that_is_sent_is_answered_beside_what_became_of_it(
    site: PagesApp,
) -> None:
    browser, page = await invited_browser(site)
    sent = await submit_form(browser, page, {**QUICK_REFERRAL, "victim_name": DANGER})
    (record,) = site.sent_records()
    assert record.reference in sent.text
    assert say("en", "crisis.immediate_danger.text") in unescape(sent.text)


async def test_danger_in_a_form_that_cannot_be_taken_is_answered(site: PagesApp) -> None:
    browser, page = await invited_browser(site)
    answers = {**QUICK_REFERRAL, "agreed": "no", "victim_name": DANGER}
    stopped = await submit_form(browser, page, answers)
    assert say("en", "form.stopped.title") in stopped.text
    assert say("en", "crisis.immediate_danger.text") in unescape(stopped.text)


async def test_no_danger_no_numbers_of_it(site: PagesApp) -> None:
    browser, page = await invited_browser(site)
    sent = await submit_form(browser, page, QUICK_REFERRAL)
    assert "999" not in sent.text


@pytest.mark.parametrize("do", ["paste", "send"])
async def test_danger_in_a_paste_is_answered_and_the_words_stay(site: PagesApp, do: str) -> None:
    browser, page = await invited_browser(site)
    pasted = await submit_form(browser, page, {"paste": f"victim F, {DANGER}, call her"}, do=do)
    assert say("en", "crisis.immediate_danger.text") in unescape(pasted.text)
    box = pasted.text.partition('id="paste"')[2].partition("</textarea>")[0]
    assert DANGER in box
    assert "call her" in box


async def test_answers_that_contradict_are_said_and_nothing_typed_is_lost(site: PagesApp) -> None:
    browser, page = await invited_browser(site)
    answers = {**QUICK_REFERRAL, "victim_known": "no", "in_relationship": "now"}
    told = await submit_form(browser, page, answers)
    assert told.status_code == 422
    assert 'You said No to "Is the victim known to the offender?".' in unescape(told.text)
    assert 'href="#in_relationship"' in told.text
    assert 'aria-describedby="in_relationship-hint in_relationship-error"' in told.text
    assert re.search(r'name="in_relationship"[^>]* value="now" checked', told.text)
    assert field_value(told, "victim_name") == "Rosa Diaz"
    assert site.sent_records() == []
    assert (
        await submit_form(browser, told, {**answers, "in_relationship": "no"})
    ).status_code == 200
    assert len(site.sent_records()) == 1


async def test_who_asked_for_it_is_not_dropped_where_it_is_not_asked(site: PagesApp) -> None:
    browser, page = await invited_browser(site)
    told = await submit_form(browser, page, {**QUICK_REFERRAL, "victim_asked": "yes"})
    assert told.status_code == 422
    assert "This does not fit your other answers." in told.text
    left = {**QUICK_REFERRAL, "victim_asked": "special:not_sure", "in_relationship": "no"}
    assert (await submit_form(browser, told, left)).status_code == 200
    assert len(site.sent_records()) == 1


async def test_an_invitation_works_once_and_wrong_ones_answer_the_same(
    site: PagesApp, clock: FakeClock
) -> None:
    assert SAM.officer
    used, old = site.invite(SAM.officer), site.invite(SAM.officer)
    first = site.browser()
    await first.post(used)
    clock.advance(hours=25)
    other = site.browser()
    answers = set()
    for path in (used, old, "/officer/i/guess", "/officer/i/%00", f"/officer/i/{'x' * 5000}"):
        for response in (await other.get(path), await other.post(path)):
            assert response.status_code == 404
            answers.add(response.text.replace(path, ""))
    assert len(answers) == 1
    (told,) = answers
    assert "ask us for a new invitation" in told
    assert "your chat" not in told
    refused = await other.get("/officer")
    assert refused.status_code == 403
    assert "you need a new invitation" in refused.text


async def test_a_used_invitation_leads_its_own_browser_to_the_page(site: PagesApp) -> None:
    browser, page = await invited_browser(site)
    used = page.history[0].url.path
    for again in (await browser.get(used), await browser.post(used)):
        assert (again.status_code, again.url.path) == (200, "/officer")
        assert say("en", "form.officer.intro") in again.text


async def test_an_officer_stays_known_for_ninety_days(site: PagesApp, clock: FakeClock) -> None:
    browser, page = await invited_browser(site)
    cookie = next(one for one in page.history[0].headers.get_list("set-cookie") if "officer" in one)
    assert f"Max-Age={90 * 86_400}" in cookie
    assert cookie.startswith("__Host-officer=")
    clock.advance(days=89)
    assert (await browser.get("/officer")).status_code == 200
    clock.advance(days=91)
    assert (await browser.get("/officer")).status_code == 403


async def test_a_form_from_elsewhere_is_refused_and_kept(site: PagesApp) -> None:
    browser, _ = await invited_browser(site)
    hidden = {"csrf": "forged", "once": "1", "after": ""}
    answer = await browser.post("/officer", data={**hidden, **QUICK_REFERRAL, "do": "send"})
    assert answer.status_code == 403
    assert field_value(answer, "victim_name") == "Rosa Diaz"
    assert site.sent_records() == []


async def test_a_busy_database_loses_nothing(
    site: PagesApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, page = await invited_browser(site)

    async def no_time(*_: object) -> object:
        raise TimeoutError

    with monkeypatch.context() as busy:
        busy.setattr(site.running.runtime.database, "read", no_time)
        told = await submit_form(browser, page, QUICK_REFERRAL)
    assert told.status_code == 503
    assert site.sent_records() == []
    again = next(form for form in parse_page(told.text).forms if "offence" in form.fields)
    assert again.fields["victim_name"] == "Rosa Diaz"
    await browser.post(again.action, data=again.fields)
    await browser.post(again.action, data=again.fields)
    assert len(site.sent_records()) == 1


async def answered_page(site: PagesApp, browser: httpx.AsyncClient) -> httpx.Response:
    """Return the officer's page once it no longer says that the answer follows."""
    for _ in range(200):
        page = await browser.get("/officer")
        if "refresh" not in page.headers:
            return page
        await asyncio.sleep(0.02)
    raise AssertionError("it is never answered")


async def test_a_slow_answer_is_said_to_follow(site: PagesApp) -> None:
    browser, page = await invited_browser(site)
    async with held_up(site.running):
        told = await submit_form(browser, page, QUICK_REFERRAL)
        assert (told.status_code, told.url.path) == (200, "/officer")
        assert say("en", "form.waits.title") in told.text
        assert told.headers["refresh"].startswith("5")
        assert "Rosa Diaz" not in told.text, "it is kept, and nothing is to be done"
        assert parse_page(told.text).forms == []
        assert site.sent_records() == []
    sent = await answered_page(site, browser)
    (record,) = site.sent_records()
    assert record.reference in sent.text


async def test_a_form_is_never_filed_twice_while_its_answer_follows(site: PagesApp) -> None:
    browser, page = await invited_browser(site)
    async with held_up(site.running):
        await submit_form(browser, page, QUICK_REFERRAL)
        same = await submit_form(browser, page, QUICK_REFERRAL)
        assert same.status_code == 200
        assert "Rosa Diaz" not in same.text
        other = await submit_form(browser, page, {**QUICK_REFERRAL, "victim_name": "Ana Diaz"})
        assert other.status_code == 409
        assert "refresh" not in other.headers, "what was typed can be copied from the page"
        assert "Ana Diaz" in other.text
    await answered_page(site, browser)
    (record,) = site.sent_records()
    assert {x.question: x.value for x in record.lines}["victim_name"] == "Rosa Diaz"


async def test_a_form_that_cannot_be_filed_is_not_passed_over(
    site: PagesApp, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError

    browser, page = await invited_browser(site)
    with monkeypatch.context() as broken:
        broken.setattr("bot.pipeline.respond.take_turn", fails)
        broken.setattr(site.running.runtime, "answer_within", 0.0)
        await submit_form(browser, page, QUICK_REFERRAL)
        for _ in range(respond.MAX_ATTEMPTS):
            clock.advance(seconds=10)
            await answer_batch(site.running.runtime)
        told = await browser.get("/officer")
    assert say("en", "form.not_filed.title") in told.text
    again = await browser.get("/officer?another=1")
    assert (await submit_form(browser, again, QUICK_REFERRAL)).status_code == 200
    assert len(site.sent_records()) == 1


async def test_too_many_forms_lose_nothing(site: PagesApp, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, page = await invited_browser(site)
    with monkeypatch.context() as often:
        often.setattr(site.running.runtime.limiter, "allow", lambda *_: False)
        told = await submit_form(browser, page, QUICK_REFERRAL)
    assert (told.status_code, told.headers["retry-after"]) == (429, "60")
    again = next(form for form in parse_page(told.text).forms if "offence" in form.fields)
    assert again.fields["victim_name"] == "Rosa Diaz"
    await browser.post(again.action, data=again.fields)
    assert len(site.sent_records()) == 1


def test_an_invitation_is_printed_for_a_browser_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PUBLIC_URL", PAGES_URL)
    asked = ["invite", "--name", "PC Sam Reed", "--agency", "Kent Police"]
    ran = CliRunner().invoke(app, [*asked, "--contact", "sam.reed@kent.example"])
    telegram, browser = ran.output.split()[-2:]
    assert browser == f"{PAGES_URL}/officer/i/{telegram.removeprefix('i_')}"


HOSTILE = [
    "<script>alert(1)</script>",
    "\u202eevil",
    "=cmd|' /C calc'!A0",
    "\0",
    "special:said",
    "x" * 3_000,
]


@pytest.mark.parametrize("words", HOSTILE)
async def test_hostile_words_in_every_field_are_shown_as_words(site: PagesApp, words: str) -> None:
    browser, page = await invited_browser(site)
    answer = await submit_form(
        browser, page, dict.fromkeys([*QUICK_REFERRAL, "paste", "unknown"], words)
    )
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
    too_much = {**QUICK_REFERRAL, "victim_name": "x" * 1_000_000}
    assert (await submit_form(browser, page, too_much)).status_code == 413


# --- how long it takes with a keyboard


TYPED_A_SECOND, READ_AN_OPTION, PAGE = 3.2, 0.35, 1.9
"""Keys a second, seconds to read one answer, seconds until a page is there."""


def keyboard_seconds(conversation: Conversation, answers: dict[str, str]) -> float:
    """Return how long the form takes from the keyboard: a key for each tab, arrow and letter."""
    keys, read = 0, 0
    for one in build_fields(conversation):
        keys += 1
        answer = answers.get(one.question.key, "")
        if not answer:
            continue
        values = [value for value, _ in one.choices]
        if values:
            read += len(values)
            keys += values.index(answer) + 1
        else:
            keys += len(answer)
    return PAGE + keys / TYPED_A_SECOND + read * READ_AN_OPTION + 1 / TYPED_A_SECOND + PAGE


def test_a_quick_referral_takes_less_than_a_minute() -> None:
    conversation = Conversation(journey=Journey.OFFICER, officer=SAM.officer)
    assert {one.key for one in form.form_questions(conversation)} >= QUICK_REFERRAL.keys()
    took = keyboard_seconds(conversation, QUICK_REFERRAL)
    assert took <= 60, took
