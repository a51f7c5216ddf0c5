"""The README's pictures, taken of the real pages; RECORD=1 keeps them."""

import os
from pathlib import Path

from playwright.sync_api import Page

from flows.wording import say
from tests.bot.channels.web.test_officer_page import QUICK_REFERRAL
from tests.browser.chat_actions import do_step, start_chat, wait_for_question
from tests.browser.conftest import OpenPage
from tests.browser.desk_actions import PressCounter, add_account, add_demo_cases, sign_in
from tests.browser.live_app import LiveApp
from tests.browser.test_officer_in_browser import fill_form, open_form
from tests.support.happy_path import happy_path
from tests.support.paths import ROOT

PICTURES = Path(__file__).parent / "pictures"
README = ROOT / "README.md"
NAMES = ("queue", "referral", "chat", "officer")


def test_the_readme_shows_what_people_see(opens: OpenPage, site: LiveApp, tmp_path: Path) -> None:
    folder = PICTURES if os.environ.get("RECORD") else tmp_path
    capture_desk(opens, site, folder)
    capture_chat(opens(), folder)
    capture_officer(opens(wide=True), site, folder)
    for name in NAMES:
        assert (folder / f"{name}.png").stat().st_size > 10_000
        assert (PICTURES / f"{name}.png").exists()
        assert f"tests/browser/pictures/{name}.png" in README.read_text("utf-8")


def capture_desk(opens: OpenPage, site: LiveApp, folder: Path) -> None:
    """Take the queue, and one referral that was claimed."""
    references = add_demo_cases(site)
    page = opens(wide=True)
    sign_in(page, site, add_account(site, "coordinator", "carys"))
    page.goto("/desk/queue?view=all")
    page.screenshot(path=folder / "queue.png")
    page.goto(f"/desk/r/{references[0]}")
    PressCounter(page).press(say("en", "desk.acts.claim"))
    page.goto(f"/desk/r/{references[0]}")
    page.screenshot(path=folder / "referral.png")


def capture_chat(page: Page, folder: Path) -> None:
    """Take the chat in the middle of the questions."""
    start_chat(page)
    for step in happy_path()[:4]:
        do_step(page, step)
    wait_for_question(page, happy_path()[4].shown)
    page.screenshot(path=folder / "chat.png")


def capture_officer(page: Page, site: LiveApp, folder: Path) -> None:
    """Take the officer's page with its first answers."""
    open_form(page, site)
    fill_form(page, dict(list(QUICK_REFERRAL.items())[:6]))
    page.evaluate("window.scrollTo(0, 0)")
    page.screenshot(path=folder / "officer.png")
