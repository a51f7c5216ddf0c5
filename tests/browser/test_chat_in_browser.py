"""A person harmed, on a phone or at a desk, with and without JavaScript."""

import pytest
from playwright.sync_api import Page, expect

from flows.service import service
from flows.wording import say
from storage.referrals import lifecycle
from tests.browser.chat_actions import (
    chat_log,
    do_step,
    shown_reference,
    start_chat,
    wait_for_question,
)
from tests.browser.conftest import SCRIPTS_AND_SIZES, OpenPage
from tests.browser.live_app import LiveApp
from tests.browser.page_checks import axe_violations, horizontal_overflow
from tests.support.happy_path import NAME, NUMBER_STORED, happy_path


@pytest.mark.parametrize(("script", "wide"), SCRIPTS_AND_SIZES)
def test_from_hello_to_the_queue(opens: OpenPage, site: LiveApp, script: bool, wide: bool) -> None:
    page = opens(wide=wide, script=script)
    start_chat(page)
    for step in happy_path():
        do_step(page, step)
    reference = shown_reference(page)
    with site.database.reading(site.clock()) as unit:
        [entry] = lifecycle.list_queue(unit)
    assert (entry.reference, entry.source, entry.queue) == (reference, "web", "adults")
    with site.database.unit(site.clock()) as unit:
        record = lifecycle.open_record(unit, reference, "mira")
    said = {line.question: line.value for line in record.lines}
    assert (said["name"], said["number"]) == (NAME, NUMBER_STORED)


def test_every_page_on_the_way_is_open_to_all(opens: OpenPage) -> None:
    page = opens()
    page.goto("/")
    found = axe_violations(page)
    over = horizontal_overflow(page)
    start_chat(page)
    for step in happy_path():
        wait_for_question(page, step.shown)
        found += axe_violations(page)
        over = max(over, horizontal_overflow(page))
        do_step(page, step)
    shown_reference(page)
    found += axe_violations(page)
    page.get_by_role("button", name=say("en", "web.chat.code")).click()
    found += axe_violations(page)
    for path in ("/privacy", "/back", "/nothing-here"):
        page.goto(path)
        found += axe_violations(page)
        over = max(over, horizontal_overflow(page))
    assert found == [], "\n".join(found)
    assert over == 0


def test_after_a_while_away_nothing_is_shown(opens: OpenPage, site: LiveApp) -> None:
    page = opens()
    start_chat(page)
    for step in happy_path()[:7]:
        do_step(page, step)
    wait_for_question(page, happy_path()[7].shown)
    site.clock.advance(minutes=service().lock_minutes + 1)
    page.goto("/chat")
    assert NAME not in page.content()
    assert axe_violations(page) == []
    page.locator("main form button").first.click()
    expect(chat_log(page)).to_contain_text(say("en", "scenes.paused.welcome_back"))
    assert NAME not in page.content()


def test_twice_as_large_still_fits(opens: OpenPage) -> None:
    page = opens(wide=True, zoom=2)
    start_chat(page)
    for step in happy_path()[:4]:
        do_step(page, step)
        assert horizontal_overflow(page) == 0
    narrow = opens(zoom=2)
    start_chat(narrow)
    assert horizontal_overflow(narrow) == 0


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_by_keyboard_alone(opens: OpenPage, script: bool) -> None:
    page = opens(script=script)
    page.goto("/")
    _tab_to(page, say("en", "web.start.button"))
    page.keyboard.press("Enter")
    for step in happy_path():
        wait_for_question(page, step.shown)
        page.wait_for_load_state()
        if step.press:
            _tab_to(page, step.press)
        else:
            _tab_to(page, "", field=True)
            page.keyboard.type(step.say)
        page.keyboard.press("Enter")
    assert shown_reference(page)


def test_after_each_answer_the_new_question_has_the_focus(opens: OpenPage) -> None:
    page = opens()
    start_chat(page)
    for step in happy_path()[:5]:
        do_step(page, step)
        expect(page.locator("#latest")).to_be_focused()


def test_leaving_shows_something_else_and_back_does_not_come_back(opens: OpenPage) -> None:
    page = opens()
    page.route(service().exit_url, lambda route: route.fulfill(body="Dry and bright"))
    start_chat(page)
    for step in happy_path()[:7]:
        do_step(page, step)
    wait_for_question(page, happy_path()[7].shown)
    for _ in range(3):
        page.keyboard.press("Shift")
    page.wait_for_url(service().exit_url)
    page.go_back()
    assert "/chat" not in page.url
    assert NAME not in page.content()
    again = page.context.new_page()
    again.goto("/chat")
    assert NAME not in again.content()


def test_leaving_works_without_the_script(opens: OpenPage) -> None:
    page = opens(script=False)
    start_chat(page)
    for step in happy_path()[:3]:
        do_step(page, step)
    with page.expect_request(service().exit_url):
        page.locator("#leave").click()
    again = page.context.new_page()
    again.goto("/chat")
    assert chat_log(again).count() == 0


def test_a_lost_connection_keeps_what_was_typed(opens: OpenPage, site: LiveApp) -> None:
    page = opens()
    start_chat(page)
    for step in happy_path()[:6]:
        do_step(page, step)
    wait_for_question(page, happy_path()[6].shown)
    page.context.set_offline(True)
    page.get_by_label(say("en", "web.chat.field")).fill(NAME)
    page.keyboard.press("Enter")
    expect(page.get_by_text(say("en", "web.chat.lost_line"))).to_be_visible()
    page.context.set_offline(False)
    wait_for_question(page, happy_path()[7].shown)
    expect(chat_log(page)).to_contain_text(NAME)


def _tab_to(page: Page, name: str, field: bool = False) -> None:
    """Press Tab until the button of this name, or the text field, has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.count() == 0:
            continue
        if field and focused.get_attribute("id") == "say":
            return
        if not field and focused.inner_text().strip() == name:
            return
    raise AssertionError(f"{name or 'the field'} cannot be reached by keyboard")
