"""Joining the desk, and a passkey, in a real browser with a device of its own."""

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from flows.wording import say
from storage.accounts import staff
from tests.browser.conftest import OpenPage
from tests.browser.desk_actions import PASSWORD, add_account, sign_in
from tests.browser.live_app import LiveApp
from tests.browser.page_checks import axe_violations, horizontal_overflow


def desk_text(key: str, **blanks: object) -> str:
    """Return what the desk says."""
    return say("en", f"desk.{key}", **blanks)


def invite_code(site: LiveApp, name: str) -> str:
    """Return the one-time code of somebody who was invited."""
    with site.database.unit(site.clock()) as unit:
        return staff.invite_staff(unit, name, "mediator", "ada")


def check_page(page: Page) -> None:
    """Check a page with axe, and that it fits."""
    assert axe_violations(page) == []
    assert horizontal_overflow(page) == 0


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_mira_joins_on_a_phone(opens: OpenPage, site: LiveApp, script: bool) -> None:
    page = opens(script=script)
    page.goto(f"/desk/join?code={invite_code(site, 'mira')}")
    go_on = page.get_by_role("button", name=desk_text("invitation.go_on"), exact=True)
    page.get_by_label(desk_text("invitation.password"), exact=True).fill("short")
    go_on.click()
    expect(page.get_by_role("alert")).to_contain_text(desk_text("people.errors.short"))
    if script:
        check_page(page)
    page.get_by_label(desk_text("invitation.password"), exact=True).fill(PASSWORD)
    page.get_by_label(desk_text("invitation.again"), exact=True).fill(PASSWORD)
    go_on.click()
    expect(page.get_by_role("img", name=desk_text("invitation.scan.picture"))).to_be_visible()
    if script:
        check_page(page)
    secret = page.locator(".rj-code").inner_text().replace(" ", "")
    finish = page.get_by_role("button", name=desk_text("invitation.scan.finish"), exact=True)
    page.get_by_label(desk_text("invitation.scan.app")).fill("000000")
    finish.click()
    expect(page.get_by_role("alert")).to_contain_text(desk_text("people.errors.app"))
    page.get_by_label(desk_text("invitation.scan.app")).fill(pyotp.TOTP(secret).at(site.clock()))
    finish.click()
    expect(page).to_have_url(f"{site.address}/desk/queue")


def test_wrong_at_sign_in_is_told_on_a_sound_page(opens: OpenPage, site: LiveApp) -> None:
    page = opens()
    page.goto("/desk/sign-in")
    page.get_by_label(desk_text("signing_in.name")).fill("mira")
    page.get_by_role("button", name=desk_text("signing_in.enter"), exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(desk_text("signing_in.errors.wrong"))
    check_page(page)


def test_a_passkey_is_added_and_signs_in(chromium: Browser, site: LiveApp) -> None:
    """A passkey is for a name, not for a number: the site is called localhost here."""
    address = site.address.replace("127.0.0.1", "localhost")
    context = chromium.new_context(base_url=address)
    page = context.new_page()
    device = context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    own = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
    able = {"hasUserVerification": True, "isUserVerified": True}
    device.send("WebAuthn.addVirtualAuthenticator", {"options": {**own, **able}})
    mira = add_account(site, "mediator", "mira")
    site.address = address
    sign_in(page, site, mira, "/desk/account")
    page.locator("#passkey-password").fill(PASSWORD)
    page.get_by_role("button", name=desk_text("account.passkeys.add"), exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(desk_text("account.done.passkey_added"))
    assert axe_violations(page) == []
    page.get_by_role("button", name=desk_text("layout.sign_out"), exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(desk_text("signing_in.out"))
    page.get_by_role("button", name=desk_text("signing_in.by_passkey"), exact=True).click()
    expect(page).to_have_url(f"{address}/desk/queue")
    context.close()
