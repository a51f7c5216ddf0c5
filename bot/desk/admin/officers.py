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


async def show_officers(request: DeskRequest) -> Response:
    """Return the list of officers, and of the invitations that nobody has used yet."""
    done = request.query("done")
    return await _officers_page(request, done=done if done in _FLASH_KEYS else "")


async def invite_officer(request: DeskRequest) -> Response:
    """Make an invitation; the next page shows its link once."""
    typed = {field: request.form.get(field, "") for field in _FIELDS}
    try:
        officer = officer_access.officer_from_text(**typed)
    except InvalidOfficer as invalid:
        return await _officers_page(request, 422, wrong=invalid.fields, typed=typed)
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
    id = _id_in_path(request)
    ended = await request.write(officer_access.end_invitation, id, request.actor)
    return request.redirect("/desk/officers?done=ended" if ended else "/desk/officers")


async def confirm_revocation(request: DeskRequest) -> Response:
    """Ask for the reason before an officer is revoked."""
    return await _revocation_page(request)


async def revoke_officer(request: DeskRequest) -> Response:
    """Revoke an officer in all their chats, from this moment."""
    given = request.form.get("reason", "")
    if given not in set(RevocationReason):
        return await _revocation_page(request, 422)
    revoked = await request.write(
        officer_access.revoke, _id_in_path(request), RevocationReason(given), request.actor
    )
    return request.redirect("/desk/officers?done=revoked" if revoked.anything else "/desk/officers")


async def _revocation_page(request: DeskRequest, status: int = 200) -> Response:
    found = await request.read(officer_registry.find_officer, _id_in_path(request))
    if found is None or found.revoked_at is not None:
        return request.redirect("/desk/officers")
    return request.render(
        "people/officer_revoke.html",
        status,
        officer=found,
        reasons=list(RevocationReason),
        wrong=status != 200,
    )


async def _officers_page(
    request: DeskRequest,
    status: int = 200,
    done: str = "",
    wrong: tuple[str, ...] = (),
    typed: Mapping[str, str] | None = None,
) -> Response:
    known = await request.read(officer_registry.list_officers)
    invited = await request.read(officer_registry.list_open_invitations)
    return request.render(
        "people/officers.html",
        status,
        officers=known,
        invitations=invited,
        hours=INVITATION_HOURS,
        fields=_FIELDS,
        done=done,
        wrong=wrong,
        typed={field: text[:200] for field, text in (typed or {}).items()},
    )


def _id_in_path(request: DeskRequest) -> str:
    return str(request.http.path_params["id"])[:40]


ROUTES = (
    DeskRoute("/desk/officers", "GET", "officers", show_officers),
    DeskRoute("/desk/officers", "POST", "officers", invite_officer),
    DeskRoute("/desk/officers/invitations/{id}/end", "POST", "officers", end_invitation),
    DeskRoute("/desk/officers/{id}/revoke", "GET", "officers", confirm_revocation),
    DeskRoute("/desk/officers/{id}/revoke", "POST", "officers", revoke_officer),
)
