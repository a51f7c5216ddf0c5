"""One's own account: where one is signed in, passkeys, password, keyboard shortcuts."""

from sqlalchemy import Connection
from starlette.responses import Response

from bot.desk.guard import DeskRequest, DeskRoute
from bot.desk.signin import passwords
from bot.desk.signin.passkey_pages import confirm_password
from storage import logbook
from storage.accounts import passkeys, sign_ins, staff

_FLASH_KEYS = (
    *("ended", "shortcuts_on", "shortcuts_off", "password_changed"),
    *("passkey_added", "passkey_removed"),
)
_ERROR_KEYS = ("password", "passkey")


async def show_account(request: DeskRequest) -> Response:
    """Return the page."""
    error = request.query("error")
    return await _page(request, {error: error} if error in _ERROR_KEYS else {})


async def end_own_session(request: DeskRequest) -> Response:
    """End one of one's own sign-ins, or every other one."""
    who, id = request.required_session, request.form.get("id", "")

    def end(conn: Connection) -> None:
        if id == "others":
            ended = sign_ins.end_all_sign_ins(conn, who.staff_id, request.now, except_id=who.id) > 0
        else:
            ended = sign_ins.end_sign_in(conn, who.staff_id, id, request.now)
        if ended:
            logbook.add_logbook_line(
                conn, request.desk.vault, who.name, "sign_in_ended", request.now, who.name
            )

    await request.write(end)
    return request.redirect("/desk/account?done=ended")


async def set_shortcuts(request: DeskRequest) -> Response:
    """Turn one's keyboard shortcuts on or off."""
    who, on = request.required_session, request.form.get("shortcuts") == "on"
    await request.write(lambda conn: staff.set_shortcuts(conn, who.staff_id, on))
    return request.redirect(f"/desk/account?done={'shortcuts_on' if on else 'shortcuts_off'}")


async def change_password(request: DeskRequest) -> Response:
    """Change one's password; every other sign-in of the account ends."""
    who, new = request.required_session, request.form.get("new", "")
    proofs = await request.read(
        lambda session: staff.stored_credentials(session, request.desk.vault, request.actor)
    )
    if proofs is None:
        return await _page(request, {"password": "password"}, 422)
    if not await confirm_password(request):
        return await _page(request, {"password": "password"}, 403)
    if wrong := passwords.password_problem(new, who.name):
        return await _page(request, {"new": wrong}, 422)
    if new != request.form.get("again", ""):
        return await _page(request, {"again": "again"}, 422)
    kept = await passwords.hash_password_async(new)

    def change(conn: Connection) -> None:
        staff.set_password_hash(conn, who.staff_id, kept)
        sign_ins.end_all_sign_ins(conn, who.staff_id, request.now, except_id=who.id)
        logbook.add_logbook_line(
            conn, request.desk.vault, who.name, "password_changed", request.now, who.name
        )

    await request.write(change)
    return request.redirect("/desk/account?done=password_changed")


async def _page(request: DeskRequest, wrong: dict[str, str], status: int = 200) -> Response:
    id, vault = request.required_session.staff_id, request.desk.vault
    done = request.query("done")
    return request.render(
        "people/account.html",
        status,
        wrong=wrong,
        done=done if done in _FLASH_KEYS else "",
        open=await request.read(lambda session: sign_ins.list_sign_ins(session, id, request.now)),
        passkeys=await request.read(lambda session: passkeys.list_passkeys(session, id)),
        has_password=await request.read(
            lambda session: staff.stored_credentials(session, vault, request.actor)
        )
        is not None,
    )


ROUTES = (
    DeskRoute("/desk/account", "GET", "own_account", show_account),
    DeskRoute("/desk/account/sign-ins", "POST", "own_account", end_own_session),
    DeskRoute("/desk/account/shortcuts", "POST", "own_account", set_shortcuts),
    DeskRoute("/desk/account/password", "POST", "own_account", change_password),
)
