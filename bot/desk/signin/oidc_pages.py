"""The pages for signing in with the organisation's own sign-in, and for tying an account to it."""

from sqlalchemy import Connection
from starlette.responses import Response

from bot.desk.guard import At, Page
from bot.desk.signin import attempts, oidc
from bot.desk.signin.invitations import invited
from bot.desk.signin.sign_in_pages import let_in, limited
from storage import logbook
from storage.accounts import oidc_subjects, staff
from storage.chats import one_time_links

_KIND, _CHANNEL, _MINUTES = "oidc", "desk", 10
BACK = "/desk/organisation/back"


async def begin(at: At) -> Response:
    """Send the browser to the organisation's sign-in."""
    if not oidc.is_set(at.desk.settings):
        return at.page("missing.html", 404)
    try:
        return at.go(await _begun(at, ""))
    except oidc.NoSignIn as trouble:
        return await _not_proved(at, str(trouble))


async def tie(at: At) -> Response:
    """Take an invitation up with the organisation's sign-in; the next page leads there."""
    if not oidc.is_set(at.desk.settings):
        return at.page("missing.html", 404)
    counted = attempts.by_address(at)
    async with counted.one_by_one():
        if counted.wait():
            return await limited(at, counted)
        if await invited(at) is None:
            counted.failed()
            await at.note("join", "", "no_invitation", refused=True)
            wrong = {"code": "code"}
            return at.page("people/join.html", 403, wrong=wrong, code="", organisation=True)
    try:
        url = await _begun(at, at.form["code"])
    except oidc.NoSignIn as trouble:
        return await _not_proved(at, str(trouble))
    return at.page("people/organisation.html", url=url)


async def come_back(at: At) -> Response:
    """Sign in whoever the organisation says this is, if an account is tied to them."""
    if not oidc.is_set(at.desk.settings):
        return at.page("missing.html", 404)
    vault, state = at.desk.vault, at.asked("state")
    used = await at.write(lambda conn: one_time_links.use(conn, vault, _KIND, state, at.now))
    code = at.request.query_params.get("code", "")[:4096]
    if used is None or used.address != at.seat or not code:
        return await _not_proved(at, "state")
    try:
        subject = await oidc.subject(
            at.desk.settings, code, used.body["nonce"], used.body["verifier"], _back(at), at.now
        )
    except oidc.NoSignIn as trouble:
        return await _not_proved(at, str(trouble))
    if used.body["invitation"]:
        return await _join(at, used.body["invitation"], subject)
    return await _enter(at, subject)


async def _enter(at: At, subject: str) -> Response:
    vault, issuer = at.desk.vault, at.desk.settings.oidc_issuer or ""
    member = await at.read(
        lambda session: oidc_subjects.by_subject(session, vault, issuer, subject)
    )
    if member is None:
        await at.note("sign_in", "", "unlinked", refused=True)
        return at.go("/desk/sign-in?error=unlinked")
    return await let_in(at, member.id, member.name, "oidc")


async def _join(at: At, invitation: str, subject: str) -> Response:
    vault, issuer = at.desk.vault, at.desk.settings.oidc_issuer or ""

    def take_up(conn: Connection) -> str | None:
        taken = conn.begin_nested()
        id = staff.redeem(conn, vault, invitation, at.now)
        if id is None or not oidc_subjects.link(conn, vault, id, issuer, subject):
            taken.rollback()
            return None
        taken.commit()
        return id

    id = await at.write(take_up)
    if id is None:
        await at.note("join", "", "no_invitation", refused=True)
        return at.go("/desk/sign-in?error=unlinked")
    member = await at.read(
        lambda session: oidc_subjects.by_subject(session, vault, issuer, subject)
    )
    if member is None:
        return at.go("/desk/sign-in?error=unlinked")
    await at.write(
        lambda conn: logbook.write(conn, vault, member.name, "join", at.now, member.name, "oidc")
    )
    return await let_in(at, member.id, member.name, "oidc")


async def _begun(at: At, invitation: str) -> str:
    """Return where the browser goes; what must come back is kept for this browser alone."""
    begun = await oidc.begin(at.desk.settings, _back(at))
    body = {"nonce": begun.nonce, "verifier": begun.verifier, "invitation": invitation}
    vault, now = at.desk.vault, at.now
    await at.write(
        lambda conn: one_time_links.make(
            conn, vault, _KIND, _CHANNEL, at.seat, now, _MINUTES, body, begun.state
        )
    )
    return begun.url


def _back(at: At) -> str:
    own = at.desk.settings.public_url or str(at.request.base_url)
    return own.rstrip("/") + BACK


async def _not_proved(at: At, why: str) -> Response:
    await at.note("sign_in", "", f"oidc_{why}"[:60], refused=True)
    return at.go("/desk/sign-in?error=organisation")


PAGES = (
    Page("/desk/organisation", "GET", "sign_in", begin),
    Page("/desk/organisation", "POST", "sign_in", tie),
    Page(BACK, "GET", "sign_in", come_back),
)
