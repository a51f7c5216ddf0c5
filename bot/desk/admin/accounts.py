"""The administrator's pages: who has an account, in which role, and who is signed in."""

from collections.abc import Callable, Mapping
from urllib.parse import quote

from sqlalchemy import Connection
from starlette.responses import Response

from bot.desk.guard import At, Page
from bot.desk.permissions import Role
from bot.web.qr import qr
from storage import logbook
from storage.accounts import sign_ins, staff
from storage.accounts.staff import NameTaken, NoSuchAccount, OwnsCases, WrongName

_DONE = ("role", "disabled", "ended")


async def show(at: At) -> Response:
    """Return the list of accounts."""
    done = at.asked("done")
    return await _list(at, done=done if done in _DONE else "")


async def invite(at: At) -> Response:
    """Make an account; the next page shows its one-time code once."""
    name, role = at.form.get("name", ""), at.form.get("role", "")
    if role not in set(Role):
        return await _list(at, 422, wrong={"role": "role"})

    def make(conn: Connection) -> str:
        code = staff.invite(conn, at.desk.vault, name, role, at.who, at.now)
        _log(conn, at, "invite", staff.clean_name(name), role)
        return code

    try:
        code = await at.write(make)
    except WrongName:
        return await _list(at, 422, wrong={"name": "name"})
    except NameTaken:
        return await _list(at, 422, wrong={"name": "taken"})
    return _code(at, staff.clean_name(name), code)


async def invite_again(at: At) -> Response:
    """Take every way to sign in from an account, and show a new one-time code for it."""

    def again(conn: Connection, name: str) -> str:
        code = staff.invite_again(conn, at.desk.vault, name, at.who, at.now)
        _log(conn, at, "invite_again", name)
        return code

    return await _act(at, again, lambda name, code: _code(at, name, code))


async def change_role(at: At) -> Response:
    """Give an account another role; whoever has open referrals hands them over first."""
    role = at.form.get("role", "")
    if role not in set(Role):
        return await _list(at, 422, wrong={"role": "role"})

    def change(conn: Connection, name: str) -> str:
        staff.change_role(conn, name, role, at.now)
        _log(conn, at, "change_role", name, role)
        return ""

    return await _act(at, change, lambda _name, _code: at.go("/desk/accounts?done=role"))


async def disable(at: At) -> Response:
    """Close an account; nobody can be disabled while owning a case."""

    def close(conn: Connection, name: str) -> str:
        staff.disable(conn, name, at.now)
        _log(conn, at, "disable", name)
        return ""

    return await _act(at, close, lambda _name, _code: at.go("/desk/accounts?done=disabled"))


async def end_sign_ins(at: At) -> Response:
    """End every sign-in of an account."""

    def end(conn: Connection, name: str) -> str:
        if staff.end_sign_ins(conn, name, at.now):
            _log(conn, at, "sign_in_ended", name)
        return ""

    return await _act(at, end, lambda _name, _code: at.go("/desk/accounts?done=ended"))


async def _act(
    at: At,
    act: Callable[[Connection, str], str],
    answer: Callable[[str, str], Response],
) -> Response:
    """Do something to an account, or say why it cannot be done. Never to one's own."""
    name = at.form.get("name", "")
    if name == at.who:
        return await _list(at, 422, stopped="own", about=name)
    try:
        done = await at.write(lambda conn: act(conn, name))
    except NoSuchAccount:
        return await _list(at, 422, stopped="nobody", about="")
    except OwnsCases as owns:
        references = owns.references
        await at.note("owns_cases", name, "owns_cases", refused=True)
        return await _list(at, 409, stopped="cases", about=name, references=references)
    return answer(name, done)


async def _list(
    at: At, status: int = 200, wrong: Mapping[str, str] | None = None, **more: object
) -> Response:
    members = await at.read(lambda session: staff.listed(session))
    opened = await at.read(lambda session: sign_ins.listed_by_member(session, at.now))
    values = {"done": "", "stopped": "", "about": "", "references": [], **more}
    return at.page(
        "people/accounts.html",
        status,
        members=members,
        opened=opened,
        roles=list(Role),
        wrong=wrong or {},
        name=at.form.get("name", "")[:60] if wrong else "",
        **values,
    )


def _code(at: At, name: str, code: str) -> Response:
    own = at.desk.settings.public_url or str(at.request.base_url)
    address = f"{own.rstrip('/')}/desk/join?code={quote(code)}"
    return at.page("people/code.html", name=name, code=code, address=address, picture=qr(address))


def _log(conn: Connection, at: At, did: str, name: str, why: str = "") -> None:
    logbook.write(conn, at.desk.vault, at.who, did, at.now, name, why)


PAGES = (
    Page("/desk/accounts", "GET", "accounts", show),
    Page("/desk/accounts", "POST", "accounts", invite),
    Page("/desk/accounts/invite-again", "POST", "accounts", invite_again),
    Page("/desk/accounts/role", "POST", "accounts", change_role),
    Page("/desk/accounts/disable", "POST", "accounts", disable),
    Page("/desk/accounts/end-sign-ins", "POST", "accounts", end_sign_ins),
)
