"""A browser, a site for it, and people at it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from storage.database import Database
from tests.browser.live_app import LiveApp
from tests.browser.page_checks import forbid_outside_requests

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CHROMIUM_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 800}
PATIENCE = 30_000
"""Milliseconds that a page may take on a machine with much else to do."""

SCRIPTS_AND_SIZES = (
    pytest.param(True, False, id="script-phone"),
    pytest.param(False, True, id="plain-desktop"),
    pytest.param(True, True, id="script-desktop", marks=pytest.mark.thorough),
    pytest.param(False, False, id="plain-phone", marks=pytest.mark.thorough),
)
"""With and without JavaScript, on a phone and at a desk; a thorough run tries all four."""

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Give Debian's Chromium to the tests of a module.

    Not to all of them: while it is there, the tests that are coroutines could not run.
    """
    if CHROMIUM is None:
        pytest.skip("There is no Chromium here. Type: apt-get install chromium")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def site(database: Database) -> Iterator[LiveApp]:
    """Give a running site on a database of its own."""
    running = LiveApp(database)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def opens(chromium: Browser, site: LiveApp) -> Iterator[OpenPage]:
    """Give what opens a browser of somebody's own; nothing from elsewhere may be asked for."""
    with ExitStack() as stack:

        def opened(wide: bool = False, script: bool = True, zoom: int = 1) -> Page:
            size = DESKTOP if wide else PHONE
            # Zooming in leaves that many times fewer CSS pixels on the same glass.
            view = {side: pixels // zoom for side, pixels in size.items()}
            context = chromium.new_context(
                viewport={"width": view["width"], "height": view["height"]},
                java_script_enabled=script,
                device_scale_factor=zoom,
                base_url=site.address,
                reduced_motion="reduce",
            )
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(PATIENCE)
            stack.enter_context(forbid_outside_requests(page, site.address))
            return page

        yield opened
