"""A person harmed, on a phone or at a desk, with and without JavaScript."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from flows.service import service
from flows.wording import say
from storage.referrals import lifecycle
from tests.browser.chat_actions import asked, begins, does, log, reference_in
from tests.browser.conftest import Opens
from tests.browser.live_app import Site
from tests.browser.page_checks import runs_over, violations
from tests.support.happy_path import NAME, NUMBER_KEPT, way


@pytest.mark.parametrize("wide", [False, True], ids=["phone", "desktop"])
@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_from_hello_to_the_queue(opens: Opens, site: Site, script: bool, wide: bool) -> None:
    page = opens(wide=wide, script=script)
    begins(page)
    for step in way():
        does(page, step)
    reference = reference_in(page)
    with site.database.session() as session:
        [entry] = lifecycle.queue(session, site.vault, site.clock.now())
    assert (entry.reference, entry.door, entry.queue) == (reference, "web", "adults")
    with site.database.transaction() as connection:
        record = lifecycle.open_record(connection, site.vault, reference, "mira", site.clock.now())
    said = {line.question: line.value for line in record.lines}
    assert (said["name"], said["number"]) == (NAME, NUMBER_KEPT)


def test_every_page_on_the_way_is_open_to_all(opens: Opens) -> None:
    page = opens()
    page.goto("/")
    found = violations(page)
    over = runs_over(page)
    begins(page)
    for step in way():
        asked(page, step.shown)
        found += violations(page)
        over = max(over, runs_over(page))
        does(page, step)
    reference_in(page)
    found += violations(page)
    page.get_by_role("button", name=say("en", "web.chat.code")).click()
    found += violations(page)
    for path in ("/privacy", "/back", "/nothing-here"):
        page.goto(path)
        found += violations(page)
        over = max(over, runs_over(page))
    assert found == [], "\n".join(found)
    assert over == 0


def test_after_a_while_away_nothing_is_shown(opens: Opens, site: Site) -> None:
    page = opens()
    begins(page)
    for step in way()[:7]:
        does(page, step)
    asked(page, way()[7].shown)
    site.clock.ahead = timedelta(minutes=service().lock_minutes + 1)
    page.goto("/chat")
    assert NAME not in page.content()
    assert violations(page) == []
    page.locator("main form button").first.click()
    expect(log(page)).to_contain_text(say("en", "scenes.paused.welcome_back"))
    assert NAME not in page.content()


def test_twice_as_large_still_fits(opens: Opens) -> None:
    page = opens(wide=True, zoom=2)
    begins(page)
    for step in way()[:4]:
        does(page, step)
        assert runs_over(page) == 0
    narrow = opens(zoom=2)
    begins(narrow)
    assert runs_over(narrow) == 0


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_by_keyboard_alone(opens: Opens, script: bool) -> None:
    page = opens(script=script)
    page.goto("/")
    _tab_to(page, say("en", "web.start.button"))
    page.keyboard.press("Enter")
    for step in way():
        asked(page, step.shown)
        if step.press:
            _tab_to(page, step.press)
        else:
            _tab_to(page, "", field=True)
            page.keyboard.type(step.say)
        page.keyboard.press("Enter")
    assert reference_in(page)


def test_after_each_answer_the_new_question_has_the_focus(opens: Opens) -> None:
    page = opens()
    begins(page)
    for step in way()[:5]:
        does(page, step)
        expect(page.locator("#latest")).to_be_focused()


def test_leaving_shows_something_else_and_back_does_not_come_back(opens: Opens) -> None:
    page = opens()
    begins(page)
    for step in way()[:7]:
        does(page, step)
    asked(page, way()[7].shown)
    with page.expect_request(service().exit_to):
        for _ in range(3):
            page.keyboard.press("Shift")
    again = page.context.new_page()
    again.goto("/chat")
    assert NAME not in again.content()


def test_leaving_works_without_the_script(opens: Opens) -> None:
    page = opens(script=False)
    begins(page)
    for step in way()[:3]:
        does(page, step)
    with page.expect_request(service().exit_to):
        page.locator("#leave").click()
    again = page.context.new_page()
    again.goto("/chat")
    assert log(again).count() == 0


def test_a_lost_connection_keeps_what_was_typed(opens: Opens, site: Site) -> None:
    page = opens()
    begins(page)
    for step in way()[:6]:
        does(page, step)
    asked(page, way()[6].shown)
    page.context.set_offline(True)
    page.get_by_label(say("en", "web.chat.field")).fill(NAME)
    page.keyboard.press("Enter")
    expect(page.get_by_text(say("en", "web.chat.lost_line"))).to_be_visible()
    page.context.set_offline(False)
    asked(page, way()[7].shown)
    expect(log(page)).to_contain_text(NAME)


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
