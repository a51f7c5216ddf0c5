"""One's own account: where one is signed in, passkeys, password, keyboard shortcuts."""

from sqlalchemy import Connection
from starlette.responses import Response

from bot.desk.guard import At, Page
from bot.desk.signin import passwords
from bot.desk.signin.passkey_pages import password_again
from storage import logbook
from storage.accounts import passkeys, sign_ins, staff

_DONE = (
    *("ended", "shortcuts_on", "shortcuts_off", "password_changed"),
    *("passkey_added", "passkey_removed"),
)
_TOLD = ("password", "passkey")


async def show(at: At) -> Response:
    """Return the page."""
    error = at.asked("error")
    return await _page(at, {error: error} if error in _TOLD else {})


async def end_sign_in(at: At) -> Response:
    """End one of one's own sign-ins, or every other one."""
    who, id = at.me, at.form.get("id", "")

    def end(conn: Connection) -> None:
        if id == "others":
            ended = sign_ins.end_all(conn, who.staff_id, at.now, but=who.id) > 0
        else:
            ended = sign_ins.end(conn, who.staff_id, id, at.now)
        if ended:
            logbook.write(conn, at.desk.vault, who.name, "sign_in_ended", at.now, who.name)

    await at.write(end)
    return at.go("/desk/account?done=ended")


async def set_shortcuts(at: At) -> Response:
    """Turn one's keyboard shortcuts on or off."""
    who, on = at.me, at.form.get("shortcuts") == "on"
    await at.write(lambda conn: staff.set_shortcuts(conn, who.staff_id, on))
    return at.go(f"/desk/account?done={'shortcuts_on' if on else 'shortcuts_off'}")


async def change_password(at: At) -> Response:
    """Change one's password; every other sign-in of the account ends."""
    who, new = at.me, at.form.get("new", "")
    proofs = await at.read(lambda session: staff.proofs(session, at.desk.vault, at.who))
    if proofs is None:
        return await _page(at, {"password": "password"}, 422)
    if not await password_again(at):
        return await _page(at, {"password": "password"}, 403)
    if wrong := passwords.problem(new, who.name):
        return await _page(at, {"new": wrong}, 422)
    if new != at.form.get("again", ""):
        return await _page(at, {"again": "again"}, 422)
    kept = await passwords.hashed_aside(new)

    def change(conn: Connection) -> None:
        staff.set_password(conn, who.staff_id, kept)
        sign_ins.end_all(conn, who.staff_id, at.now, but=who.id)
        logbook.write(conn, at.desk.vault, who.name, "password_changed", at.now, who.name)

    await at.write(change)
    return at.go("/desk/account?done=password_changed")


async def _page(at: At, wrong: dict[str, str], status: int = 200) -> Response:
    id, vault = at.me.staff_id, at.desk.vault
    done = at.asked("done")
    return at.page(
        "people/account.html",
        status,
        wrong=wrong,
        done=done if done in _DONE else "",
        open=await at.read(lambda session: sign_ins.listed(session, id, at.now)),
        passkeys=await at.read(lambda session: passkeys.listed(session, id)),
        has_password=await at.read(lambda session: staff.proofs(session, vault, at.who))
        is not None,
    )


PAGES = (
    Page("/desk/account", "GET", "own_account", show),
    Page("/desk/account/sign-ins", "POST", "own_account", end_sign_in),
    Page("/desk/account/shortcuts", "POST", "own_account", set_shortcuts),
    Page("/desk/account/password", "POST", "own_account", change_password),
)
