"""The JSON API for a case-management system. The only file that knows FastAPI."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, TypeVar

from fastapi import Body, FastAPI, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from bot.desk.api import schemas
from bot.desk.api.access import ApiTokenMiddleware, problem_response
from bot.desk.casework import text_views
from bot.desk.casework.record_view import without_contact_details
from bot.runtime import Runtime
from bot.web.forms import Refused
from bot.web.guard import database_busy
from flows import casework
from flows.service import service
from storage import logbook
from storage.accounts.api_keys import ApiKeyInfo
from storage.database import DatabaseBusy
from storage.referrals import acts, lifecycle, pagination, queue_views
from storage.referrals.pagination import ReferralFilter
from storage.referrals.rows import ReferralErased
from storage.referrals.steps import NotReferralOwner, UnknownReferral
from storage.unit import Unit

T = TypeVar("T")
_FIELDS = (
    *schemas.StepRequest.model_fields,
    "reference",
    "queue",
    "stage",
    "since",
    "closed",
    "cursor",
    "limit",
)
_STATUS_DESCRIPTIONS = {
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
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}
        },
    }
    for code, why in _STATUS_DESCRIPTIONS.items()
}
ReferencePath = Annotated[
    str, Path(pattern="^[A-Za-z0-9]{4}-[A-Za-z0-9]{4}$", description="Such as ACDE-3467.")
]


class _Operations:
    """What the routes share: the desk, and one transaction with its line in the logbook."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    async def perform(
        self,
        request: Request,
        scope: str,
        action: str,
        subject: str,
        operation: Callable[[Unit, ApiKeyInfo], T],
    ) -> T:
        """Do something in one transaction with its line; refuse, with a line, if it cannot be."""
        runtime, key = self.runtime, _request_key(request)
        who = f"api:{key.name}"
        if scope not in key.scopes:
            await self._audit_refusal(who, action, subject, "scope")
            raise Refused(403, "scope")

        def apply(unit: Unit) -> T:
            found = operation(unit, key)
            logbook.add_logbook_line(unit, who, action, subject)
            return found

        try:
            return await runtime.database.write(apply)
        except (UnknownReferral, ReferralErased) as missing:
            code = "erased" if isinstance(missing, ReferralErased) else "missing"
            await self._audit_refusal(who, action, "" if code == "missing" else subject, code)
            raise Refused(404, code) from None
        except (casework.InvalidTransition, NotReferralOwner) as refused:
            code = "not_now" if isinstance(refused, casework.InvalidTransition) else "not_yours"
            await self._audit_refusal(who, action, subject, code)
            raise Refused(409, code) from None

    async def _audit_refusal(self, actor: str, action: str, subject: str, reason: str) -> None:
        await self.runtime.database.write(
            logbook.add_logbook_line, actor, action, subject, reason, refused=True
        )


def create_api(runtime: Runtime) -> ApiTokenMiddleware:
    """Return the API as an app to be mounted; nothing in it answers without a token."""
    app = FastAPI(
        title="Referrals",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(Refused, _on_refused)
    app.add_exception_handler(DatabaseBusy, _on_database_busy)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_crash)
    _add_routes(app, _Operations(runtime))
    return ApiTokenMiddleware(app, runtime)


def _add_routes(app: FastAPI, operations: _Operations) -> None:
    _add_list(app, operations)
    _add_record(app, operations)
    _add_steps(app, operations)

    @app.get("/health", responses=_problem_responses(401, 429))
    async def health(request: Request) -> schemas.TokenStatus:
        """Say that the token works, and what it is for."""
        key = _request_key(request)
        return schemas.TokenStatus(status="ok", key=key.name, scopes=list(key.scopes))

    @app.get("/openapi.json", include_in_schema=False)
    async def description() -> Response:
        return JSONResponse(openapi_document(app))


def _add_list(app: FastAPI, operations: _Operations) -> None:

    @app.get("/referrals", responses=_problem_responses(401, 403, 422, 429))
    async def list_referrals(
        request: Request,
        queue: Annotated[str, Query(pattern=_one_of(*service().queues))] = "",
        stage: Annotated[str, Query(pattern=_one_of(*casework.ReferralStage))] = "",
        since: Annotated[date | None, Query(description="Sent on this day (UTC) or later.")] = None,
        closed: Annotated[bool, Query(description="Also those that are not open.")] = False,
        cursor: Annotated[str, Query(max_length=40, description="What `next` said.")] = "",
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
    ) -> schemas.ReferralList:
        """Return the referrals in the order they were sent: nothing that a person said."""
        from_ = datetime.combine(since, time(), UTC) if since else None
        which = ReferralFilter(queue, stage, from_, closed)

        def reading(unit: Unit, _: ApiKeyInfo) -> schemas.ReferralList:
            found, last = pagination.page_after(unit, which, cursor.upper(), limit)
            return schemas.ReferralList(
                referrals=[schemas.list_item(one) for one in found], next=last
            )

        try:
            return await operations.perform(request, "read:queue", "api_list", "", reading)
        except pagination.BadCursor:
            raise RequestValidationError([{"loc": ("cursor",)}]) from None


def _add_record(app: FastAPI, operations: _Operations) -> None:
    @app.get("/referrals/{reference}", responses=_problem_responses(401, 403, 404, 422, 429))
    async def read_referral(request: Request, reference: ReferencePath) -> schemas.ReferralDetail:
        """Return a whole referral. That it was read is written down, here and at the desk."""
        named = reference.upper()

        def reading(unit: Unit, key: ApiKeyInfo) -> schemas.ReferralDetail:
            record = lifecycle.open_record(unit, named, f"api:{key.name}")
            entry = queue_views.find_entry(unit, named)
            history = lifecycle.list_steps(unit, named)
            if entry is None:
                raise UnknownReferral(named)
            may_contact = record.may_contact and entry.may_contact
            shown = record if may_contact else without_contact_details(record)
            told = text_views.record_json(shown, history, entry.stage)
            stands = {"flags": list(entry.flags), "queue": entry.queue, "urgent": entry.urgent}
            return schemas.ReferralDetail.model_validate(
                {**told, **stands, "may_contact": may_contact}
            )

        return await operations.perform(request, "read:records", "api_read", named, reading)


def _add_steps(app: FastAPI, operations: _Operations) -> None:
    runtime = operations.runtime

    @app.post(
        "/referrals/{reference}/steps",
        status_code=201,
        responses=_problem_responses(*_STATUS_DESCRIPTIONS),
    )
    async def record_step(
        request: Request, reference: ReferencePath, step: Annotated[schemas.StepRequest, Body()]
    ) -> schemas.StepResult:
        """Record an act, in the name of the token. A claim makes the referral the token's."""
        named, now = reference.upper(), runtime.clock()
        if step.until and not now.year <= step.until.year <= now.year + 1:
            raise RequestValidationError([{"loc": ("until",)}])

        def stepping(unit: Unit, key: ApiKeyInfo) -> str:
            who = f"api:{key.name}"
            return acts.perform_act(unit, named, step.act, who, step.note, step.until)

        stage = await operations.perform(request, "write:steps", f"api_{step.act}", named, stepping)
        return schemas.StepResult(reference=named, act=step.act, stage=stage)


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI description, with how to sign in and what a problem looks like."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, routes=app.routes)
        parts = made.setdefault("components", {})
        shapes = parts.setdefault("schemas", {})
        for unused in ("HTTPValidationError", "ValidationError"):
            shapes.pop(unused, None)
        shapes["ProblemDetails"] = schemas.ProblemDetails.model_json_schema()
        parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        made["security"], made["servers"] = [{"token": []}], [{"url": "/api/v1"}]
        app.openapi_schema = made
    return app.openapi_schema


def _one_of(*words: str) -> str:
    """Return the pattern of one of these words, or nothing."""
    return f"^({'|'.join(words)})?$"


def _problem_responses(*codes: int) -> dict[int | str, dict[str, Any]]:
    return {code: _PROBLEMS[code] for code in codes}


def _request_key(request: Request) -> ApiKeyInfo:
    key: ApiKeyInfo = request.scope["api_key"]
    return key


async def _on_refused(_: Request, refused: Exception) -> Response:
    if not isinstance(refused, Refused):
        raise refused
    return problem_response(refused)


async def _on_invalid_request(_: Request, wrong: Exception) -> Response:
    """Name the fields of ours that do not fit, and nothing that was sent."""
    if not isinstance(wrong, RequestValidationError):
        raise wrong
    places = {str(part) for error in wrong.errors() for part in error["loc"]}
    named = tuple(name for name in _FIELDS if name in places)
    return problem_response(Refused(422, "wrong"), named)


async def _on_database_busy(_: Request, problem: Exception) -> Response:
    return problem_response(database_busy(problem))


async def _on_http_error(_: Request, met: Exception) -> Response:
    status = met.status_code if isinstance(met, HTTPException) else 500
    codes = {404: "no_page", 405: "method"}
    return problem_response(Refused(status, codes.get(status, "wrong")))


async def _on_crash(_: Request, __: Exception) -> Response:
    return problem_response(Refused(500, "failed"))
