"""The desk with people signed in, for each test; a pytest plugin, its fixture is `desk`."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import httpx
import pytest

from bot.desk.guard import BROWSER_COOKIE, SESSION_COOKIE
from bot.serve import Program
from flows.vocabulary import Queue
from storage.accounts import sign_ins, staff
from storage.accounts.sign_ins import SignInMethod
from storage.database import Database
from storage.referrals import acts, lifecycle
from storage.serialization import dumps
from storage.vault import Vault
from tests.harness.app import App, build_app
from tests.harness.clock import FakeClock
from tests.support.builders import make_record

DESK_URL = "http://desk.test"


@dataclass(slots=True)
class DeskBrowser:
    """A browser at the desk, of somebody signed in or of nobody (name and role are "")."""

    client: httpx.AsyncClient
    vault: Vault
    name: str = ""
    role: str = ""
    sign_in: str = ""
    seat: str = field(default="a seat of a test")

    @property
    def csrf(self) -> str:
        """Return what a form of this browser carries."""
        return self.vault.fingerprint(dumps(["form", self.seat, self.sign_in]))

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Open a page; a header is written with _ for -."""
        return await self.client.get(path, headers=_header_names(headers))

    async def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form, as a page of ours would: with its csrf, unless the test gives another."""
        return await self.client.post(path, data={"csrf": self.csrf, **fields})

    async def post_raw(self, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
        """Send just these fields, with headers of the test's own; no csrf is added."""
        return await self.client.post(path, data=fields, headers=_header_names(headers))

    async def submit_form(self, path: str, action: str, **fields: str) -> httpx.Response:
        """Open a page and send its form to `action`, with the csrf that stands in the page."""
        shown = await self.get(path)
        assert f'action="{action}"' in shown.text, f"no form to {action} on {path}"
        found = re.search(r'name="csrf" value="([^"]+)"', shown.text)
        assert found is not None
        return await self.client.post(action, data={"csrf": found[1], **fields})


class DeskApp(App):
    """One running desk, and the browsers in front of it."""

    def add_account(self, role: str, name: str) -> str:
        """Have an account that was taken up; return its id."""
        with self.database.reading() as unit:
            member = staff.find_account(unit, name)
        if member:
            return member.id
        with self.database.unit(self.clock()) as unit:
            code = staff.invite_staff(unit, name, role, "ada")
            id = staff.redeem_staff_invitation(unit, code)
        assert id is not None
        return id

    def add_referral(
        self, reference: str = "AAAA-CCCC", queue: str = "adults", owner: str | None = None
    ) -> str:
        """Have a referral in a queue, claimed by somebody or by nobody; return its reference."""
        record = replace(
            make_record(reference), queue=Queue(queue), due=self.clock() + timedelta(days=2)
        )
        with self.database.unit() as unit:
            lifecycle.hand_over(unit, record, None)
            if owner:
                acts.claim(unit, reference, owner)
        return reference

    async def signed_in(self, role: str, name: str) -> DeskBrowser:
        """Return a browser in which somebody is signed in; a new one at each call."""
        id = self.add_account(role, name)
        with self.database.unit(self.clock()) as unit:
            token = sign_ins.begin_sign_in(unit, id, SignInMethod.PASSWORD)
            signed = sign_ins.signed_in_staff(unit, token)
        assert signed is not None
        browser = await self.signed_out(f"seat of {name} {signed.id}")
        browser.name, browser.role, browser.sign_in = name, role, signed.id
        browser.client.cookies.set(SESSION_COOKIE, token, domain="desk.test", path="/")
        return browser

    async def signed_out(self, seat: str = "a seat", address: str = "192.0.2.7") -> DeskBrowser:
        """Return a browser in which nobody is signed in, at an address of its own."""
        client = self.client(DESK_URL, address, follow_redirects=False, Origin=DESK_URL)
        plain = re.sub(r"\W", "-", seat)
        client.cookies.set(BROWSER_COOKIE, plain, domain="desk.test", path="/")
        return DeskBrowser(client, self.vault, seat=plain)


@asynccontextmanager
async def open_desk(running: Program, clock: FakeClock) -> AsyncIterator[DeskApp]:
    """Give the desk of a program; what comes in is not answered."""
    async with AsyncExitStack() as stack:
        yield DeskApp(running, clock, stack, running.pages())


@pytest.fixture
async def desk(database: Database, clock: FakeClock) -> AsyncIterator[DeskApp]:
    """Give a desk on a fresh database; its clock stands at START until it is moved."""
    async with open_desk(build_app(database), clock) as made:
        yield made


def _header_names(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
