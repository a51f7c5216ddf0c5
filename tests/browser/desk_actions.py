"""What staff do at the desk, in a real browser; every press is counted."""

from dataclasses import dataclass
from datetime import datetime

import pyotp
from playwright.sync_api import Locator, Page, expect

from bot.cli.demo_data import add_demo_referrals
from bot.desk.signin import passwords
from flows.wording import say
from storage.accounts import staff
from tests.browser.live_app import LiveApp

PASSWORD = "four plain words here"


@dataclass(slots=True)
class StaffAccount:
    """One member of staff with an account: what they know, and the app on their telephone."""

    name: str
    role: str
    secret: str

    def code(self, now: datetime) -> str:
        """Return what their app shows now."""
        return pyotp.TOTP(self.secret).at(now)


def add_account(site: LiveApp, role: str, name: str) -> StaffAccount:
    """Have an account that was taken up."""
    now = site.clock()
    secret = pyotp.random_base32()
    with site.database.unit(now) as unit:
        code = staff.invite_staff(unit, name, role, "ada")
        assert staff.activate_account(unit, code, passwords.hash_password(PASSWORD), secret)
    return StaffAccount(name, role, secret)


def add_demo_cases(site: LiveApp) -> list[str]:
    """Put the made-up cases in the queue; return their references."""
    with site.database.unit(site.clock()) as unit:
        return add_demo_referrals(unit)


def sign_in(page: Page, site: LiveApp, member: StaffAccount, path: str = "/desk/queue") -> None:
    """Open a page of the desk, sign in on the way, and arrive there."""
    page.goto(path)
    page.get_by_label(say("en", "desk.signing_in.name")).fill(member.name)
    page.get_by_label(say("en", "desk.signing_in.password")).fill(PASSWORD)
    page.get_by_label(say("en", "desk.signing_in.code")).fill(member.code(site.clock()))
    page.get_by_role("button", name=say("en", "desk.signing_in.enter"), exact=True).click()
    expect(page).to_have_url(f"{site.address}{path}")
    page.wait_for_load_state("load")  # until then the page's script hears no keys


@dataclass(slots=True)
class PressCounter:
    """A hand that counts what it presses."""

    page: Page
    pressed: int = 0

    def press(self, name: str, role: str = "button") -> None:
        """Press a button, link or choice by the words on it."""
        self.click(self.locate(name, role))

    def press_and_load(self, name: str) -> None:
        """Press a button by the words on it, and wait for the page that it loads."""
        with self.page.expect_event("load"):
            self.press(name)

    def click(self, what: Locator) -> None:
        """Press something."""
        what.click()
        self.pressed += 1

    def locate(self, name: str, role: str = "button") -> Locator:
        """Return what bears these words."""
        return self.page.get_by_role(role, name=name, exact=True).first  # type: ignore[arg-type]
