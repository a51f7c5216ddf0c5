"""Accounts of staff: invited, taken up, signed in to, changed, disabled; and who locks out whom."""

import asyncio
import re
from dataclasses import replace
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import select, update

from bot.desk.guard import SESSION_COOKIE
from bot.desk.signin import passwords, totp
from bot.web.guard import network
from bot.web.qr import qr_code
from storage import logbook
from storage.accounts import staff
from storage.database import Database
from storage.tables import REFERRAL
from storage.web_tables import LOGBOOK, SIGN_IN, STAFF
from tests.harness.clock import START
from tests.harness.desk_fixtures import DeskApp, DeskBrowser

PASSWORD = "three green boats at noon"
SECRET = totp.new_secret()


async def add_account(desk: DeskApp, role: str, name: str) -> str:
    """Have an account with a password and an app; return its id."""
    kept = await passwords.hash_password_async(PASSWORD)
    with desk.database.unit(desk.clock()) as unit:
        code = staff.invite_staff(unit, name, role, "ada")
        id = staff.activate_account(unit, code, kept, SECRET)
    assert id is not None
    return id


def current_totp(desk: DeskApp) -> str:
    """Return the code that the app shows now."""
    return totp.code_of(SECRET, totp.time_step_at(desk.clock()))


async def signs_in(desk: DeskApp, browser: DeskBrowser, name: str, **but: str) -> httpx.Response:
    """Fill the form in and send it."""
    fields = {"name": name, "password": PASSWORD, "code": current_totp(desk), **but}
    browser.client.cookies.delete(
        SESSION_COOKIE
    ) if SESSION_COOKIE in browser.client.cookies else None
    return await browser.post("/desk/sign-in", **fields)


def logbook_entries(desk: DeskApp) -> list[logbook.LogbookLine]:
    """Return the logbook, the newest line first."""
    with desk.database.reading() as unit:
        return logbook.list_logbook_lines(unit)


# --- joining


async def test_somebody_joins_with_a_one_time_code_and_is_signed_in(desk: DeskApp) -> None:
    ada = await desk.signed_in("administrator", "ada")
    shown = await ada.submit_form("/desk/accounts", "/desk/accounts", name="Mira", role="mediator")
    code = re.search(r"([A-Z0-9]{4}-){4}[A-Z0-9]{4}", shown.text)
    assert code is not None
    assert f"/desk/join?code={quote(code[0])}" in shown.text
    mira = await desk.signed_out("mira's browser")
    form = await mira.get(f"/desk/join?code={code[0]}")
    assert f'value="{code[0]}"' in form.text
    scan = await mira.post("/desk/join", code=code[0], password=PASSWORD, again=PASSWORD)
    secret = re.search(r'rj-code">([A-Z2-7 ]+)<', scan.text)
    assert secret is not None
    assert "<svg" in scan.text
    app = totp.code_of(secret[1].replace(" ", ""), totp.time_step_at(desk.clock()))
    wrong = await mira.post("/desk/join/confirm", code=code[0], app="000000")
    assert wrong.status_code == 422
    done = await mira.post("/desk/join/confirm", code=code[0].lower(), app=app)
    assert done.headers["location"] == "/desk/"
    assert (await mira.get("/desk/account")).status_code == 200
    other = await desk.signed_out("another browser")
    again = await other.post("/desk/join", code=code[0], password=PASSWORD, again=PASSWORD)
    assert again.status_code == 403
    assert [line.action for line in logbook_entries(desk)][:4] == [
        "join",
        "sign_in",
        "join",
        "invite",
    ]


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("eleven char", "12 letters or more"),
        ("mira has a cat", "Your name"),
        ("password1234", "easy to guess"),
        ("aaaaaaaaaaaaaa", "easy to guess"),
        ("123456789012", "easy to guess"),
        ("passwordpassword", "easy to guess"),
        ("P4ssw0rd2026", "easy to guess"),
        ("qwertyuiop[]", "easy to guess"),
        ("abcabcabcabc", "easy to guess"),
        ("restorative1", "easy to guess"),
        ("password" * 3 + "three green boats at nine", "easy to guess"),  # 24 letters are scored
        ("x1" * 101, "200 letters"),
    ],
)
async def test_a_password_is_refused_only_for_being_easy(
    desk: DeskApp, password: str, says: str
) -> None:
    with desk.database.unit(desk.clock()) as unit:
        code = staff.invite_staff(unit, "mira", "mediator", "ada")
    nobody = await desk.signed_out()
    shown = await nobody.post("/desk/join", code=code, password=password, again=password)
    assert shown.status_code == 422
    assert says in shown.text
    assert password not in shown.text
    assert code in shown.text


def test_a_code_is_good_once_for_72_hours(database: Database) -> None:
    with database.unit(START) as unit:
        code = staff.invite_staff(unit, "mira", "mediator", "ada")
        assert (
            staff.redeem_staff_invitation(
                replace(unit, now=START + staff.INVITATION_LIFETIME), code
            )
            is None
        )
        assert staff.redeem_staff_invitation(unit, "ACDE" * 5) is None
        assert staff.redeem_staff_invitation(unit, code.lower().replace("-", " "))
        assert staff.redeem_staff_invitation(unit, code) is None


def test_a_name_is_given_once_for_ever(database: Database) -> None:
    with database.unit(START) as unit:
        staff.invite_staff(unit, "Mira", "mediator", "ada")
        staff.disable_account(unit, "mira")
        with pytest.raises(staff.AccountNameTaken):
            staff.invite_staff(unit, "MIRA", "mediator", "ada")
        for wrong in ("", "m", "a b", "x" * 41, "-mira", "mi\nra", "míra", "<b>"):
            with pytest.raises(staff.InvalidAccountName):
                staff.invite_staff(unit, wrong, "mediator", "ada")


# --- signing in


async def test_signing_in_needs_name_password_and_a_fresh_code(desk: DeskApp) -> None:
    await add_account(desk, "mediator", "mira")
    mira = await desk.signed_out("mira's browser")
    said = set()
    for but in (
        {"name": "nobody-here"},
        {"password": "three green boats at nine"},
        {"code": "000000"},
        {"code": ""},
        {"password": "x" * 5000},
    ):
        refused = await signs_in(desk, mira, **{"name": "mira", **but})
        assert refused.status_code == 403
        said.add(re.sub(r'value="[^"]*"', "", refused.text))
    assert len(said) == 1
    asked = await signs_in(desk, mira, "MIRA", next="/desk/account?done=ended")
    assert asked.headers["location"] == "/desk/account?done=ended"
    assert (await mira.get("/desk/account")).status_code == 200
    other = await desk.signed_out("another browser")
    assert (await signs_in(desk, other, "mira")).status_code == 403
    desk.clock.advance(seconds=30)
    assert (await signs_in(desk, other, "mira")).status_code == 303
    names = {line.target for line in logbook_entries(desk) if line.refused}
    assert names == {"mira", ""}


async def test_of_many_who_use_one_code_at_once_one_comes_in(desk: DeskApp) -> None:
    await add_account(desk, "mediator", "mira")
    browsers = [await desk.signed_out(f"seat {n}", f"192.0.2.{n}") for n in range(5)]
    answers = await asyncio.gather(*(signs_in(desk, one, "mira") for one in browsers))
    assert sorted(one.status_code for one in answers) == [303, 403, 403, 403, 403]


@pytest.mark.parametrize(
    "path", ["https://example.com/", "//example.com", "/\\example.com", "/desk\\..", "javascript:1"]
)
async def test_signing_in_never_leads_to_another_site(desk: DeskApp, path: str) -> None:
    await add_account(desk, "mediator", "mira")
    mira = await desk.signed_out()
    answer = await signs_in(desk, mira, "mira", next=path)
    assert answer.headers["location"] == "/desk/queue"


async def test_signing_out_ends_it_here_and_on_the_server(desk: DeskApp) -> None:
    await add_account(desk, "mediator", "mira")
    mira = await desk.signed_out("mira's browser")
    await signs_in(desk, mira, "mira")
    token = mira.client.cookies[SESSION_COOKIE]
    known = mira.client.cookies["known"]
    out = await mira.submit_form("/desk/account", "/desk/sign-out")
    assert out.headers["clear-site-data"] == '"cache", "cookies", "storage"'
    mira.client.cookies.clear()
    mira.client.cookies.set(SESSION_COOKIE, token, domain="desk.test", path="/")
    assert "sign-in?next=" in (await mira.get("/desk/account")).headers["location"]
    mira.client.cookies.clear()
    shown = await mira.get(out.headers["location"])
    assert "You are signed out." in shown.text
    assert mira.client.cookies["known"] == known
    mira.client.cookies.clear()
    await mira.get(out.headers["location"].replace("known=", "known=x"))
    assert "known" not in mira.client.cookies
    assert logbook_entries(desk)[0].action == "sign_out"


async def test_a_thousand_failures_of_others_never_lock_mira_out(desk: DeskApp) -> None:
    await add_account(desk, "mediator", "mira")
    mira = await desk.signed_out("mira's browser")
    assert (await signs_in(desk, mira, "mira")).status_code == 303
    out = await mira.submit_form("/desk/account", "/desk/sign-out")
    mira.client.cookies.clear()
    await mira.get(out.headers["location"])
    answers = []
    for n in range(100):
        attacker = await desk.signed_out(f"attacker {n}", f"198.51.100.{n}")
        answers += [await signs_in(desk, attacker, "mira", code="000000") for _ in range(10)]
    assert [one.status_code for one in answers[:10]] == [403] * 10
    assert {one.status_code for one in answers[10:]} == {429}
    assert "Try again after" in answers[-1].text
    refused = [line for line in logbook_entries(desk) if line.refused]
    assert len(refused) == 11
    desk.clock.advance(minutes=1)
    stranger = await desk.signed_out("a new browser", "203.0.113.9")
    assert (await signs_in(desk, stranger, "mira")).status_code == 429
    shown = await mira.get("/desk/sign-in")
    csrf = re.search(r'name="csrf" value="([^"]+)"', shown.text)
    assert csrf is not None
    assert (await signs_in(desk, mira, "mira", csrf=csrf[1])).status_code == 303


async def test_a_clock_that_was_ahead_keeps_nobody_signed_in(desk: DeskApp) -> None:
    before = await desk.signed_in("mediator", "mira")
    desk.clock.advance(days=1)
    assert (await before.get("/desk/queue")).status_code == 303
    ahead = await desk.signed_in("mediator", "mira")
    assert (await ahead.get("/desk/queue")).status_code == 200
    desk.clock.advance(days=-1)
    assert (await ahead.get("/desk/queue")).status_code == 303
    assert (await before.get("/desk/queue")).status_code == 200


async def test_one_address_fails_ten_times_then_waits(desk: DeskApp) -> None:
    attacker = await desk.signed_out()
    answers = [await signs_in(desk, attacker, f"name-{n}") for n in range(12)]
    assert [one.status_code for one in answers] == [403] * 10 + [429] * 2
    joining = await attacker.post("/desk/join", code="ACDE", password=PASSWORD, again=PASSWORD)
    assert joining.status_code == 429
    assert 0 < int(joining.headers["retry-after"]) <= 600


async def test_failures_at_once_are_all_counted(desk: DeskApp) -> None:
    await add_account(desk, "mediator", "mira")
    browsers = [await desk.signed_out(f"seat {n}", f"192.0.2.{n}") for n in range(15)]
    answers = await asyncio.gather(
        *(signs_in(desk, one, "mira", code="000000") for one in browsers)
    )
    assert sorted(one.status_code for one in answers) == [403] * 10 + [429] * 5


async def test_a_known_browser_has_a_limit_of_its_own(desk: DeskApp) -> None:
    await add_account(desk, "mediator", "mira")
    mira = await desk.signed_out("mira's browser")
    await signs_in(desk, mira, "mira")
    await mira.submit_form("/desk/account", "/desk/account/shortcuts", shortcuts="off")
    answers = [await signs_in(desk, mira, "mira", code="000000") for _ in range(12)]
    assert [one.status_code for one in answers] == [403] * 10 + [429] * 2
    stranger = await desk.signed_out("a new browser")
    desk.clock.advance(seconds=60)
    assert (await signs_in(desk, stranger, "mira")).status_code == 303


def test_a_whole_house_is_one_address() -> None:
    assert network("2001:db8:1:2::7") == network("2001:db8:1:2:ffff::9")
    assert network("2001:db8:1:2::7") != network("2001:db8:1:3::7")
    assert network("192.0.2.7") == "192.0.2.7"


async def test_a_password_is_kept_as_argon2id_of_64_mib(
    cheap_hashing: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds, memory = cheap_hashing
    monkeypatch.setattr(passwords, "ROUNDS", rounds)
    monkeypatch.setattr(passwords, "MEMORY", memory)
    kept = await passwords.hash_password_async(PASSWORD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await passwords.verify_password(PASSWORD, kept)
    assert not await passwords.verify_password(PASSWORD.upper(), kept)
    assert not await passwords.verify_password(PASSWORD, None)
    assert not await passwords.verify_password(PASSWORD, "not a hash")


def test_codes_are_those_of_the_standard() -> None:
    # RFC 6238, appendix B, SHA-1: the last six digits of the eight given there.
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert totp.code_of(secret, 59 // 30) == "287082"
    assert totp.code_of(secret, 1111111109 // 30) == "081804"
    step = totp.time_step_at(START)
    assert totp.matching_time_step(secret, totp.code_of(secret, step - 1), START) == step - 1
    assert totp.matching_time_step(secret, totp.code_of(secret, step + 2), START) is None
    assert totp.matching_time_step(secret, "٠٨١٨٠٤", START) is None


def test_a_picture_has_no_style_of_its_own() -> None:
    picture = qr_code("https://example.com/?a=<script>&b='\"")
    assert picture.startswith("<svg")
    assert "style" not in picture
    assert "script" not in picture


# --- one's own account


async def test_one_sees_and_ends_ones_own_sign_ins(desk: DeskApp) -> None:
    here = await desk.signed_in("mediator", "mira")
    there = await desk.signed_in("mediator", "mira")
    third = await desk.signed_in("mediator", "mira")
    omar = await desk.signed_in("mediator", "omar")
    shown = await here.get("/desk/account")
    assert shown.text.count("Password and code") == 3
    await here.post("/desk/account/sign-ins", id=omar.sign_in)
    assert (await omar.get("/desk/account")).status_code == 200
    await here.post("/desk/account/sign-ins", id=there.sign_in)
    assert (await there.get("/desk/account")).status_code == 303
    await here.post("/desk/account/sign-ins", id="others")
    assert (await third.get("/desk/account")).status_code == 303
    assert (await here.get("/desk/account")).status_code == 200


async def test_shortcuts_are_switched_off_and_on(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    await mira.submit_form("/desk/account", "/desk/account/shortcuts", shortcuts="off")
    assert 'data-shortcuts="off"' in (await mira.get("/desk/account")).text
    await mira.submit_form("/desk/account", "/desk/account/shortcuts", shortcuts="on")
    assert 'data-shortcuts="on"' in (await mira.get("/desk/account")).text


async def test_a_password_is_changed_with_the_old_one(desk: DeskApp) -> None:
    await add_account(desk, "mediator", "mira")
    here, there = await desk.signed_in("mediator", "mira"), await desk.signed_in("mediator", "mira")
    new = "a lighthouse in may"
    wrong = await here.post("/desk/account/password", password="no", new=new, again=new)
    assert wrong.status_code == 403
    differs = await here.post("/desk/account/password", password=PASSWORD, new=new, again="x")
    assert differs.status_code == 422
    done = await here.post("/desk/account/password", password=PASSWORD, new=new, again=new)
    assert done.headers["location"] == "/desk/account?done=password_changed"
    assert (await there.get("/desk/account")).status_code == 303
    assert (await here.get("/desk/account?done=password_changed")).status_code == 200
    nobody = await desk.signed_out()
    assert (await signs_in(desk, nobody, "mira")).status_code == 403
    assert (await signs_in(desk, nobody, "mira", password=new)).status_code == 303


# --- the administrator


async def test_nobody_is_disabled_while_owning_a_case(desk: DeskApp) -> None:
    ada = await desk.signed_in("administrator", "ada")
    mira = await desk.signed_in("mediator", "mira")
    reference = desk.add_referral(owner="mira")
    for act, more in (("disable", {}), ("role", {"role": "coordinator"})):
        stopped = await ada.post(f"/desk/accounts/{act}", name="mira", **more)
        assert stopped.status_code == 409
        assert reference in stopped.text
    assert (await mira.get("/desk/account")).status_code == 200
    with desk.database.unit() as unit:
        unit.conn.execute(update(REFERRAL).values(stage="closed"))
    done = await ada.post("/desk/accounts/disable", name="mira")
    assert done.headers["location"] == "/desk/accounts?done=disabled"
    answers = [await mira.get("/desk/account") for _ in range(100)]
    assert sum(one.status_code == 200 for one in answers) == 0
    with desk.database.reading() as unit:
        open_ = select(SIGN_IN.c.id).where(
            SIGN_IN.c.ended_at.is_(None), SIGN_IN.c.id == mira.sign_in
        )
        assert unit.conn.execute(open_).first() is None


async def test_inviting_again_takes_every_way_in_away(desk: DeskApp) -> None:
    await add_account(desk, "mediator", "mira")
    ada, mira = (
        await desk.signed_in("administrator", "ada"),
        await desk.signed_in("mediator", "mira"),
    )
    shown = await ada.post("/desk/accounts/invite-again", name="mira")
    assert "One-time code" in shown.text
    assert (await mira.get("/desk/account")).status_code == 303
    assert (await signs_in(desk, await desk.signed_out(), "mira")).status_code == 403
    with desk.database.reading() as unit:
        row = unit.conn.execute(select(STAFF).where(STAFF.c.name == "mira")).one()
    assert (row.password_hash, row.totp_secret, row.subject_fingerprint, row.joined_at) == (
        None,
    ) * 4


async def test_the_administrator_sees_accounts_and_changes_roles(desk: DeskApp) -> None:
    ada = await desk.signed_in("administrator", "ada")
    mira = await desk.signed_in("mediator", "mira")
    shown = (await ada.get("/desk/accounts")).text
    assert "mira" in shown
    assert "Open sign-ins: 1" in shown
    await ada.post("/desk/accounts/role", name="mira", role="coordinator")
    assert (await mira.get("/desk/account")).status_code == 303
    assert (await ada.post("/desk/accounts/role", name="mira", role="king")).status_code == 422
    assert (await ada.post("/desk/accounts/disable", name="ada")).status_code == 422
    assert (await ada.post("/desk/accounts/disable", name="zoe")).status_code == 422
    mira = await desk.signed_in("coordinator", "mira")
    await ada.post("/desk/accounts/end-sign-ins", name="mira")
    assert (await mira.get("/desk/account")).status_code == 303
    bad = await ada.post("/desk/accounts", name="<b>", role="mediator")
    assert bad.status_code == 422
    assert "<b>" not in bad.text


# --- the logbook


async def test_the_coordinator_reads_the_logbook_and_sees_a_change(desk: DeskApp) -> None:
    carys = await desk.signed_in("coordinator", "carys")
    omar = await desk.signed_in("mediator", "omar")
    await omar.get("/desk/logbook")
    await omar.get("/desk/accounts")
    await carys.post("/desk/account/sign-ins", id="others")
    shown = (await carys.get("/desk/logbook?about=OMAR")).text
    assert shown.count("<time") == 2
    assert "Refused" in shown
    assert "The logbook is whole" in shown
    assert "There are no such lines" in (await carys.get("/desk/logbook?about=zoe")).text
    with desk.database.unit() as unit:
        unit.conn.execute(update(LOGBOOK).where(LOGBOOK.c.n == 1).values(actor="mira"))
    assert "was changed or lost" in (await carys.get("/desk/logbook")).text
