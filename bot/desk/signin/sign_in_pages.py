"""The pages for signing in with a name, a password and a code, and for signing out."""

from datetime import timedelta

from sqlalchemy import Connection
from starlette.responses import Response

from bot.desk.guard import SIGNED, At, Page, within_the_desk
from bot.desk.signin import attempts, known_browsers, oidc, passwords, totp
from bot.desk.signin.attempts import Attempts
from bot.web import cookies
from storage import logbook
from storage.accounts import sign_ins, staff

FORGET = '"cache", "cookies", "storage"'
"""What the browser forgets at sign-out (https://www.w3.org/TR/clear-site-data/)."""
_TOLD = ("wrong", "organisation", "unlinked", "passkey")


async def show(at: At) -> Response:
    """Return the page to sign in on; whoever is signed in goes on to their work."""
    if at.signed:
        return at.go("/desk/")
    error = at.asked("error")
    response = await page(at, error if error in _TOLD else "")
    known_browsers.bring_back(at, response)
    return response


async def sign_in(at: At) -> Response:
    """Sign somebody in, or say that it did not work: the same words whatever was wrong."""
    name = at.form.get("name", "").strip().lower()[:60]
    account = await at.read(lambda session: staff.find(session, name))
    about = account.name if account else ""
    mark = known_browsers.mark(at, account.id) if account else ""
    counted = attempts.by_name(at, name, mark)
    async with counted.one_by_one():
        if counted.wait():
            return await limited(at, counted, about)
        staff_id = await _checked(at, name)
        if staff_id is None:
            counted.failed()
            await at.note("sign_in", about, "wrong", refused=True)
            return await page(at, "wrong", 403)
    return await let_in(at, staff_id, name, "password")


async def let_in(at: At, staff_id: str, name: str, how: str) -> Response:
    """Begin a sign-in whose proof was right, and go on to the page that was asked for."""
    vault = at.desk.vault

    def begin(conn: Connection) -> str:
        if at.signed:
            sign_ins.end(conn, at.signed.staff_id, at.signed.id, at.now)
        logbook.write(conn, vault, name, "sign_in", at.now, name, how)
        return sign_ins.begin(conn, vault, staff_id, how, at.now)

    token = await at.write(begin)
    asked = at.form.get("next", "")
    response = at.go(within_the_desk(asked) if asked else "/desk/")
    cookies.keep(response, SIGNED, token, at.desk.secure)
    known_browsers.remember(at, response, staff_id)
    return response


async def limited(at: At, counted: Attempts, about: str = "") -> Response:
    """Say when to try again, and what works meanwhile; one line an hour is written about it."""
    if counted.first_of_an_hour():
        await at.note("sign_in", about, "too_often", refused=True)
    until = at.now + timedelta(seconds=counted.wait() + 60)
    return await page(at, "", 429, until=until)


async def page(at: At, error: str = "", status: int = 200, **more: object) -> Response:
    """Return the page to sign in on. In the demo its fields are filled in."""
    ended = bool(cookies.read(at.request, SIGNED, at.desk.secure)) and not at.signed
    filled = {"name": at.form.get("name", "")[:60], "password": "", "code": ""}
    return at.page(
        "people/sign_in.html",
        status,
        error=error,
        next=at.form.get("next", "") or at.asked("next"),
        ended=ended,
        out=at.asked("out"),
        organisation=oidc.is_set(at.desk.settings),
        **(await _demo(at) or filled),
        **more,
    )


async def sign_out(at: At) -> Response:
    """End the sign-in here and on the server, and have the browser forget what it saw."""
    response = at.go(f"/desk/sign-in?out=yes&{known_browsers.KNOWN}={known_browsers.carried(at)}")
    response.headers["Clear-Site-Data"] = FORGET
    cookies.drop(response, SIGNED, at.desk.secure)
    signed = at.signed
    if signed is not None:

        def end(conn: Connection) -> None:
            sign_ins.end(conn, signed.staff_id, signed.id, at.now)
            logbook.write(conn, at.desk.vault, at.who, "sign_out", at.now, at.who)

        await at.write(end)
    return response


async def _checked(at: At, name: str) -> str | None:
    """Return the id of the account that password and code open; the code is used up."""
    found = await at.read(lambda session: staff.proofs(session, at.desk.vault, name))
    right = await passwords.fits(at.form.get("password", ""), found.password if found else None)
    if found is None or not right:
        return None
    step = totp.step_of(found.secret, at.form.get("code", ""), at.now)
    if step is None:
        return None
    fresh = await at.write(lambda conn: staff.use_step(conn, found.staff_id, step))
    return found.staff_id if fresh else None


async def _demo(at: At) -> dict[str, str] | None:
    """Return what the demo fills in: its name, its password, and a code that is good now."""
    demo = at.desk.demo
    if demo is None:
        return None
    found = await at.read(lambda session: staff.proofs(session, at.desk.vault, demo["name"]))
    code = totp.unused(demo["totp"], found.last_step, at.now) if found else ""
    return {"name": demo["name"], "password": demo["password"], "code": code}


PAGES = (
    Page("/desk/sign-in", "GET", "sign_in", show),
    Page("/desk/sign-in", "POST", "sign_in", sign_in),
    Page("/desk/sign-out", "POST", "sign_in", sign_out),
)
