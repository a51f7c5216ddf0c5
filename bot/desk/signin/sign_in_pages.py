"""The pages for signing in with a name, a password and a code, and for signing out."""

from datetime import timedelta
from urllib.parse import urlsplit

from starlette.responses import Response

from bot.desk.guard import SESSION_COOKIE, DeskRequest, DeskRoute
from bot.desk.signin import attempts, known_browsers, oidc, passwords, totp
from bot.desk.signin.attempts import AttemptLimits
from bot.web import cookies
from storage import logbook
from storage.accounts import sign_ins, staff
from storage.accounts.sign_ins import SignInMethod
from storage.unit import Unit

CLEAR_SITE_DATA = '"cache", "cookies", "storage"'
"""What the browser forgets at sign-out (https://www.w3.org/TR/clear-site-data/)."""
_ERROR_KEYS = ("wrong", "organisation", "unlinked", "passkey")


async def show_sign_in(request: DeskRequest) -> Response:
    """Return the page to sign in on; whoever is signed in goes on to their work."""
    if request.staff_session:
        return request.redirect("/desk/")
    response = await sign_in_page(request, request.query_in("error", _ERROR_KEYS))
    known_browsers.restore_cookie(request, response)
    return response


async def sign_in(request: DeskRequest) -> Response:
    """Sign somebody in, or say that it did not work: the same words whatever was wrong."""
    name = request.form.get("name", "").strip().lower()[:60]
    account = await request.read(staff.find_account, name)
    target = account.name if account else ""
    mark = known_browsers.known_device_token(request, account.id) if account else ""
    counted = attempts.limits_for_account(request, name, mark)
    async with counted.serialized():
        if counted.retry_after():
            return await rate_limited_page(request, counted, target)
        staff_id = await _verify_credentials(request, name)
        if staff_id is None:
            counted.record_failure()
            await request.audit("sign_in", target, "wrong", refused=True)
            return await sign_in_page(request, "wrong", 403)
    return await start_session(request, staff_id, name, SignInMethod.PASSWORD)


async def start_session(
    request: DeskRequest, staff_id: str, name: str, method: SignInMethod
) -> Response:
    """Begin a sign-in whose proof was right, and go on to the page that was asked for."""

    def begin(unit: Unit) -> str:
        if request.staff_session:
            sign_ins.end_sign_in(unit, request.staff_session.staff_id, request.staff_session.id)
        logbook.add_logbook_line(unit, name, "sign_in", name, method)
        return sign_ins.begin_sign_in(unit, staff_id, method)

    token = await request.write(begin)
    asked = request.form.get("next", "")
    response = request.redirect(_safe_redirect_path(asked) if asked else "/desk/")
    cookies.set_cookie(response, SESSION_COOKIE, token, request.runtime.secure)
    known_browsers.remember(request, response, staff_id)
    return response


async def rate_limited_page(
    request: DeskRequest, limits: AttemptLimits, target: str = ""
) -> Response:
    """Say when to try again, and what works meanwhile; one line an hour is written about it."""
    if limits.first_limit_this_hour():
        await request.audit("sign_in", target, "too_often", refused=True)
    seconds = limits.retry_after()
    until = request.now + timedelta(seconds=seconds + 60)
    response = await sign_in_page(request, "", 429, until=until)
    response.headers["Retry-After"] = str(seconds)
    return response


async def sign_in_page(
    request: DeskRequest, error: str = "", status: int = 200, **more: object
) -> Response:
    """Return the page to sign in on. In the demo its fields are filled in."""
    filled = {"name": request.form.get("name", "")[:60], "password": "", "code": ""}
    return request.render(
        "people/sign_in.html",
        status,
        error=error,
        next=request.form.get("next", "") or request.query("next"),
        ended=bool(request.token) and not request.staff_session,
        out=request.query("out"),
        organisation=oidc.is_configured(request.runtime.settings),
        **(await _demo_credentials(request) or filled),
        **more,
    )


async def sign_out(request: DeskRequest) -> Response:
    """End the sign-in here and on the server, and have the browser forget what it saw."""
    response = request.redirect(
        f"/desk/sign-in?out=yes&{known_browsers.KNOWN_COOKIE}={known_browsers.signed_cookie(request)}"
    )
    response.headers["Clear-Site-Data"] = CLEAR_SITE_DATA
    cookies.delete_cookie(response, SESSION_COOKIE, request.runtime.secure)
    signed = request.staff_session
    if signed is not None:

        def end(unit: Unit) -> None:
            sign_ins.end_sign_in(unit, signed.staff_id, signed.id)
            request.log(unit, "sign_out", request.actor)

        await request.write(end)
    return response


def _safe_redirect_path(path: str) -> str:
    """Return a path if it leads to a page of the desk, else the queue's: never to another site."""
    parts = urlsplit(path)
    inside = not parts.scheme and not parts.netloc and path.startswith("/desk/")
    return path if inside and "\\" not in path else "/desk/queue"


async def _verify_credentials(request: DeskRequest, name: str) -> str | None:
    """Return the id of the account that password and code open; the code is used up."""
    found = await request.read(staff.stored_credentials, name)
    kept, typed = found.password_hash if found else None, request.form.get("password", "")
    if not await passwords.verify_password(typed, kept) or found is None:
        return None
    step = totp.matching_time_step(found.totp_secret, request.form.get("code", ""), request.now)
    if step is None:
        return None
    fresh = await request.write(staff.consume_time_step, found.staff_id, step)
    return found.staff_id if fresh else None


async def _demo_credentials(request: DeskRequest) -> dict[str, str] | None:
    """Return what the demo fills in: its name, its password, and a code that is good now."""
    demo = request.runtime.demo
    if demo is None:
        return None
    found = await request.read(staff.stored_credentials, demo["name"])
    code = totp.unused_code(demo["totp"], found.last_time_step, request.now) if found else ""
    return {"name": demo["name"], "password": demo["password"], "code": code}


ROUTES = (
    DeskRoute("/desk/sign-in", "GET", "sign_in", show_sign_in),
    DeskRoute("/desk/sign-in", "POST", "sign_in", sign_in),
    DeskRoute("/desk/sign-out", "POST", "sign_in", sign_out),
)
