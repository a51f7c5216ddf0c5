"""The pages of one program over HTTPS, for browsers that nobody is signed in with."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import httpx

from bot.serve import Program
from flows.officers import Officer
from storage.chats import officers, one_time_links
from storage.chats.one_time_links import LinkKind
from tests.harness.app import App, answering
from tests.harness.clock import FakeClock

PAGES_URL = "https://pages.example"
AFTER_LINK_EXPIRY = timedelta(minutes=16)


def field_value(page: httpx.Response | str, name: str) -> str:
    """Return what a hidden or typed field of a page holds."""
    text = page if isinstance(page, str) else page.text
    found = re.search(rf'name="{name}"[^>]* value="([^"]*)"', text)
    assert found, f"no field {name} in {text[:2000]}"
    return found[1]


class PagesApp(App):
    """The program's pages, with the browsers that look at them."""

    def browser(self) -> httpx.AsyncClient:
        """Return a browser that nobody has used yet; it follows where it is sent."""
        return self.client(PAGES_URL, Sec_Fetch_Site="same-origin")

    def invite(self, officer: Officer) -> str:
        """Return the path of an officer's invitation."""
        with self.database.unit(self.clock()) as unit:
            code = officers.invite_officer(unit, officer)
        return f"/officer/i/{code}"

    def make_link(self, kind: LinkKind, channel: str, address: str, minutes: int = 15) -> str:
        """Return a code of some kind for a chat."""
        with self.database.unit(self.clock()) as unit:
            return one_time_links.issue_link(unit, kind, channel, address, minutes)


@asynccontextmanager
async def open_pages(running: Program, clock: FakeClock) -> AsyncIterator[PagesApp]:
    """Give the pages while everything that comes in is answered and shown in the background."""
    async with AsyncExitStack() as stack, answering(running):
        yield PagesApp(running, clock, stack, running.pages())
