"""The pages on which somebody takes up the account they were invited to."""

from sqlalchemy import Connection
from starlette.responses import Response

from bot.desk.guard import At, Page
from bot.desk.signin import attempts, oidc, passwords, totp
from bot.desk.signin.sign_in_pages import let_in, limited
from bot.web.qr import qr
from flows.wording import FIRST_LANGUAGE, say
from storage import logbook
from storage.accounts import staff
from storage.accounts.staff import Member


async def show(at: At) -> Response:
    """Return the form; a code in the address is filled in, and stays unused."""
    return _page(at)


async def choose(at: At) -> Response:
    """Keep the chosen password for now and show the secret for the app to scan."""
    counted = attempts.by_address(at)
    async with counted.one_by_one():
        if counted.wait():
            return await limited(at, counted)
        member = await invited(at)
        if member is None:
            counted.failed()
            await at.note("join", "", "no_invitation", refused=True)
            return _page(at, {"code": "code"}, 403)
    password = at.form.get("password", "")
    if wrong := passwords.problem(password, member.name):
        return _page(at, {"password": wrong}, 422)
    if password != at.form.get("again", ""):
        return _page(at, {"again": "again"}, 422)
    secret, kept = totp.new_secret(), await passwords.hashed_aside(password)

    def keep(conn: Connection) -> None:
        staff.set_password(conn, member.id, kept)
        staff.set_secret(conn, at.desk.vault, member.id, secret)

    await at.write(keep)
    return _scan(at, member, secret)


async def confirm(at: At) -> Response:
    """Use the invitation up once the app gives the right code, and sign in."""
    counted = attempts.by_address(at)
    async with counted.one_by_one():
        if counted.wait():
            return await limited(at, counted)
        member = await invited(at)
        if member is None:
            counted.failed()
            await at.note("join", "", "no_invitation", refused=True)
            return _page(at, {"code": "code"}, 403)
        vault, id = at.desk.vault, member.id
        secret = await at.read(lambda session: staff.pending_secret(session, vault, id))
        if secret is None:
            return _page(at)
        step = totp.step_of(secret, at.form.get("app", ""), at.now)
        if step is None:
            counted.failed()
            return _scan(at, member, secret, wrong=True)
    if not await at.write(lambda conn: _join(conn, at, member, step)):
        return _page(at, {"code": "code"}, 403)
    return await let_in(at, member.id, member.name, "password")


async def invited(at: At) -> Member | None:
    """Return whose invitation the form carries, as long as it is good."""
    code = at.form.get("code", "")
    return await at.read(lambda session: staff.invited(session, at.desk.vault, code, at.now))


def _join(conn: Connection, at: At, member: Member, step: int) -> bool:
    if staff.redeem(conn, at.desk.vault, at.form.get("code", ""), at.now) != member.id:
        return False
    staff.use_step(conn, member.id, step)
    logbook.write(conn, at.desk.vault, member.name, "join", at.now, member.name, "password")
    return True


def _page(at: At, wrong: dict[str, str] | None = None, status: int = 200) -> Response:
    return at.page(
        "people/join.html",
        status,
        wrong=wrong or {},
        code=at.form.get("code", "")[:60] or at.asked("code"),
        organisation=oidc.is_set(at.desk.settings),
    )


def _scan(at: At, member: Member, secret: str, wrong: bool = False) -> Response:
    service = say(FIRST_LANGUAGE, "desk.frame.name")
    return at.page(
        "people/scan.html",
        422 if wrong else 200,
        wrong=wrong,
        code=at.form.get("code", "")[:60],
        name=member.name,
        secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        picture=qr(totp.address(secret, member.name, service)),
    )


PAGES = (
    Page("/desk/join", "GET", "sign_in", show),
    Page("/desk/join", "POST", "sign_in", choose),
    Page("/desk/join/confirm", "POST", "sign_in", confirm),
)
