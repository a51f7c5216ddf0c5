"""The pages on which an invited account is activated."""

from starlette.responses import Response

from bot.desk.guard import DeskRequest, DeskRoute
from bot.desk.signin import attempts, oidc, passwords, totp
from bot.desk.signin.attempts import AttemptLimits
from bot.desk.signin.sign_in_pages import rate_limited_page, start_session
from bot.web.qr import qr_code
from flows.wording import FIRST_LANGUAGE, say
from storage import logbook
from storage.accounts import staff
from storage.accounts.sign_ins import SignInMethod
from storage.accounts.staff import StaffAccount
from storage.unit import Unit


async def show_invitation(
    request: DeskRequest, wrong: dict[str, str] | None = None, status: int = 200
) -> Response:
    """Return the form; a code in the address is filled in, and stays unused."""
    return request.render(
        "people/join.html",
        status,
        wrong=wrong or {},
        code=request.form.get("code", "")[:60] or request.query("code"),
        organisation=oidc.is_configured(request.runtime.settings),
    )


async def choose_password(request: DeskRequest) -> Response:
    """Keep the chosen password for now and show the secret for the app to scan."""
    counted = attempts.limits_for_address(request)
    async with counted.serialized():
        if counted.retry_after():
            return await rate_limited_page(request, counted)
        member = await invited_member(request, counted)
        if member is None:
            return await show_invitation(request, {"code": "code"}, 403)
    password = request.form.get("password", "")
    if wrong := await passwords.password_problem(password, member.name):
        return await show_invitation(request, {"password": wrong}, 422)
    if password != request.form.get("again", ""):
        return await show_invitation(request, {"again": "again"}, 422)
    secret, kept = totp.new_secret(), await passwords.hash_password_async(password)

    def keep(unit: Unit) -> None:
        staff.set_password_hash(unit, member.id, kept)
        staff.set_totp_secret(unit, member.id, secret)

    await request.write(keep)
    return _totp_page(request, member, secret)


async def confirm_totp(request: DeskRequest) -> Response:
    """Use the invitation up once the app gives the right code, and sign in."""
    counted = attempts.limits_for_address(request)
    async with counted.serialized():
        if counted.retry_after():
            return await rate_limited_page(request, counted)
        member = await invited_member(request, counted)
        if member is None:
            return await show_invitation(request, {"code": "code"}, 403)
        secret = await request.read(staff.pending_totp_secret, member.id)
        if secret is None:
            return await show_invitation(request)
        step = totp.matching_time_step(secret, request.form.get("app", ""), request.now)
        if step is None:
            counted.record_failure()
            return _totp_page(request, member, secret, wrong=True)
    if not await request.write(_redeem_invitation, request, member, step):
        return await show_invitation(request, {"code": "code"}, 403)
    return await start_session(request, member.id, member.name, SignInMethod.PASSWORD)


async def invited_member(request: DeskRequest, counted: AttemptLimits) -> StaffAccount | None:
    """Return whose invitation the form carries; one that is not good counts as a failure."""
    found = await request.read(staff.find_invited_account, request.form.get("code", ""))
    if found is None:
        counted.record_failure()
        await request.audit("join", "", "no_invitation", refused=True)
    return found


def _redeem_invitation(unit: Unit, request: DeskRequest, member: StaffAccount, step: int) -> bool:
    if staff.redeem_staff_invitation(unit, request.form.get("code", "")) != member.id:
        return False
    staff.consume_time_step(unit, member.id, step)
    logbook.add_logbook_line(unit, member.name, "join", member.name, SignInMethod.PASSWORD)
    return True


def _totp_page(
    request: DeskRequest, member: StaffAccount, secret: str, wrong: bool = False
) -> Response:
    service = say(FIRST_LANGUAGE, "desk.layout.name")
    return request.render(
        "people/scan.html",
        422 if wrong else 200,
        wrong=wrong,
        code=request.form.get("code", "")[:60],
        name=member.name,
        secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        picture=qr_code(totp.provisioning_uri(secret, member.name, service)),
    )


ROUTES = (
    DeskRoute("/desk/join", "GET", "sign_in", show_invitation),
    DeskRoute("/desk/join", "POST", "sign_in", choose_password),
    DeskRoute("/desk/join/confirm", "POST", "sign_in", confirm_totp),
)
