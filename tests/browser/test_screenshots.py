"""The README's pictures, taken of the real pages; RECORD=1 keeps them."""

import os
from pathlib import Path

from playwright.sync_api import Page

from flows.wording import say
from tests.bot.channels.web.test_officer_page import QUICK
from tests.browser.chat_actions import asked, begins, does
from tests.browser.conftest import Opens
from tests.browser.desk_actions import Hand, has_account, has_cases, signs_in
from tests.browser.live_app import Site
from tests.browser.test_officer_in_browser import comes_in, fills_in
from tests.support.happy_path import way
from tests.support.paths import ROOT

PICTURES = Path(__file__).parent / "pictures"
README = ROOT / "README.md"
NAMES = ("queue", "referral", "chat", "officer")


def test_the_readme_shows_what_people_see(opens: Opens, site: Site, tmp_path: Path) -> None:
    folder = PICTURES if os.environ.get("RECORD") else tmp_path
    of_the_desk(opens, site, folder)
    of_the_chat(opens(), folder)
    of_an_officer(opens(wide=True), site, folder)
    for name in NAMES:
        assert (folder / f"{name}.png").stat().st_size > 10_000
        assert (PICTURES / f"{name}.png").exists()
        assert f"tests/browser/pictures/{name}.png" in README.read_text("utf-8")


def of_the_desk(opens: Opens, site: Site, folder: Path) -> None:
    """Take the queue, and one referral that was claimed."""
    references = has_cases(site)
    page = opens(wide=True)
    signs_in(page, site, has_account(site, "coordinator", "carys"))
    page.goto("/desk/queue?view=all")
    page.screenshot(path=folder / "queue.png")
    page.goto(f"/desk/r/{references[0]}")
    Hand(page).presses(say("en", "desk.acts.claim"))
    page.goto(f"/desk/r/{references[0]}")
    page.screenshot(path=folder / "referral.png")


def of_the_chat(page: Page, folder: Path) -> None:
    """Take the chat in the middle of the questions."""
    begins(page)
    for step in way()[:4]:
        does(page, step)
    asked(page, way()[4].shown)
    page.screenshot(path=folder / "chat.png")


def of_an_officer(page: Page, site: Site, folder: Path) -> None:
    """Take the officer's page with its first answers."""
    comes_in(page, site)
    fills_in(page, dict(list(QUICK.items())[:6]))
    page.evaluate("window.scrollTo(0, 0)")
    page.screenshot(path=folder / "officer.png")
