"""Joining the desk, and a passkey, in a real browser with a device of its own."""

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from flows.wording import say
from storage.accounts import staff
from tests.browser.conftest import Opens
from tests.browser.desk_actions import PASSWORD, has_account, signs_in
from tests.browser.live_app import Site
from tests.browser.page_checks import runs_over, violations


def words(key: str, **blanks: object) -> str:
    """Return what the desk says."""
    return say("en", f"desk.{key}", **blanks)


def invited(site: Site, name: str) -> str:
    """Return the one-time code of somebody who was invited."""
    with site.database.transaction() as conn:
        return staff.invite(conn, site.vault, name, "mediator", "ada", site.clock.now())


def is_sound(page: Page) -> None:
    """Check a page with axe, and that it fits."""
    assert violations(page) == []
    assert runs_over(page) == 0


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_mira_joins_on_a_phone(opens: Opens, site: Site, script: bool) -> None:
    page = opens(script=script)
    page.goto(f"/desk/join?code={invited(site, 'mira')}")
    go_on = page.get_by_role("button", name=words("joining.go_on"), exact=True)
    page.get_by_label(words("joining.password"), exact=True).fill("short")
    go_on.click()
    expect(page.get_by_role("alert")).to_contain_text(words("people.errors.short"))
    if script:
        is_sound(page)
    page.get_by_label(words("joining.password"), exact=True).fill(PASSWORD)
    page.get_by_label(words("joining.again"), exact=True).fill(PASSWORD)
    go_on.click()
    expect(page.get_by_role("img", name=words("joining.scan.picture"))).to_be_visible()
    if script:
        is_sound(page)
    secret = page.locator(".rj-code").inner_text().replace(" ", "")
    finish = page.get_by_role("button", name=words("joining.scan.finish"), exact=True)
    page.get_by_label(words("joining.scan.app")).fill("000000")
    finish.click()
    expect(page.get_by_role("alert")).to_contain_text(words("people.errors.app"))
    page.get_by_label(words("joining.scan.app")).fill(pyotp.TOTP(secret).at(site.clock.now()))
    finish.click()
    expect(page).to_have_url(f"{site.address}/desk/queue")


def test_wrong_at_sign_in_is_told_on_a_sound_page(opens: Opens, site: Site) -> None:
    page = opens()
    page.goto("/desk/sign-in")
    page.get_by_label(words("signing_in.name")).fill("mira")
    page.get_by_role("button", name=words("signing_in.enter"), exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(words("signing_in.errors.wrong"))
    is_sound(page)


def test_a_passkey_is_added_and_signs_in(chromium: Browser, site: Site) -> None:
    """A passkey is for a name, not for a number: the site is called localhost here."""
    address = site.address.replace("127.0.0.1", "localhost")
    context = chromium.new_context(base_url=address)
    page = context.new_page()
    device = context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    own = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
    able = {"hasUserVerification": True, "isUserVerified": True}
    device.send("WebAuthn.addVirtualAuthenticator", {"options": {**own, **able}})
    mira = has_account(site, "mediator", "mira")
    site.address = address
    signs_in(page, site, mira, "/desk/account")
    page.locator("#passkey-password").fill(PASSWORD)
    page.get_by_role("button", name=words("account.passkeys.add"), exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(words("account.done.passkey_added"))
    assert violations(page) == []
    page.get_by_role("button", name=words("frame.sign_out"), exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(words("signing_in.out"))
    page.get_by_role("button", name=words("signing_in.by_passkey"), exact=True).click()
    expect(page).to_have_url(f"{address}/desk/queue")
    context.close()
