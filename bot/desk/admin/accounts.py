"""The administrator's pages: who has an account, in which role, and who is signed in."""

from collections.abc import Callable, Mapping
from urllib.parse import quote

from starlette.responses import Response

from bot.desk.guard import DeskRequest, DeskRoute
from bot.desk.permissions import Role
from bot.web.qr import qr_code
from storage import logbook
from storage.accounts import sign_ins, staff
from storage.accounts.staff import (
    AccountNameTaken,
    InvalidAccountName,
    NoSuchAccount,
    OwnsOpenReferrals,
)
from storage.unit import Unit

_FLASH_KEYS = ("role", "disabled", "ended")


async def show_accounts(request: DeskRequest) -> Response:
    """Return the list of accounts."""
    done = request.query("done")
    return await _accounts_page(request, done=done if done in _FLASH_KEYS else "")


async def invite_member(request: DeskRequest) -> Response:
    """Make an account; the next page shows its one-time code once."""
    name, role = request.form.get("name", ""), request.form.get("role", "")
    if role not in set(Role):
        return await _accounts_page(request, 422, wrong={"role": "role"})

    def make(unit: Unit) -> str:
        code = staff.invite_staff(unit, name, role, request.actor)
        _audit(unit, request, "invite", staff.normalize_account_name(name), role)
        return code

    try:
        code = await request.write(make)
    except InvalidAccountName:
        return await _accounts_page(request, 422, wrong={"name": "name"})
    except AccountNameTaken:
        return await _accounts_page(request, 422, wrong={"name": "taken"})
    return _code_page(request, staff.normalize_account_name(name), code)


async def reissue_invitation(request: DeskRequest) -> Response:
    """Take every way to sign in from an account, and show a new one-time code for it."""

    def again(unit: Unit, name: str) -> str:
        code = staff.reinvite_staff(unit, name, request.actor)
        _audit(unit, request, "invite_again", name)
        return code

    return await _change_account(request, again, lambda name, code: _code_page(request, name, code))


async def change_account_role(request: DeskRequest) -> Response:
    """Give an account another role; whoever has open referrals hands them over first."""
    role = request.form.get("role", "")
    if role not in set(Role):
        return await _accounts_page(request, 422, wrong={"role": "role"})

    def change(unit: Unit, name: str) -> str:
        staff.change_role(unit, name, role)
        _audit(unit, request, "change_role", name, role)
        return ""

    return await _change_account(
        request, change, lambda _name, _code: request.redirect("/desk/accounts?done=role")
    )


async def close_account(request: DeskRequest) -> Response:
    """Close an account; nobody can be disabled while owning a case."""

    def close(unit: Unit, name: str) -> str:
        staff.disable_account(unit, name)
        _audit(unit, request, "disable", name)
        return ""

    return await _change_account(
        request, close, lambda _name, _code: request.redirect("/desk/accounts?done=disabled")
    )


async def end_account_sessions(request: DeskRequest) -> Response:
    """End every sign-in of an account."""

    def end(unit: Unit, name: str) -> str:
        if staff.end_account_sign_ins(unit, name):
            _audit(unit, request, "sign_in_ended", name)
        return ""

    return await _change_account(
        request, end, lambda _name, _code: request.redirect("/desk/accounts?done=ended")
    )


async def _change_account(
    request: DeskRequest,
    change: Callable[[Unit, str], str],
    respond: Callable[[str, str], Response],
) -> Response:
    """Do something to an account, or say why it cannot be done. Never to one's own."""
    name = request.form.get("name", "")
    if name == request.actor:
        return await _accounts_page(request, 422, stopped="own", about=name)
    try:
        done = await request.write(change, name)
    except NoSuchAccount:
        return await _accounts_page(request, 422, stopped="nobody", about="")
    except OwnsOpenReferrals as owns:
        references = owns.references
        await request.audit("owns_cases", name, "owns_cases", refused=True)
        return await _accounts_page(
            request, 409, stopped="cases", about=name, references=references
        )
    return respond(name, done)


async def _accounts_page(
    request: DeskRequest, status: int = 200, wrong: Mapping[str, str] | None = None, **more: object
) -> Response:
    members = await request.read(staff.list_accounts)
    sessions = await request.read(sign_ins.list_sign_ins_by_account)
    values = {"done": "", "stopped": "", "about": "", "references": [], **more}
    return request.render(
        "people/accounts.html",
        status,
        members=members,
        sign_ins=sessions,
        roles=list(Role),
        wrong=wrong or {},
        name=request.form.get("name", "")[:60] if wrong else "",
        **values,
    )


def _code_page(request: DeskRequest, name: str, code: str) -> Response:
    own = request.public_root
    address = f"{own.rstrip('/')}/desk/join?code={quote(code)}"
    return request.render(
        "people/code.html", name=name, code=code, address=address, picture=qr_code(address)
    )


def _audit(unit: Unit, request: DeskRequest, action: str, name: str, reason: str = "") -> None:
    logbook.add_logbook_line(unit, request.actor, action, name, reason)


ROUTES = (
    DeskRoute("/desk/accounts", "GET", "accounts", show_accounts),
    DeskRoute("/desk/accounts", "POST", "accounts", invite_member),
    DeskRoute("/desk/accounts/invite-again", "POST", "accounts", reissue_invitation),
    DeskRoute("/desk/accounts/role", "POST", "accounts", change_account_role),
    DeskRoute("/desk/accounts/disable", "POST", "accounts", close_account),
    DeskRoute("/desk/accounts/end-sign-ins", "POST", "accounts", end_account_sessions),
)
