"""An officer's life at the desk: invited, files, is revoked, and is told so when they try again."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from html import unescape

import httpx
import pytest
from sqlalchemy import func, select

from bot import serve
from bot.pipeline.officer_access import RevocationReason
from bot.pipeline.respond import respond
from flows.wording import say
from storage import logbook
from storage.chats import handoffs, officer_registry
from storage.chats.inbox import InboxStage
from storage.database import Database
from storage.logbook import LogbookLine
from storage.tables import CHAT, INBOX
from tests.bot.channels.web.test_officer_page import QUICK_REFERRAL, submit_form
from tests.harness.app import build_app
from tests.harness.clock import FakeClock
from tests.harness.desk_fixtures import DESK_URL, DeskApp, DeskBrowser, open_desk
from tests.harness.pages_app import PagesApp, field_value, open_pages
from tests.support.page_parser import parse_page

REED = {"name": "PC Sam Reed", "agency": "Kent Police", "contact": "sam.reed@kent.example"}
ENDED = say("en", "scenes.revoked.text").split("\n\n")[0]
LOST = RevocationReason.DEVICE_LOST


@pytest.fixture
async def desk(
    database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[DeskApp, PagesApp]]:
    # Only what wakes the program is answered: one test keeps a form waiting in the inbox.
    monkeypatch.setattr(serve, "IDLE_SECONDS", 3600.0)
    running = build_app(database)
    async with open_pages(running, clock) as site, open_desk(running, clock) as desk:
        yield desk, site


Desk = tuple[DeskApp, PagesApp]


async def invite(ada: DeskBrowser, **details: str) -> str:
    """Return the path of the link that the desk shows once."""
    shown = await ada.submit_form("/desk/officers", "/desk/officers", **{**REED, **details})
    assert shown.status_code == 200
    found = re.search(rf"{DESK_URL}(/officer/i/[\w-]{{32}})", shown.text)
    assert found is not None
    return found[1]


async def revoke(ada: DeskBrowser, reason: str = LOST) -> httpx.Response:
    """Go the way from the list to the question why, and answer it."""
    listed = (await ada.get("/desk/officers")).text
    path = re.findall(r'href="(/desk/officers/officer-[0-9a-f]{10}/revoke)"', listed)[0]
    return await ada.submit_form(path, path, reason=reason)


async def use_invitation(site: PagesApp, path: str) -> tuple[httpx.AsyncClient, httpx.Response]:
    browser = site.browser()
    return browser, await browser.post(path)


def logged(app: DeskApp) -> list[LogbookLine]:
    """Return the lines about officers, the newest first."""
    with app.database.reading() as unit:
        lines = logbook.list_logbook_lines(unit)
    return [line for line in lines if line.action.startswith("officer")]


def waiting_inputs(app: DeskApp) -> int:
    """Return how many rows of the inbox wait for an answer."""
    waits = select(func.count()).select_from(INBOX).where(INBOX.c.stage == InboxStage.WAITING)
    with app.database.reading() as unit:
        return int(unit.conn.execute(waits).scalar_one())


async def test_invited_files_a_referral_and_is_revoked(desk: Desk) -> None:
    app, site = desk
    ada = await app.signed_in("administrator", "ada")
    path = await invite(ada)
    open_list = (await ada.get("/desk/officers")).text
    assert "PC Sam Reed" in open_list
    assert path not in open_list, "the link is shown once"
    browser, page = await use_invitation(site, path)
    await submit_form(browser, page, QUICK_REFERRAL)
    (sent,) = site.sent_records()
    listed = unescape((await ada.get("/desk/officers")).text)
    assert say("en", "desk.officers.verified") in listed
    assert "ada, " in listed
    assert say("en", "desk.officers.open.none") in listed
    form = await browser.get("/officer?another=1")

    done = await revoke(ada)
    assert done.headers["location"] == "/desk/officers?done=revoked"
    refused = await submit_form(browser, form, {**QUICK_REFERRAL, "offence": "fraud"})
    assert refused.status_code == 403
    assert ENDED in unescape(refused.text)
    assert "Rosa Diaz" in refused.text, "what was typed can be read out"
    assert "07700 900222" in refused.text
    shown = await browser.get("/officer")
    assert shown.status_code == 403
    assert ENDED in unescape(shown.text)
    assert "Rosa Diaz" not in shown.text
    assert site.sent_records() == [sent]
    assert "/revoke" not in (await ada.get("/desk/officers")).text
    (line, invited) = logged(app)
    assert (invited.action, invited.actor) == ("officer_invited", "ada")
    assert (line.action, line.actor, line.reason) == ("officer_revoked", "ada", LOST)
    assert line.target == invited.target
    assert REED["name"] not in repr(logged(app))


async def test_what_was_under_way_is_not_sent_either(desk: Desk) -> None:
    """The form was on its way to the inbox when the officer was revoked."""
    app, site = desk
    ada = await app.signed_in("administrator", "ada")
    browser, page = await use_invitation(site, await invite(ada))
    app.database.on_commit = lambda signals: None  # nobody is woken to answer
    app.running.runtime.answer_within = 0.1
    await submit_form(browser, page, QUICK_REFERRAL)
    assert waiting_inputs(app) == 1
    await revoke(ada)
    running = app.running
    await running.runtime.database.write(
        lambda unit: respond(replace(unit, now=running.runtime.clock()), running.runtime)
    )
    assert waiting_inputs(app) == 0
    shown = await browser.get("/officer")
    assert ENDED in unescape(shown.text)
    assert site.sent_records() == []


async def test_a_code_that_was_shown_ends_and_the_person_can_still_begin(desk: Desk) -> None:
    app, site = desk
    ada = await app.signed_in("administrator", "ada")
    browser, page = await use_invitation(site, await invite(ada))
    shown = await submit_form(browser, page, {"line": "46/12345/26"}, do="code")
    found = re.search(r"/k/[\w-]+", shown.text)
    assert found is not None
    person = site.browser()
    assert (await person.get(found[0])).status_code == 200
    await revoke(ada)
    assert (await person.get(found[0])).status_code == 404
    assert (await person.post(found[0])).status_code == 404
    assert (await person.get("/")).status_code == 200


async def test_two_browsers_of_one_officer_end_together_and_a_colleague_goes_on(
    desk: Desk,
) -> None:
    app, site = desk
    ada = await app.signed_in("administrator", "ada")
    kaur, _ = await use_invitation(site, await invite(ada, name="PC Kaur"))
    app.clock.advance(minutes=1)
    first, _ = await use_invitation(site, await invite(ada))
    second, _ = await use_invitation(site, await invite(ada, agency="KENT  police"))
    unused = await invite(ada)
    await revoke(ada)
    for browser in (first, second):
        assert (await browser.get("/officer")).status_code == 403
    assert (await kaur.get("/officer")).status_code == 200
    assert (await site.browser().post(unused)).status_code == 404


async def test_whoever_is_invited_again_may_file_again(desk: Desk) -> None:
    app, site = desk
    ada = await app.signed_in("administrator", "ada")
    browser, _ = await use_invitation(site, await invite(ada))
    await revoke(ada)
    page = await browser.post(await invite(ada))
    await submit_form(browser, page, QUICK_REFERRAL)
    assert len(site.sent_records()) == 1


async def test_an_open_invitation_is_ended(desk: Desk) -> None:
    app, site = desk
    ada = await app.signed_in("administrator", "ada")
    path = await invite(ada)
    page = await ada.get("/desk/officers")
    action = next(f.action for f in parse_page(page.text).forms if f.action.endswith("/end"))
    ended = await ada.post(action, csrf=field_value(page, "csrf"))
    assert ended.headers["location"] == "/desk/officers?done=ended"
    assert (await site.browser().post(path)).status_code == 404
    assert logged(app)[0].action == "officer_invitation_ended"
    again = await ada.post(action, csrf=field_value(page, "csrf"))
    assert again.headers["location"] == "/desk/officers"
    assert len(logged(app)) == 2


async def test_no_reason_no_revocation(desk: Desk) -> None:
    app, site = desk
    ada = await app.signed_in("administrator", "ada")
    browser, _ = await use_invitation(site, await invite(ada))
    for reason in ("", "because"):
        refused = await revoke(ada, reason)
        assert refused.status_code == 422
        assert say("en", "desk.officers.revoke.wrong") in refused.text
    assert (await browser.get("/officer")).status_code == 200
    gone = await ada.get("/desk/officers/officer-0000000000/revoke")
    assert gone.headers["location"] == "/desk/officers"


@pytest.mark.parametrize("words", ["", " ", "x", "y" * 101, "PC\u202eReed"])
@pytest.mark.parametrize("field", REED)
async def test_details_that_are_none_are_said_with_what_was_typed(
    desk: Desk, field: str, words: str
) -> None:
    app, _ = desk
    ada = await app.signed_in("administrator", "ada")
    answer = await ada.post("/desk/officers", **{**REED, field: words})
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    kept = next(one for one in REED if one != field)
    assert field_value(answer, kept) == REED[kept]
    assert logged(app) == []


async def test_hostile_details_are_shown_as_words(desk: Desk) -> None:
    app, _ = desk
    ada = await app.signed_in("administrator", "ada")
    await invite(ada, name="<b>PC</b>", agency="=cmd|' /C calc'!A0")
    shown = (await ada.get("/desk/officers")).text
    assert "&lt;b&gt;PC&lt;/b&gt;" in shown
    assert "<b>" not in shown


async def test_staff_who_write_with_a_revoked_officer_let_go_of_the_chat(desk: Desk) -> None:
    app, site = desk
    ada = await app.signed_in("administrator", "ada")
    await use_invitation(site, await invite(ada))
    with app.database.unit() as unit:
        chat_id = unit.conn.execute(CHAT.select()).one().id
        later = app.clock().replace(year=2030)
        handoffs.start_handoff(unit, chat_id, "mira", "AAAA-CCCC", later)
    await revoke(ada)
    with app.database.unit() as unit:
        assert handoffs.recorded_handoff(unit, chat_id) is None


async def test_only_the_administrator_looks_after_officers(desk: Desk) -> None:
    app, site = desk
    ada = await app.signed_in("administrator", "ada")
    browser, _ = await use_invitation(site, await invite(ada))
    with app.database.reading() as unit:
        (officer,) = officer_registry.list_officers(unit)
    for role in ("mediator", "young_people", "coordinator"):
        other = await app.signed_in(role, f"a-{role.replace('_', '-')}")
        assert (await other.get("/desk/officers")).status_code == 403
        path = f"/desk/officers/{officer.key}/revoke"
        assert (await other.post(path, reason=LOST)).status_code == 403
        assert "/desk/officers" not in (await other.get("/desk/queue")).text
    assert (await browser.get("/officer")).status_code == 200
