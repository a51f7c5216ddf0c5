"""Staff at the desk: from the alert to the outcome, by hand and by keyboard."""

import pytest
from playwright.sync_api import Page, expect

from flows.wording import say
from storage.referrals import lifecycle
from tests.browser.chat_actions import do_step, shown_reference, start_chat
from tests.browser.conftest import SCRIPTS_AND_SIZES, OpenPage
from tests.browser.desk_actions import PressCounter, add_account, add_demo_cases, sign_in
from tests.browser.live_app import LiveApp
from tests.browser.page_checks import axe_violations, horizontal_overflow
from tests.support.happy_path import happy_path

CLAIM, SAVE = say("en", "desk.acts.claim"), say("en", "desk.page.save")
SPOKE, SHOW = say("en", "desk.acts.spoke"), say("en", "desk.page.reveal")


def send_request(site: LiveApp, page: Page) -> str:
    """Have somebody send a request from the chat; return its reference."""
    start_chat(page)
    for step in happy_path():
        do_step(page, step)
    return shown_reference(page)


@pytest.mark.parametrize(("script", "wide"), SCRIPTS_AND_SIZES)
def test_from_the_alert_to_the_outcome(
    opens: OpenPage, site: LiveApp, script: bool, wide: bool
) -> None:
    reference = send_request(site, opens())
    mira = add_account(site, "mediator", "mira")
    page = opens(wide=wide, script=script)
    sign_in(page, site, mira)

    # The alert carries the address of the referral: opening it is the first press.
    page.goto(f"/desk/r/{reference}")
    hand = PressCounter(page, pressed=1)
    expect(page.locator("main")).not_to_contain_text("+447700900123")
    hand.press(CLAIM)
    assert hand.pressed <= 2
    assert stage_and_owner(site, reference) == ("claimed", "mira")

    hand = PressCounter(page)
    hand.press(SHOW)
    expect(page.locator("main")).to_contain_text("07700 900123")
    hand.click(page.get_by_text(SPOKE, exact=True).first)
    hand.press(SAVE)
    assert hand.pressed <= 5
    expect(page.locator("main")).to_contain_text(say("en", "desk.page_flash.spoke"))
    assert stage_and_owner(site, reference) == ("in_touch", "mira")


def test_a_new_request_shows_on_an_open_queue(opens: OpenPage, site: LiveApp) -> None:
    mira = add_account(site, "mediator", "mira")
    queue = opens(wide=True)
    sign_in(queue, site, mira)
    reference = send_request(site, opens())
    expect(queue.locator("[data-live-count]").first).to_have_text("1")
    link = queue.locator("[data-live-news] a")
    link.click()
    expect(queue.get_by_role("link", name=reference)).to_be_visible()


def test_any_number_of_tabs_work_and_the_one_in_front_listens(
    opens: OpenPage, site: LiveApp
) -> None:
    first = opens(wide=True)
    sign_in(first, site, add_account(site, "mediator", "mira"))
    tabs = [first, *(first.context.new_page() for _ in range(8))]
    for tab in tabs:
        tab.goto("/desk/queue")
    expect(tabs[-1].get_by_role("heading", level=1)).to_be_visible()
    # A browser opens six connections to a site: the streams must leave room for links and forms.
    first.bring_to_front()
    first.get_by_role("link", name=say("en", "desk.layout.to.new")).first.click()
    first.wait_for_url("**/desk/new")
    reference = send_request(site, opens())
    tabs[3].evaluate("dispatchEvent(new Event('focus'))")
    expect(tabs[3].locator("[data-live-count]").first).to_have_text("1")
    assert stage_and_owner(site, reference)[0] == "new"


def test_whoever_is_slower_sees_who_has_it(opens: OpenPage, site: LiveApp) -> None:
    reference = add_demo_cases(site)[0]
    mira, omar = add_account(site, "mediator", "mira"), add_account(site, "mediator", "omar")
    first, second = opens(wide=True), opens(wide=True)
    sign_in(first, site, mira, f"/desk/r/{reference}")
    sign_in(second, site, omar, f"/desk/r/{reference}")
    PressCounter(first).press(CLAIM)
    expect(first.locator("main")).to_contain_text(say("en", "desk.page_flash.claim"))
    PressCounter(second).press(CLAIM)
    expect(second.locator("main")).to_contain_text("mira")
    assert stage_and_owner(site, reference) == ("claimed", "mira")


def test_by_keys_alone(opens: OpenPage, site: LiveApp) -> None:
    add_demo_cases(site)
    page = opens(wide=True)
    sign_in(page, site, add_account(site, "mediator", "mira"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.wait_for_url("**/desk/r/*")
    reference = page.url.split("/")[-1].split("?")[0]
    assert stage_and_owner(site, reference) == ("claimed", "mira")
    page.keyboard.press("e")
    focused = page.locator(":focus")
    expect(focused).to_have_attribute("type", "radio")
    page.keyboard.press("Space")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.locator(":focus").inner_text().strip() == SAVE:
            break
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text(say("en", "desk.page_flash.spoke"))
    assert stage_and_owner(site, reference)[0] == "in_touch"


def test_keys_can_be_switched_off(opens: OpenPage, site: LiveApp) -> None:
    add_demo_cases(site)
    page = opens(wide=True)
    sign_in(page, site, add_account(site, "mediator", "mira"), "/desk/account")
    page.get_by_role("button", name=say("en", "desk.account.shortcuts.turn_off")).click()
    page.goto("/desk/queue")
    page.keyboard.press("n")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).to_have_url(f"{site.address}/desk/queue")


PATHS = {
    "coordinator": (
        *("/desk/queue", "/desk/queue?view=all", "/desk/queue?view=done", "/desk/queue?view=due"),
        *("/desk/account", "/desk/logbook", "/desk/exports", "/desk/numbers", "/desk/content"),
        *(
            "/desk/content/messages?q=number",
            "/desk/content/missed",
            "/desk/deliveries",
            "/desk/new",
        ),
        *("/desk/r/AAAA-AAAA", "/desk/accounts"),
    ),
    "administrator": (
        *("/desk/accounts", "/desk/officers", "/desk/api-keys", "/desk/account", "/desk/content"),
    ),
}


@pytest.mark.parametrize("wide", [False, True], ids=["phone", "desktop"])
@pytest.mark.parametrize("role", PATHS)
def test_every_page_of_the_desk_is_open_to_all(
    opens: OpenPage, site: LiveApp, role: str, wide: bool
) -> None:
    references = add_demo_cases(site)
    page = opens(wide=wide)
    page.goto("/desk/sign-in")
    found = axe_violations(page)
    for path in ("/desk/join", "/desk/organisation"):
        page.goto(path)
        found += axe_violations(page)
    sign_in(page, site, add_account(site, role, "carys"), PATHS[role][0])
    paths = list(PATHS[role])
    if role == "coordinator":
        paths += [f"/desk/r/{one}" for one in references]
        paths += [f"/desk/r/{references[0]}/print", f"/desk/r/{references[0]}/contact"]
    over = {}
    for path in paths:
        page.goto(path)
        # What axe finds is the same at any width: it looks once, at the phone's.
        found += [] if wide else axe_violations(page)
        if horizontal_overflow(page):
            over[path] = horizontal_overflow(page)
    assert found == [], "\n".join(found)
    assert over == {}


def test_the_states_of_a_referral_are_open_to_all(opens: OpenPage, site: LiveApp) -> None:
    reference = add_demo_cases(site)[0]
    page = opens()
    sign_in(page, site, add_account(site, "mediator", "mira"), f"/desk/r/{reference}")
    hand = PressCounter(page)
    found = axe_violations(page)
    hand.press_and_load(CLAIM)
    found += axe_violations(page)
    hand.press_and_load(SHOW)
    found += axe_violations(page)
    hand.press(SAVE)  # nothing chosen: an error that says what to do
    expect(page.get_by_role("alert")).to_be_visible()
    found += axe_violations(page)
    for act in ("no_answer", "not_now", "spoke"):
        hand.click(page.get_by_text(say("en", f"desk.acts.{act}"), exact=True).first)
        hand.press_and_load(SAVE)
        found += axe_violations(page)
    for path in ("contact", "reply", "print"):
        page.goto(f"/desk/r/{reference}/{path}")
        found += axe_violations(page)
    page.goto(f"/desk/r/{reference}")
    hand.click(page.get_by_text(say("en", "desk.acts.close"), exact=True).first)
    hand.press_and_load(SAVE)
    found += axe_violations(page)
    assert found == [], "\n".join(found)


def test_twice_as_large_still_fits(opens: OpenPage, site: LiveApp) -> None:
    reference = add_demo_cases(site)[0]
    page = opens(wide=True, zoom=2)
    sign_in(page, site, add_account(site, "coordinator", "carys"))
    for path in ("/desk/queue", f"/desk/r/{reference}", "/desk/numbers", "/desk/exports"):
        page.goto(path)
        assert horizontal_overflow(page) == 0, path


def stage_and_owner(site: LiveApp, reference: str) -> tuple[str, str | None]:
    """Return the stage and the owner of a referral."""
    with site.database.reading() as unit:
        found = lifecycle.referral_status(unit, reference)
    assert found is not None
    return found.stage, found.owner
