"""Tokens for other systems, as the administrator makes and ends them."""

from sqlalchemy import Connection
from starlette.responses import Response

from bot.desk.guard import At, Page
from flows.questions import answer_types
from storage import logbook
from storage.accounts import api_keys
from storage.accounts.api_keys import SCOPES

NAME_MAX = 60


async def show(at: At) -> Response:
    """Return the list of tokens, and the form to make one."""
    return await _shown(at)


async def make(at: At) -> Response:
    """Make a token and show it, this once."""
    name = answer_types.tidy(at.form.get("name", ""))
    scopes = tuple(scope for scope in SCOPES if at.form.get(_field(scope)) == "yes")
    wrong = [] if 0 < len(name) <= NAME_MAX and name.isprintable() else ["name"]
    wrong += [] if scopes else ["scopes"]
    if wrong:
        return await _shown(at, 422, wrong=wrong, name=name[:NAME_MAX], chosen=scopes)
    vault = at.desk.vault

    def making(conn: Connection) -> str:
        token = api_keys.make(conn, vault, name, scopes, at.who, at.now)
        logbook.write(conn, vault, at.who, "api_key_made", at.now, name, " ".join(scopes))
        return token

    try:
        token = await at.write(making)
    except api_keys.NameTaken:
        return await _shown(at, 409, wrong=["taken"], name=name, chosen=scopes)
    return await _shown(at, token=token, made=name)


async def end(at: At) -> Response:
    """End a token; it stops at once."""
    vault, id = at.desk.vault, str(at.request.path_params["id"])[:40]

    def ending(conn: Connection) -> None:
        name = api_keys.end(conn, id, at.now)
        if name is not None:
            logbook.write(conn, vault, at.who, "api_key_ended", at.now, name)

    await at.write(ending)
    return at.go("/desk/api-keys")


async def _shown(at: At, status: int = 200, **values: object) -> Response:
    keys = await at.read(api_keys.listed)
    own = {"wrong": [], "name": "", "chosen": (), "token": "", "made": ""}
    scopes = [(scope, _field(scope)) for scope in SCOPES]
    return at.page("api_keys.html", status, **{**own, **values}, keys=keys, scopes=scopes)


def _field(scope: str) -> str:
    """Return the name of a scope in a form and among our words."""
    return scope.replace(":", "_")


PAGES = (
    Page("/desk/api-keys", "GET", "api_keys", show),
    Page("/desk/api-keys", "POST", "api_keys", make),
    Page("/desk/api-keys/{id}/end", "POST", "api_keys", end),
)
