"""The account page of each member of staff: sign-ins, passkeys, password, shortcuts."""

from starlette.responses import Response

from bot.desk.guard import DeskRequest, DeskRoute
from bot.desk.signin import passwords
from bot.desk.signin.passkey_pages import confirm_password
from storage.accounts import passkeys, sign_ins, staff
from storage.unit import Unit

_FLASH_KEYS = (
    *("ended", "shortcuts_on", "shortcuts_off", "password_changed"),
    *("passkey_added", "passkey_removed"),
)
_ERROR_KEYS = ("password", "passkey")


async def show_account(request: DeskRequest) -> Response:
    """Return the page."""
    error = request.query_in("error", _ERROR_KEYS)
    return await _page(request, {error: error} if error else {})


async def end_own_session(request: DeskRequest) -> Response:
    """End one of one's own sign-ins, or every other one."""
    who, id = request.required_session, request.form.get("id", "")

    def end(unit: Unit) -> None:
        if id == "others":
            ended = sign_ins.end_all_sign_ins(unit, who.staff_id, except_id=who.id) > 0
        else:
            ended = sign_ins.end_sign_in(unit, who.staff_id, id)
        if ended:
            request.log(unit, "sign_in_ended", who.name)

    await request.write(end)
    return request.redirect("/desk/account?done=ended")


async def set_shortcuts(request: DeskRequest) -> Response:
    """Turn one's keyboard shortcuts on or off."""
    who, on = request.required_session, request.form.get("shortcuts") == "on"
    await request.write(staff.set_shortcuts, who.staff_id, on)
    return request.redirect(f"/desk/account?done={'shortcuts_on' if on else 'shortcuts_off'}")


async def change_password(request: DeskRequest) -> Response:
    """Change one's password; every other sign-in of the account ends."""
    who, new = request.required_session, request.form.get("new", "")
    proofs = await request.read(staff.stored_credentials, request.actor)
    if proofs is None:
        return await _page(request, {"password": "password"}, 422)
    if not await confirm_password(request):
        return await _page(request, {"password": "password"}, 403)
    if wrong := await passwords.password_problem(new, who.name):
        return await _page(request, {"new": wrong}, 422)
    if new != request.form.get("again", ""):
        return await _page(request, {"again": "again"}, 422)
    kept = await passwords.hash_password_async(new)

    def change(unit: Unit) -> None:
        staff.set_password_hash(unit, who.staff_id, kept)
        sign_ins.end_all_sign_ins(unit, who.staff_id, except_id=who.id)
        request.log(unit, "password_changed", who.name)

    await request.write(change)
    return request.redirect("/desk/account?done=password_changed")


async def _page(request: DeskRequest, wrong: dict[str, str], status: int = 200) -> Response:
    id = request.required_session.staff_id
    return request.render(
        "people/account.html",
        status,
        wrong=wrong,
        done=request.query_in("done", _FLASH_KEYS),
        open=await request.read(sign_ins.list_sign_ins, id),
        passkeys=await request.read(passkeys.list_passkeys, id),
        has_password=await request.read(staff.stored_credentials, request.actor) is not None,
    )


ROUTES = (
    DeskRoute("/desk/account", "GET", "own_account", show_account),
    DeskRoute("/desk/account/sign-ins", "POST", "own_account", end_own_session),
    DeskRoute("/desk/account/shortcuts", "POST", "own_account", set_shortcuts),
    DeskRoute("/desk/account/password", "POST", "own_account", change_password),
)
