"""The administrator's page for partner officers: who may file, who is invited, and revoking."""

from collections.abc import Mapping

from starlette.responses import Response

from bot.desk.guard import DeskRequest, DeskRoute
from bot.pipeline import officer_access
from bot.pipeline.officer_access import InvalidOfficer, RevocationReason
from bot.web.qr import qr_code
from storage.chats import officer_registry
from storage.chats.officers import INVITATION_HOURS

_FLASH_KEYS = ("revoked", "ended")
_FIELDS = ("name", "agency", "contact")


async def show_officers(
    request: DeskRequest,
    status: int = 200,
    wrong: tuple[str, ...] = (),
    typed: Mapping[str, str] | None = None,
) -> Response:
    """Return the list of officers, and of the invitations that nobody has used yet."""
    return request.render(
        "people/officers.html",
        status,
        officers=await request.read(officer_registry.list_officers),
        invitations=await request.read(officer_registry.list_open_invitations),
        hours=INVITATION_HOURS,
        fields=_FIELDS,
        done=request.query_in("done", _FLASH_KEYS),
        wrong=wrong,
        typed={field: text[:200] for field, text in (typed or {}).items()},
    )


async def invite_officer(request: DeskRequest) -> Response:
    """Make an invitation; the next page shows its link once."""
    typed = {field: request.form.get(field, "") for field in _FIELDS}
    try:
        officer = officer_access.officer_from_text(**typed)
    except InvalidOfficer as invalid:
        return await show_officers(request, 422, invalid.fields, typed)
    code = await request.write(officer_access.invite, officer, request.actor, INVITATION_HOURS)
    root = request.public_root
    links = officer_access.invitation_links(code, request.runtime.telegram_username(), root)
    return request.render(
        "people/officer_invited.html",
        officer=officer,
        hours=INVITATION_HOURS,
        links=links,
        picture=qr_code(links.browser),
    )


async def end_invitation(request: DeskRequest) -> Response:
    """End an invitation that nobody has used."""
    ended = await request.write(officer_access.end_invitation, request.path_id, request.actor)
    return request.redirect("/desk/officers?done=ended" if ended else "/desk/officers")


async def confirm_revocation(request: DeskRequest, status: int = 200) -> Response:
    """Ask for the reason before an officer is revoked."""
    found = await request.read(officer_registry.find_officer, request.path_id)
    if found is None or found.revoked_at is not None:
        return request.redirect("/desk/officers")
    values = {"officer": found, "reasons": list(RevocationReason), "wrong": status != 200}
    return request.render("people/officer_revoke.html", status, **values)


async def revoke_officer(request: DeskRequest) -> Response:
    """Revoke an officer in all their chats, from this moment."""
    given = request.form.get("reason", "")
    if given not in set(RevocationReason):
        return await confirm_revocation(request, 422)
    revoked = await request.write(
        officer_access.revoke, request.path_id, RevocationReason(given), request.actor
    )
    return request.redirect("/desk/officers?done=revoked" if revoked.anything else "/desk/officers")


ROUTES = (
    DeskRoute("/desk/officers", "GET", "officers", show_officers),
    DeskRoute("/desk/officers", "POST", "officers", invite_officer),
    DeskRoute("/desk/officers/invitations/{id}/end", "POST", "officers", end_invitation),
    DeskRoute("/desk/officers/{id}/revoke", "GET", "officers", confirm_revocation),
    DeskRoute("/desk/officers/{id}/revoke", "POST", "officers", revoke_officer),
)
