"""The pages of single sign-on (OpenID Connect), and for linking an account to it."""

from starlette.responses import Response

from bot.desk.guard import DeskRequest, DeskRoute
from bot.desk.signin import attempts, oidc
from bot.desk.signin.invitations import invited_member
from bot.desk.signin.sign_in_pages import rate_limited_page, start_session
from storage import logbook
from storage.accounts import oidc_subjects, staff
from storage.accounts.sign_ins import SignInMethod
from storage.chats import one_time_links
from storage.chats.one_time_links import LinkKind
from storage.unit import Unit

_LINK_MINUTES = 10
CALLBACK_PATH = "/desk/organisation/back"


async def start_oidc(request: DeskRequest) -> Response:
    """Send the browser to the organisation's sign-in."""
    if not oidc.is_configured(request.runtime.settings):
        return request.render("missing.html", 404)
    try:
        return request.redirect(await _authorization_url(request, ""))
    except oidc.OidcError as trouble:
        return await _oidc_failed(request, str(trouble))


async def redeem_with_oidc(request: DeskRequest) -> Response:
    """Take an invitation up with the organisation's sign-in; the next page leads there."""
    if not oidc.is_configured(request.runtime.settings):
        return request.render("missing.html", 404)
    counted = attempts.limits_for_address(request)
    async with counted.serialized():
        if counted.retry_after():
            return await rate_limited_page(request, counted)
        if await invited_member(request, counted) is None:
            wrong = {"code": "code"}
            return request.render("people/join.html", 403, wrong=wrong, code="", organisation=True)
    try:
        url = await _authorization_url(request, request.form["code"])
    except oidc.OidcError as trouble:
        return await _oidc_failed(request, str(trouble))
    return request.render("people/organisation.html", url=url)


async def oidc_callback(request: DeskRequest) -> Response:
    """Sign in whoever the organisation says this is, if an account is linked to them."""
    if not oidc.is_configured(request.runtime.settings):
        return request.render("missing.html", 404)
    state = request.query("state")
    used = await request.write(one_time_links.redeem_link, LinkKind.OIDC, state)
    code = request.http.query_params.get("code", "")[:4096]
    if used is None or used.address != request.browser_id or not code:
        return await _oidc_failed(request, "state")
    try:
        nonce, verifier, back = used.body["nonce"], used.body["verifier"], _redirect_uri(request)
        subject = await oidc.fetch_subject(
            request.runtime.settings, code, nonce, verifier, back, request.now
        )
    except oidc.OidcError as trouble:
        return await _oidc_failed(request, str(trouble))
    if used.body["invitation"]:
        return await _link_invited_account(request, used.body["invitation"], subject)
    return await _sign_in_subject(request, subject)


async def _sign_in_subject(request: DeskRequest, subject: str) -> Response:
    issuer = request.runtime.settings.oidc_issuer or ""
    member = await request.read(oidc_subjects.find_account_by_subject, issuer, subject)
    if member is None:
        await request.audit("sign_in", "", "unlinked", refused=True)
        return request.redirect("/desk/sign-in?error=unlinked")
    return await start_session(request, member.id, member.name, SignInMethod.OIDC)


async def _link_invited_account(request: DeskRequest, invitation: str, subject: str) -> Response:
    issuer = request.runtime.settings.oidc_issuer or ""

    def take_up(unit: Unit) -> str | None:
        taken = unit.conn.begin_nested()
        id = staff.redeem_staff_invitation(unit, invitation)
        if id is None or not oidc_subjects.link_subject(unit, id, issuer, subject):
            taken.rollback()
            return None
        taken.commit()
        return id

    id = await request.write(take_up)
    if id is None:
        await request.audit("join", "", "no_invitation", refused=True)
        return request.redirect("/desk/sign-in?error=unlinked")
    member = await request.read(oidc_subjects.find_account_by_subject, issuer, subject)
    if member is None:
        return request.redirect("/desk/sign-in?error=unlinked")
    await request.write(
        logbook.add_logbook_line, member.name, "join", member.name, SignInMethod.OIDC
    )
    return await start_session(request, member.id, member.name, SignInMethod.OIDC)


async def _authorization_url(request: DeskRequest, invitation: str) -> str:
    """Return where the browser goes; what must come back is kept for this browser alone."""
    begun = await oidc.start_authorization(request.runtime.settings, _redirect_uri(request))
    body = {"nonce": begun.nonce, "verifier": begun.verifier, "invitation": invitation}
    await request.issue_link(LinkKind.OIDC, _LINK_MINUTES, begun.state, body)
    return begun.url


def _redirect_uri(request: DeskRequest) -> str:
    return request.public_root + CALLBACK_PATH


async def _oidc_failed(request: DeskRequest, reason: str) -> Response:
    await request.audit("sign_in", "", f"oidc_{reason}"[:60], refused=True)
    return request.redirect("/desk/sign-in?error=organisation")


ROUTES = (
    DeskRoute("/desk/organisation", "GET", "sign_in", start_oidc),
    DeskRoute("/desk/organisation", "POST", "sign_in", redeem_with_oidc),
    DeskRoute(CALLBACK_PATH, "GET", "sign_in", oidc_callback),
)
