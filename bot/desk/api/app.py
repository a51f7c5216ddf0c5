"""The JSON API for a case-management system. The only file that knows FastAPI."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, TypeVar

from fastapi import Body, FastAPI, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from sqlmodel import Session
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from bot.desk.api.access import Door, Refusal, problem
from bot.desk.api.schemas import Listing, NewStep, Problem, Recorded, Well, Whole, listed
from bot.desk.casework import text_views
from bot.desk.casework.record_view import without_ways
from bot.desk.guard import Desk
from flows import casework
from flows.service import service
from storage import logbook
from storage.accounts.api_keys import Key
from storage.referrals import acts, lifecycle, pagination, queue_views
from storage.referrals.pagination import Filter

T = TypeVar("T")
STAGES = (*casework.OPEN, *casework.CLOSED)
_FIELDS = (
    *NewStep.model_fields,
    "reference",
    "queue",
    "stage",
    "since",
    "closed",
    "cursor",
    "limit",
)
_WHY = {
    401: "No token, or one that does not work.",
    403: "The token is not for this.",
    404: "There is no such referral, or what it said was erased.",
    409: "It cannot be done now, or somebody else has the referral.",
    422: "Something in the request does not fit. It is named, not repeated.",
    429: "Too many requests. Wait as long as Retry-After says.",
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {
        "description": why,
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
    for code, why in _WHY.items()
}
Named = Annotated[
    str, Path(pattern="^[A-Za-z0-9]{4}-[A-Za-z0-9]{4}$", description="Such as ACDE-3467.")
]


class _Api:
    """What the routes share: the desk, and one transaction with its line in the logbook."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def done(
        self,
        request: Request,
        scope: str,
        did: str,
        about: str,
        act: Callable[[Connection, Key], T],
    ) -> T:
        """Do something in one transaction with its line; refuse, with a line, if it cannot be."""
        desk, key = self.desk, _key(request)
        vault, now, who = desk.vault, desk.clock(), f"api:{key.name}"
        if scope not in key.scopes:
            await self._refused(who, did, about, "scope")
            raise Refusal(403, "scope")

        def both(conn: Connection) -> T:
            found = act(conn, key)
            logbook.write(conn, vault, who, did, now, about)
            return found

        try:
            return await desk.database.write(both)
        except (lifecycle.Unknown, lifecycle.Erased) as missing:
            code = "erased" if isinstance(missing, lifecycle.Erased) else "missing"
            await self._refused(who, did, "" if code == "missing" else about, code)
            raise Refusal(404, code) from None
        except (casework.NotAllowed, lifecycle.NotYours) as refused:
            code = "not_now" if isinstance(refused, casework.NotAllowed) else "not_yours"
            await self._refused(who, did, about, code)
            raise Refusal(409, code) from None

    async def _refused(self, who: str, did: str, about: str, why: str) -> None:
        vault, now = self.desk.vault, self.desk.clock()
        await self.desk.database.write(
            lambda conn: logbook.write(conn, vault, who, did, now, about, why, refused=True)
        )


def api(desk: Desk) -> Door:
    """Return the API as an app to be mounted; nothing in it answers without a token."""
    app = FastAPI(
        title="Referrals",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.add_exception_handler(RequestValidationError, _does_not_fit)
    app.add_exception_handler(Refusal, _refusal)
    app.add_exception_handler(OperationalError, _busy)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(Exception, _failed)
    _add_routes(app, _Api(desk))
    return Door(app, desk)


def _add_routes(app: FastAPI, own: _Api) -> None:
    _add_list(app, own)
    _add_record(app, own)
    _add_steps(app, own)

    @app.get("/health", responses=_only(401, 429))
    async def health(request: Request) -> Well:
        """Say that the token works, and what it is for."""
        key = _key(request)
        return Well(status="ok", key=key.name, scopes=list(key.scopes))

    @app.get("/openapi.json", include_in_schema=False)
    async def description() -> Response:
        return JSONResponse(described(app))


def _add_list(app: FastAPI, own: _Api) -> None:
    desk = own.desk

    @app.get("/referrals", responses=_only(401, 403, 422, 429))
    async def list_referrals(
        request: Request,
        queue: Annotated[str, Query(pattern=_one_of(*service().queues))] = "",
        stage: Annotated[str, Query(pattern=_one_of(*STAGES))] = "",
        since: Annotated[date | None, Query(description="Sent on this day (UTC) or later.")] = None,
        closed: Annotated[bool, Query(description="Also those that are not open.")] = False,
        cursor: Annotated[str, Query(max_length=40, description="What `next` said.")] = "",
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
    ) -> Listing:
        """Return the referrals in the order they were sent: nothing that a person said."""
        from_ = datetime.combine(since, time(), UTC) if since else None
        which = Filter(queue, stage, from_, closed)

        def reading(conn: Connection, _: Key) -> Listing:
            found, last = pagination.after(
                Session(conn), desk.vault, desk.clock(), which, cursor.upper(), limit
            )
            return Listing(referrals=[listed(one) for one in found], next=last)

        try:
            return await own.done(request, "read:queue", "api_list", "", reading)
        except pagination.NoSuchPlace:
            raise Refusal(422, "wrong", ("cursor",)) from None


def _add_record(app: FastAPI, own: _Api) -> None:
    desk = own.desk

    @app.get("/referrals/{reference}", responses=_only(401, 403, 404, 422, 429))
    async def read_referral(request: Request, reference: Named) -> Whole:
        """Return a whole referral. That it was read is written down, here and at the desk."""
        named = reference.upper()

        def reading(conn: Connection, key: Key) -> Whole:
            vault, now, session = desk.vault, desk.clock(), Session(conn)
            record = lifecycle.open_record(conn, vault, named, f"api:{key.name}", now)
            entry = queue_views.entry(session, vault, named, now)
            history = lifecycle.history(session, vault, named)
            if entry is None:
                raise lifecycle.Unknown(named)
            may_contact = record.may_contact and entry.may_contact
            shown = record if may_contact else without_ways(record)
            told = text_views.record_json(shown, history, entry.stage)
            stands = {"flags": list(entry.flags), "queue": entry.queue, "urgent": entry.urgent}
            return Whole.model_validate({**told, **stands, "may_contact": may_contact})

        return await own.done(request, "read:records", "api_read", named, reading)


def _add_steps(app: FastAPI, own: _Api) -> None:
    desk = own.desk

    @app.post("/referrals/{reference}/steps", status_code=201, responses=_only(*_WHY))
    async def record_step(
        request: Request, reference: Named, step: Annotated[NewStep, Body()]
    ) -> Recorded:
        """Record an act, in the name of the token. A claim makes the referral the token's."""
        named, now = reference.upper(), desk.clock()
        if step.until and not now.year <= step.until.year <= now.year + 1:
            raise Refusal(422, "wrong", ("until",))

        def stepping(conn: Connection, key: Key) -> str:
            who = f"api:{key.name}"
            return acts.take_step(
                conn, desk.vault, named, step.act, who, now, step.note, step.until
            )

        stage = await own.done(request, "write:steps", f"api_{step.act}", named, stepping)
        desk.changed()
        return Recorded(reference=named, act=step.act, stage=stage)


def described(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI description, with how to sign in and what a problem looks like."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, routes=app.routes)
        parts = made.setdefault("components", {})
        shapes = parts.setdefault("schemas", {})
        for unused in ("HTTPValidationError", "ValidationError"):
            shapes.pop(unused, None)
        shapes["Problem"] = Problem.model_json_schema()
        parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        made["security"], made["servers"] = [{"token": []}], [{"url": "/api/v1"}]
        app.openapi_schema = made
    return app.openapi_schema


def _one_of(*words: str) -> str:
    """Return the pattern of one of these words, or nothing."""
    return f"^({'|'.join(words)})?$"


def _only(*codes: int) -> dict[int | str, dict[str, Any]]:
    return {code: _PROBLEMS[code] for code in codes}


def _key(request: Request) -> Key:
    key: Key = request.scope["api_key"]
    return key


async def _refusal(_: Request, refused: Exception) -> Response:
    if not isinstance(refused, Refusal):
        raise refused
    return problem(refused.status, refused.code, refused.fields)


async def _does_not_fit(_: Request, wrong: Exception) -> Response:
    """Name the fields of ours that do not fit, and nothing that was sent."""
    if not isinstance(wrong, RequestValidationError):
        raise wrong
    places = {str(part) for error in wrong.errors() for part in error["loc"]}
    return problem(422, "wrong", tuple(name for name in _FIELDS if name in places))


async def _busy(_: Request, __: Exception) -> Response:
    return problem(503, "busy", wait=5)


async def _plain(_: Request, met: Exception) -> Response:
    status = met.status_code if isinstance(met, HTTPException) else 500
    codes = {404: "no_page", 405: "method"}
    return problem(status, codes.get(status, "wrong"))


async def _failed(_: Request, __: Exception) -> Response:
    return problem(500, "failed")
