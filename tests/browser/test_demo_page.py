"""`./run` in a real browser: send a request on the left, pick it up on the right."""

from playwright.sync_api import Browser, FrameLocator, expect

from flows.wording import say
from tests.bot.cli.test_demo import demo
from tests.browser.conftest import DESKTOP
from tests.browser.page_checks import forbid_outside_requests
from tests.support.happy_path import happy_path

__all__ = ["demo"]


def test_a_request_goes_from_the_phone_to_an_outcome(
    chromium: Browser, demo: tuple[str, str]
) -> None:
    address, _ = demo
    page = chromium.new_page(viewport={"width": DESKTOP["width"], "height": DESKTOP["height"]})
    with forbid_outside_requests(page, address):
        page.goto(f"{address}/demo")
        phone, desk = page.frame_locator(".phone"), page.frame_locator(".desk")
        enter = say("en", "desk.signing_in.enter")
        desk.get_by_role("button", name=enter, exact=True).click()
        expect(desk.locator("[data-live-count]").first).to_be_visible()
        reference = send_request(phone)
        desk.locator("[data-live-news] a").click()
        desk.get_by_role("link", name=reference).click()
        desk.get_by_role("button", name=say("en", "desk.acts.claim"), exact=True).click()
        desk.get_by_text(say("en", "desk.acts.spoke"), exact=True).first.click()
        desk.get_by_role("button", name=say("en", "desk.page.save"), exact=True).click()
        expect(desk.locator("main")).to_contain_text(say("en", "desk.page_flash.spoke"))
    page.close()


def send_request(phone: FrameLocator) -> str:
    """Have somebody send a request; return its reference."""
    phone.get_by_role("button", name=say("en", "web.start.button")).click()
    for step in happy_path():
        expect(phone.get_by_role("log").locator(".ours").last).to_contain_text(step.shown)
        if step.press:
            phone.locator("#buttons").get_by_role("button", name=step.press, exact=True).click()
        else:
            phone.get_by_label(say("en", "web.chat.field")).fill(step.say)
            phone.get_by_label(say("en", "web.chat.field")).press("Enter")
    return phone.locator(".copy output").inner_text().strip()
