"""API keys of other systems: the administrator creates and revokes them."""

from starlette.responses import Response

from bot.desk.guard import DeskRequest, DeskRoute
from bot.web.forms import is_checked
from flows.questions import answer_types
from storage.accounts import api_keys
from storage.accounts.api_keys import SCOPES
from storage.unit import Unit

NAME_MAX = 60


async def show_api_keys(request: DeskRequest, status: int = 200, **values: object) -> Response:
    """Return the list of API keys, and the form to create one, with these values of it."""
    keys = await request.read(api_keys.list_api_keys)
    own = {"wrong": [], "name": "", "chosen": (), "token": "", "made": ""}
    scopes = [(scope, _scope_field(scope)) for scope in SCOPES]
    return request.render("api_keys.html", status, **{**own, **values}, keys=keys, scopes=scopes)


async def create_key(request: DeskRequest) -> Response:
    """Create an API key and show it, this once."""
    name = answer_types.sanitize(request.form.get("name", ""))
    scopes = tuple(scope for scope in SCOPES if is_checked(request.form, _scope_field(scope)))
    wrong = [] if 0 < len(name) <= NAME_MAX and name.isprintable() else ["name"]
    wrong += [] if scopes else ["scopes"]
    if wrong:
        return await show_api_keys(request, 422, wrong=wrong, name=name[:NAME_MAX], chosen=scopes)

    def making(unit: Unit) -> str:
        token = api_keys.issue_api_key(unit, name, scopes, request.actor)
        request.log(unit, "api_key_made", name, " ".join(scopes))
        return token

    try:
        token = await request.write(making)
    except api_keys.ApiKeyNameTaken:
        return await show_api_keys(request, 409, wrong=["taken"], name=name, chosen=scopes)
    return await show_api_keys(request, token=token, made=name)


async def revoke_key(request: DeskRequest) -> Response:
    """Revoke an API key; it stops at once."""

    def ending(unit: Unit) -> None:
        name = api_keys.revoke_api_key(unit, request.path_id)
        if name is not None:
            request.log(unit, "api_key_ended", name)

    await request.write(ending)
    return request.redirect("/desk/api-keys")


def _scope_field(scope: str) -> str:
    """Return the name of a scope in a form and among our words."""
    return scope.replace(":", "_")


ROUTES = (
    DeskRoute("/desk/api-keys", "GET", "api_keys", show_api_keys),
    DeskRoute("/desk/api-keys", "POST", "api_keys", create_key),
    DeskRoute("/desk/api-keys/{id}/end", "POST", "api_keys", revoke_key),
)
