"""A partner officer at a desk or a telephone: invited once, then one page a referral."""

import re

import pytest
from playwright.sync_api import Page, expect

from flows.wording import say
from storage.chats import officers, one_time_links
from storage.chats.one_time_links import LinkKind
from storage.referrals import lifecycle
from tests.bot.channels.web.test_officer_page import PASTED, QUICK_REFERRAL
from tests.browser.conftest import SCRIPTS_AND_SIZES, OpenPage
from tests.browser.desk_actions import add_account, sign_in
from tests.browser.live_app import LiveApp
from tests.browser.page_checks import axe_violations, horizontal_overflow
from tests.support.cast import SAM

SEND = say("en", "scenes.checking.send")


def open_form(page: Page, site: LiveApp) -> None:
    """Open the page of the invitation and go on to the form."""
    assert SAM.officer
    with site.database.unit(site.clock()) as unit:
        code = officers.invite_officer(unit, SAM.officer)
    page.goto(f"/officer/i/{code}")
    page.get_by_role("button", name=say("en", "form.invited.button")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(say("en", "form.officer.title"))


def fill_form(page: Page, answers: dict[str, str]) -> None:
    """Fill in the form as it stands, field by field."""
    for key, value in answers.items():
        fill_field(page, key, value)


def fill_field(page: Page, key: str, value: str) -> None:
    """Answer one field: a choice, a list that opens, or something typed."""
    choice = page.locator(f'input[name="{key}"][value="{value}"]')
    if choice.count():
        choice.check(force=True)
    elif page.locator(f'select[name="{key}"]').count():
        page.locator(f'select[name="{key}"]').select_option(value)
    else:
        page.locator(f'[name="{key}"]').fill(value)


@pytest.mark.parametrize(("script", "wide"), SCRIPTS_AND_SIZES)
def test_one_page_and_it_is_in_the_queue(
    opens: OpenPage, site: LiveApp, script: bool, wide: bool
) -> None:
    page = opens(wide=wide, script=script)
    open_form(page, site)
    page.get_by_role("button", name=SEND).click()
    expect(page.get_by_role("alert")).to_be_visible()
    fill_form(page, QUICK_REFERRAL)
    page.get_by_role("button", name=SEND).click()
    assert is_queued(site, page.locator(".govuk-panel__body strong").inner_text())


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_a_slow_answer_appears_by_itself(opens: OpenPage, site: LiveApp, script: bool) -> None:
    page = opens(script=script)
    open_form(page, site)
    fill_form(page, QUICK_REFERRAL)
    with site.held_up():
        page.get_by_role("button", name=SEND).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(say("en", "form.waits.title"))
        assert not script or axe_violations(page) == []
        assert horizontal_overflow(page) == 0
    assert is_queued(site, page.locator(".govuk-panel__body strong").inner_text())


@pytest.mark.parametrize("wide", [False, True], ids=["phone", "desktop"])
def test_the_page_is_open_to_all_in_every_state(opens: OpenPage, site: LiveApp, wide: bool) -> None:
    page = opens(wide=wide)
    open_form(page, site)
    found, over = axe_violations(page), horizontal_overflow(page)
    page.get_by_role("button", name=SEND).click()
    expect(page.get_by_role("alert")).to_be_visible()
    found += axe_violations(page)
    over = max(over, horizontal_overflow(page))
    fill_form(page, QUICK_REFERRAL)
    page.get_by_role("button", name=SEND).click()
    expect(page.locator(".govuk-panel__body strong")).to_be_visible()
    found += axe_violations(page)
    assert found == [], "\n".join(found)
    assert over == 0


def test_without_the_script_and_by_pasting(opens: OpenPage, site: LiveApp) -> None:
    page = opens(wide=True, script=False)
    open_form(page, site)
    page.locator("#from-a-message summary").click()
    page.get_by_label(say("en", "form.paste.label")).fill(PASTED)
    page.get_by_role("button", name=say("en", "form.paste.button")).click()
    expect(page.get_by_role("status")).to_be_visible()
    # What was not used stays in the box that it was pasted into, and the rest does not.
    box = page.get_by_label(say("en", "form.paste.label"))
    expect(box).to_have_value(re.compile("Mill Lane"))
    left = {key: QUICK_REFERRAL[key] for key in ("victim_name", "victim_contact", "victim_message")}
    fill_form(page, {**left, "offender_age": "adult"})
    page.get_by_role("button", name=SEND).click()
    assert is_queued(site, page.locator(".govuk-panel__body strong").inner_text())


def test_by_keyboard_alone(opens: OpenPage, site: LiveApp) -> None:
    page = opens(wide=True)
    open_form(page, site)
    keys = {key for key, _ in QUICK_REFERRAL.items()}
    for _ in range(200):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        name = focused.get_attribute("name") or ""
        if name in keys:
            keys.discard(name)
            fill_by_keyboard(page, name, QUICK_REFERRAL[name])
        elif focused.inner_text().strip() == SEND:
            break
    assert keys == set()
    page.keyboard.press("Enter")
    expect(page.locator(".govuk-panel__body strong")).to_be_visible()


def fill_by_keyboard(page: Page, name: str, value: str) -> None:
    """Answer the field that has the focus, with the keyboard."""
    focused = page.locator(":focus")
    if focused.get_attribute("type") == "radio":
        page.keyboard.press("Space")
        for _ in range(20):
            now = page.locator(":focus")
            if now.get_attribute("value") == value:
                break
            page.keyboard.press("ArrowRight")
        expect(page.locator(f'[name="{name}"][value="{value}"]')).to_be_checked()
    elif page.evaluate("document.activeElement.tagName") == "SELECT":
        label = page.locator(f'[name="{name}"] option[value="{value}"]').inner_text()
        page.keyboard.type(label)
        expect(page.locator(f'[name="{name}"]')).to_have_value(value)
    else:
        page.keyboard.type(value)


def test_the_person_says_yes_in_a_chat_of_their_own(opens: OpenPage, site: LiveApp) -> None:
    page = opens(wide=True)
    open_form(page, site)
    page.get_by_role("button", name=say("en", "form.officer.code")).click()
    link = page.get_by_text(f"{site.address}/k/")
    expect(link).to_be_visible()
    assert axe_violations(page) == []
    person = opens()
    person.goto(link.inner_text().strip())
    assert axe_violations(person) == []
    person.locator("main form button").first.click()
    expect(person.get_by_role("log")).to_contain_text(SAM.officer.name if SAM.officer else "")
    assert axe_violations(person) == []


def test_a_private_page_and_the_ways_it_ends(opens: OpenPage, site: LiveApp) -> None:
    page = opens()
    now = site.clock()
    with site.database.unit(now) as unit:
        code = one_time_links.issue_link(unit, LinkKind.PRIVATE_PAGE, "telegram", "4711", 15)
    page.goto(f"/q/{code}")
    found = axe_violations(page)
    with page.expect_event("load"):
        page.locator("main form button").first.click()
    found += axe_violations(page)
    page.goto("/q/nothing-of-ours")
    found += axe_violations(page)
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("wide", [False, True], ids=["phone", "desktop"])
def test_an_administrator_invites_and_revokes(opens: OpenPage, site: LiveApp, wide: bool) -> None:
    desk, officer = opens(wide=wide), opens(wide=wide)
    sign_in(desk, site, add_account(site, "administrator", "ada"), "/desk/officers")
    button = desk.get_by_role("button", name=say("en", "desk.officers.invite.button"))
    button.click()
    expect(desk.get_by_role("alert")).to_be_visible()
    found = axe_violations(desk)
    for field, words in (("name", "PC Sam Reed"), ("agency", "Kent Police"), ("contact", "101")):
        desk.get_by_label(say("en", f"desk.officers.invite.{field}")).fill(words)
    button.click()
    link = desk.locator("code").first.inner_text()
    found += axe_violations(desk)
    desk.get_by_role("link", name=say("en", "desk.officers.link.back")).click()
    expect(desk.get_by_role("cell", name=say("en", "desk.officers.open.end"))).to_be_visible()
    found += axe_violations(desk)
    officer.goto(link)
    officer.get_by_role("button", name=say("en", "form.invited.button")).click()
    fill_form(officer, QUICK_REFERRAL)
    desk.reload()
    desk.get_by_role("link", name=say("en", "desk.officers.revoke.button")).click()
    revoke = desk.get_by_role("button", name=say("en", "desk.officers.revoke.button"), exact=True)
    revoke.click()
    expect(desk.get_by_role("alert")).to_contain_text(say("en", "desk.officers.revoke.wrong"))
    found += axe_violations(desk)
    over = horizontal_overflow(desk)
    desk.get_by_label(say("en", "desk.officers.revoke.reason")).select_option("device_lost")
    revoke.click()
    expect(desk.get_by_role("alert")).to_contain_text(say("en", "desk.officers.done.revoked"))
    found += axe_violations(desk)
    officer.get_by_role("button", name=SEND).click()
    expect(officer.get_by_role("heading", level=1)).to_have_text(say("en", "form.revoked.title"))
    expect(officer.locator("main")).to_contain_text("Rosa Diaz")
    found += axe_violations(officer)
    assert found == [], "\n".join(found)
    assert max(over, horizontal_overflow(desk), horizontal_overflow(officer)) == 0


def is_queued(site: LiveApp, reference: str) -> bool:
    """Return whether a referral from the page waits there, with what was typed."""
    with site.database.unit(site.clock()) as unit:
        record = lifecycle.open_record(unit, reference, "mira")
    said = {line.question: line.value for line in record.lines}
    return said["victim_name"] == "Rosa Diaz" and record.journey == "officer"
