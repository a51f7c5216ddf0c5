"""Exports: requested with a reason, approved by a second person, collected once."""

import asyncio
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from starlette.responses import Response

from bot.desk.exports.export_rows import export_rows, footer_row
from bot.desk.exports.spreadsheets import MEDIA_TYPES, csv_of, xlsx_of
from bot.desk.guard import DeskRequest, DeskRoute, forbid
from bot.desk.labels import end_of_today
from bot.desk.permissions import Role
from bot.web.forms import is_checked
from flows.questions import answer_types
from storage.referrals.queue_views import VIEWS, QueueQuery, QueueView
from storage.referrals.rows import QueueEntry
from storage.reports import exports
from storage.reports.exports import ExportRequest, ExportSelection
from storage.unit import Unit

COMMENT_MAX = 300


class ExportReason(StrEnum):
    """Why an export is requested; the logbook keeps the code."""

    PLANNING = "planning"
    MEETING = "meeting"
    FIGURES = "figures"
    HANDOVER = "handover"
    COMPLAINT = "complaint"
    OTHER = "other"


class ExportDenial(StrEnum):
    """Why an export is refused, or a request not approved; the logbook keeps the code."""

    ALONE = "alone"
    NOT_MINE = "not_mine"
    OVER = "over"
    GROWN = "grown"
    OWN = "own"


class ExportGrew(RuntimeError):
    """The export has become longer than what was requested."""


@dataclass(frozen=True, slots=True)
class ExportForm:
    """What the form asks for, with a code for each field that cannot stay so."""

    choice: ExportSelection
    reason: str
    comment: str
    file_format: str
    errors: tuple[str, ...]


async def show_exports(request: DeskRequest) -> Response:
    """Return the form, my requests, and for coordinators those that wait for a yes."""
    return await _page(request, ExportForm(ExportSelection(QueueView.OPEN), "", "", "csv", ()))


async def submit_export_request(request: DeskRequest) -> Response:
    """Request an export; a short one without details is ready at once."""
    wanted = _parse_form(request)
    if wanted.choice.details and request.role != Role.COORDINATOR:
        return await forbid(request, "export", "details")
    if wanted.errors:
        return await _page(request, wanted, 422)
    choice = wanted.choice

    def asking(unit: Unit) -> str:
        size = len(_entries(unit, request, choice))
        alone = not choice.details and size <= request.runtime.settings.export_alone_up_to
        kind = wanted.file_format
        proposed = exports.ProposedExport(wanted.reason, wanted.comment, choice, size, kind)
        id = exports.request_export(unit, request.actor, proposed, preapproved=alone)
        request.log(unit, "export_asked", id, wanted.reason)
        return "ready" if alone else "waits"

    return request.redirect(f"/desk/exports?told={await request.write(asking)}")


async def approve_export(request: DeskRequest) -> Response:
    """Approve somebody else's request."""
    return await _decide(request, True)


async def reject_export(request: DeskRequest) -> Response:
    """Refuse somebody else's request."""
    return await _decide(request, False)


async def download_export(at: DeskRequest) -> Response:
    """Return the file, once; that it was collected, and its length, are a line of the logbook."""
    try:
        request, rows = await at.write(_load_export, at)
    except exports.ExportNeedsSecondPerson:
        return await _export_denied(at, ExportDenial.ALONE, 403)
    except exports.UnknownExport:
        return await _export_denied(at, ExportDenial.NOT_MINE, 403)
    except exports.ExportClosed:
        return await _export_denied(at, ExportDenial.OVER, 409)
    except ExportGrew:
        return await _export_denied(at, ExportDenial.GROWN, 409)
    body = await asyncio.to_thread(_render_file, request.file_format, rows, at.now)
    name = f"list-{at.now:%Y-%m-%d}-{request.id[:6]}.{request.file_format}"
    return at.download(body, MEDIA_TYPES[request.file_format], name)


def _render_file(file_format: str, rows: list[list[str]], now: datetime) -> bytes:
    return csv_of(rows) if file_format == "csv" else xlsx_of(rows, now)


async def _page(request: DeskRequest, export_form: ExportForm, status: int = 200) -> Response:
    agrees = request.may("agree_export")
    mine = await request.read(exports.exports_requested_by, request.actor)
    waiting = await request.read(exports.list_pending_exports)
    return request.render(
        "exports.html",
        status,
        export_form=export_form,
        views=VIEWS,
        queues=request.queues,
        whys=tuple(ExportReason),
        details=request.role == Role.COORDINATOR,
        alone=request.runtime.settings.export_alone_up_to,
        mine=[(one, one.status(request.now)) for one in mine],
        waiting=[one for one in waiting if one.requested_by != request.actor] if agrees else [],
        flash=request.query_in("told", ("ready", "waits", "agreed", "refused")),
    )


async def _decide(request: DeskRequest, approved: bool) -> Response:

    def deciding(unit: Unit) -> None:
        exports.decide_export(unit, request.path_id, request.actor, approved)
        request.log(unit, "export_agreed" if approved else "export_refused", request.path_id)

    try:
        await request.write(deciding)
    except exports.ExportNeedsSecondPerson:
        return await _export_denied(request, ExportDenial.OWN, 403)
    except exports.UnknownExport:
        return request.render("missing.html", 404)
    except exports.ExportClosed:
        return await _export_denied(request, ExportDenial.OVER, 409)
    return request.redirect(f"/desk/exports?told={'agreed' if approved else 'refused'}")


def _load_export(unit: Unit, at: DeskRequest) -> tuple[ExportRequest, list[list[str]]]:
    """Collect the export and read its rows in one transaction; raise why it is refused."""
    request = exports.collect_export(unit, at.path_id, at.actor)
    choice = request.selection
    if choice.details and at.role != Role.COORDINATOR:
        raise exports.UnknownExport(request.id)
    entries = [one for one in _entries(unit, at, choice) if one.sent_at <= request.requested_at]
    if len(entries) > request.size:
        raise ExportGrew(request.id)
    asked = [one.reference for one in entries]
    found = exports.records_by_reference(unit, asked) if choice.details else None
    for reference in found or ():
        at.log(unit, "read", reference, "export")
    at.log(unit, "export_taken", request.id, f"{len(entries)} rows")
    return request, [*export_rows(entries, found), footer_row(request, len(entries), at.now)]


def _entries(unit: Unit, request: DeskRequest, choice: ExportSelection) -> list[QueueEntry]:
    """Return the referrals of a choice, only in queues that the person may know of."""
    queues = [one for one in request.queues if choice.queue in ("", one)]
    asked = QueueQuery(choice.view, request.actor, queues, end_of_today(request.now))
    return exports.select_entries(unit, choice, asked)


async def _export_denied(request: DeskRequest, reason: ExportDenial, status: int) -> Response:
    """Say why not, and write a line about it."""
    action = "export_taken" if reason != ExportDenial.OWN else "export_agreed"
    await request.audit(action, request.path_id, reason, refused=True)
    return request.render("exports_not.html", status, why=reason)


def _parse_form(request: DeskRequest) -> ExportForm:
    """Return what the form asks for, and what of it is wrong."""
    told = {name: request.form.get(name, "").strip() for name in _FIELDS}
    words = answer_types.sanitize(told["words"])
    wrong = [name for name, fits in _ALLOWED_VALUES.items() if told[name] not in fits]
    wrong += [name for name in ("since", "before") if not _is_date(told[name])]
    if told["queue"] not in ("", *request.queues):
        wrong.append("queue")
    if len(words) > COMMENT_MAX:
        wrong.append("words")
    elif told["why"] == ExportReason.OTHER and not words:
        wrong.append("words_missing")
    days = {name: told[name] if _is_date(told[name]) else "" for name in ("since", "before")}
    details = is_checked(told, "details")
    choice = ExportSelection(told["view"], told["queue"], **days, details=details)
    return ExportForm(choice, told["why"], words[:1000], told["form"], tuple(wrong))


_FIELDS = ("view", "queue", "since", "before", "details", "why", "words", "form")
_ALLOWED_VALUES = {"view": VIEWS, "why": tuple(ExportReason), "form": tuple(MEDIA_TYPES)}


def _is_date(text: str) -> bool:
    if not text:
        return True
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


ROUTES = (
    DeskRoute("/desk/exports", "GET", "export", show_exports),
    DeskRoute("/desk/exports", "POST", "export", submit_export_request),
    DeskRoute("/desk/exports/{id}/take", "POST", "export", download_export),
    DeskRoute("/desk/exports/{id}/agree", "POST", "agree_export", approve_export),
    DeskRoute("/desk/exports/{id}/refuse", "POST", "agree_export", reject_export),
)
