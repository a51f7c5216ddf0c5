"""The administrator's pages: who has an account, in which role, and who is signed in."""

from collections.abc import Callable, Mapping
from urllib.parse import quote

from starlette.responses import Response

from bot.desk.guard import DeskRequest, DeskRoute
from bot.desk.permissions import Role
from bot.web.qr import qr_code
from storage.accounts import sign_ins, staff
from storage.unit import Unit

_FLASH_KEYS = ("role", "disabled", "ended")


async def show_accounts(
    request: DeskRequest, status: int = 200, wrong: Mapping[str, str] | None = None, **more: object
) -> Response:
    """Return the list of accounts; with `wrong` or `more`, what could not be done and why."""
    return request.render(
        "people/accounts.html",
        status,
        members=await request.read(staff.list_accounts),
        sign_ins=await request.read(sign_ins.list_sign_ins_by_account),
        roles=list(Role),
        wrong=wrong or {},
        name=request.form.get("name", "")[:60] if wrong else "",
        done=request.query_in("done", _FLASH_KEYS),
        **{"stopped": "", "about": "", "references": [], **more},
    )


async def invite_member(request: DeskRequest) -> Response:
    """Make an account; the next page shows its one-time code once."""
    name, role = request.form.get("name", ""), request.form.get("role", "")
    if role not in set(Role):
        return await show_accounts(request, 422, {"role": "role"})

    def make(unit: Unit) -> str:
        code = staff.invite_staff(unit, name, role, request.actor)
        request.log(unit, "invite", staff.normalize_account_name(name), role)
        return code

    try:
        code = await request.write(make)
    except staff.InvalidAccountName:
        return await show_accounts(request, 422, {"name": "name"})
    except staff.AccountNameTaken:
        return await show_accounts(request, 422, {"name": "taken"})
    return _code_page(request, staff.normalize_account_name(name), code)


async def reissue_invitation(request: DeskRequest) -> Response:
    """Take every way to sign in from an account, and show a new one-time code for it."""

    def again(unit: Unit, name: str) -> str:
        code = staff.reinvite_staff(unit, name, request.actor)
        request.log(unit, "invite_again", name)
        return code

    return await _change_account(request, again)


async def change_account_role(request: DeskRequest) -> Response:
    """Give an account another role; whoever has open referrals hands them over first."""
    role = request.form.get("role", "")
    if role not in set(Role):
        return await show_accounts(request, 422, {"role": "role"})

    def change(unit: Unit, name: str) -> None:
        staff.change_role(unit, name, role)
        request.log(unit, "change_role", name, role)

    return await _change_account(request, change, "role")


async def close_account(request: DeskRequest) -> Response:
    """Close an account; nobody can be disabled while owning a case."""

    def close(unit: Unit, name: str) -> None:
        staff.disable_account(unit, name)
        request.log(unit, "disable", name)

    return await _change_account(request, close, "disabled")


async def end_account_sessions(request: DeskRequest) -> Response:
    """End every sign-in of an account."""

    def end(unit: Unit, name: str) -> None:
        if staff.end_account_sign_ins(unit, name):
            request.log(unit, "sign_in_ended", name)

    return await _change_account(request, end, "ended")


async def _change_account(
    request: DeskRequest, change: Callable[[Unit, str], str | None], done: str = ""
) -> Response:
    """Do something to an account, or say why it cannot be done. Never to one's own.

    A code that comes of it is shown once; else the list says what was `done`.
    """
    name = request.form.get("name", "")
    if name == request.actor:
        return await show_accounts(request, 422, stopped="own", about=name)
    try:
        code = await request.write(change, name)
    except staff.NoSuchAccount:
        return await show_accounts(request, 422, stopped="nobody")
    except staff.OwnsOpenReferrals as owns:
        cases = owns.references
        await request.audit("owns_cases", name, "owns_cases", refused=True)
        return await show_accounts(request, 409, stopped="cases", about=name, references=cases)
    if code:
        return _code_page(request, name, code)
    return request.redirect(f"/desk/accounts?done={done}")


def _code_page(request: DeskRequest, name: str, code: str) -> Response:
    address = f"{request.public_root}/desk/join?code={quote(code)}"
    return request.render(
        "people/code.html", name=name, code=code, address=address, picture=qr_code(address)
    )


ROUTES = (
    DeskRoute("/desk/accounts", "GET", "accounts", show_accounts),
    DeskRoute("/desk/accounts", "POST", "accounts", invite_member),
    DeskRoute("/desk/accounts/invite-again", "POST", "accounts", reissue_invitation),
    DeskRoute("/desk/accounts/role", "POST", "accounts", change_account_role),
    DeskRoute("/desk/accounts/disable", "POST", "accounts", close_account),
    DeskRoute("/desk/accounts/end-sign-ins", "POST", "accounts", end_account_sessions),
)
