"""The pages of one program over HTTP, answered and delivered in the background, on one clock."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware

from bot.channels import web
from bot.desk.routes import routes as desk_routes
from bot.pipeline.deliver import Delivery
from bot.pipeline.respond import respond
from bot.serve import Running
from bot.web.headers import SecurityHeaders
from flows.conversation import Conversation, Officer
from flows.record import Record
from storage.chats import conversations, officers, one_time_links
from storage.referrals import lifecycle

PAGES_URL = "https://pages.example"


def field_value(page: httpx.Response | str, name: str) -> str:
    """Return what a hidden or typed field of a page holds."""
    text = page if isinstance(page, str) else page.text
    found = re.search(rf'name="{name}"[^>]* value="([^"]*)"', text)
    assert found, f"no field {name} in {text[:2000]}"
    return found[1]


@dataclass(slots=True)
class PagesApp:
    """The program's pages, with the browsers that look at them."""

    running: Running
    pages: Starlette
    browsers: list[httpx.AsyncClient] = field(default_factory=list)

    def browser(self) -> httpx.AsyncClient:
        """Return a browser that nobody has used yet; it follows where it is sent."""
        made = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.pages),
            base_url=PAGES_URL,
            follow_redirects=True,
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        self.browsers.append(made)
        return made

    def invite(self, officer: Officer) -> str:
        """Return the path of an officer's invitation."""
        with self.running.database.transaction() as conn:
            code = officers.invite_officer(conn, self.running.vault, officer, self.running.clock())
        return f"/officer/i/{code}"

    def make_link(self, kind: str, channel: str, address: str, minutes: int = 15) -> str:
        """Return a code of some kind for a chat."""
        running = self.running
        with running.database.transaction() as conn:
            now = running.clock()
            return one_time_links.issue_link(
                conn, running.vault, kind, channel, address, now, minutes
            )

    def conversation_of(self, channel: str, address: str) -> Conversation:
        """Return where a conversation stands."""
        with self.running.database.transaction() as conn:
            vault, now = self.running.vault, self.running.clock()
            return conversations.load_conversation(conn, vault, channel, address, now).conversation

    def sent_records(self) -> list[Record]:
        """Return every record that was handed over, the oldest first."""
        database, vault, now = self.running.database, self.running.vault, self.running.clock()
        with database.session() as session:
            entries = lifecycle.list_queue(session, vault, now, include_closed=True)
        entries.sort(key=lambda entry: entry.sent_at)
        with database.transaction() as conn:
            return [lifecycle.open_record(conn, vault, e.reference, "mira", now) for e in entries]


@asynccontextmanager
async def run_pages(running: Running) -> AsyncIterator[PagesApp]:
    """Give the pages while everything that comes in is answered and shown in the background."""
    routes = [*web.routes(running.web), *desk_routes(running.desk)]
    headers = [Middleware(SecurityHeaders, running.desk.secure)]
    site = PagesApp(running, Starlette(routes=routes, middleware=headers))
    woken = asyncio.Event()
    running.web.wake = woken.set
    running.desk.changed = woken.set
    delivery = Delivery(running.database, running.house, running.clock)

    async def answer() -> None:
        while True:
            await woken.wait()
            woken.clear()
            while await running.database.write(
                lambda conn: respond(conn, running.house, running.clock())
            ):
                pass
            while (await delivery.deliver_batch())[0]:
                pass

    task = asyncio.create_task(answer())
    try:
        yield site
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        for browser in site.browsers:
            await browser.aclose()


AFTER_LINK_EXPIRY = timedelta(minutes=16)
