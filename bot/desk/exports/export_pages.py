"""Taking lists away: asked for with a reason, agreed by a second person, taken once."""

import asyncio
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection
from sqlmodel import Session
from starlette.responses import Response

from bot.desk.exports.export_rows import last_line, rows_of
from bot.desk.exports.spreadsheets import TYPES, csv_of, xlsx_of
from bot.desk.guard import At, Page, refused
from bot.desk.labels import today_ends
from bot.desk.permissions import Role, queues_of
from flows.questions import answer_types
from flows.service import service
from storage import logbook
from storage.referrals.lifecycle import Entry
from storage.referrals.queue_views import VIEWS, Asked
from storage.reports import exports
from storage.reports.exports import Choice, Request

WHYS = ("planning", "meeting", "figures", "handover", "complaint", "other")
"""Why somebody takes a list away; the logbook keeps the code."""
WORDS_MAX = 300


class Grown(RuntimeError):
    """The list has become longer than what was asked for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the form asks for, with a code for each field that cannot stay so."""

    choice: Choice
    why: str
    words: str
    form: str
    wrong: tuple[str, ...]


async def show(at: At) -> Response:
    """Return the form, my requests, and for coordinators those that wait for a yes."""
    return await _shown(at, Wanted(Choice("open"), "", "", "csv", ()))


async def ask(at: At) -> Response:
    """Ask for a list; a short one without details is ready at once."""
    wanted = _wanted(at)
    if wanted.choice.details and at.role != Role.COORDINATOR:
        return await refused(at, "export", "details")
    if wanted.wrong:
        return await _shown(at, wanted, 422)
    vault, choice = at.desk.vault, wanted.choice

    def asking(conn: Connection) -> str:
        size = len(_entries(Session(conn), at, choice))
        alone = not choice.details and size <= at.desk.settings.export_alone_up_to
        told = (wanted.why, wanted.words, choice, size, wanted.form)
        id = exports.ask(conn, vault, at.who, *told, at.now, alone)
        logbook.write(conn, vault, at.who, "export_asked", at.now, id, wanted.why)
        return "ready" if alone else "waits"

    return at.go(f"/desk/exports?told={await at.write(asking)}")


async def agree(at: At) -> Response:
    """Agree to somebody else's request."""
    return await _decided(at, True)


async def refuse(at: At) -> Response:
    """Refuse somebody else's request."""
    return await _decided(at, False)


async def take(at: At) -> Response:
    """Return the list, once; that it was taken, and how long it was, is a line."""
    try:
        request, rows = await at.write(lambda conn: _taken(conn, at))
    except exports.NotAlone:
        return await _told(at, "alone", 403)
    except exports.Unknown:
        return await _told(at, "not_mine", 403)
    except exports.Over:
        return await _told(at, "over", 409)
    except Grown:
        return await _told(at, "grown", 409)
    body = await asyncio.to_thread(_written, request.form, rows, at.now)
    named = f'attachment; filename="list-{at.now:%Y-%m-%d}-{request.id[:6]}.{request.form}"'
    headers = {"Content-Disposition": named, "Cache-Control": "no-store"}
    return Response(body, media_type=TYPES[request.form], headers=headers)


def _written(form: str, rows: list[list[str]], now: datetime) -> bytes:
    return csv_of(rows) if form == "csv" else xlsx_of(rows, now)


async def _shown(at: At, wanted: Wanted, status: int = 200) -> Response:
    vault, agrees = at.desk.vault, at.may("agree_export")
    mine = await at.read(lambda session: exports.mine(session, vault, at.who))
    waiting = await at.read(lambda session: exports.waiting(session, vault, at.now))
    told = at.asked("told")
    return at.page(
        "exports.html",
        status,
        wanted=wanted,
        views=VIEWS,
        queues=queues_of(at.role, tuple(service().queues)),
        whys=WHYS,
        details=at.role == Role.COORDINATOR,
        alone=at.desk.settings.export_alone_up_to,
        mine=[(one, one.stands(at.now)) for one in mine],
        waiting=[one for one in waiting if one.asked_by != at.who] if agrees else [],
        told=told if told in ("ready", "waits", "agreed", "refused") else "",
    )


async def _decided(at: At, yes: bool) -> Response:
    vault, id = at.desk.vault, _id(at)

    def deciding(conn: Connection) -> None:
        exports.decide(conn, id, at.who, yes, at.now)
        did = "export_agreed" if yes else "export_refused"
        logbook.write(conn, vault, at.who, did, at.now, id)

    try:
        await at.write(deciding)
    except exports.NotAlone:
        return await _told(at, "own", 403)
    except exports.Unknown:
        return at.page("missing.html", 404)
    except exports.Over:
        return await _told(at, "over", 409)
    return at.go(f"/desk/exports?told={'agreed' if yes else 'refused'}")


def _taken(conn: Connection, at: At) -> tuple[Request, list[list[str]]]:
    """Take the list and gather its rows in one go; raise what stands in the way."""
    vault, session = at.desk.vault, Session(conn)
    request = exports.take(conn, vault, _id(at), at.who, at.now)
    choice = request.choice
    if choice.details and at.role != Role.COORDINATOR:
        raise exports.Unknown(request.id)
    entries = [one for one in _entries(session, at, choice) if one.sent_at <= request.asked_at]
    if len(entries) > request.size:
        raise Grown(request.id)
    asked = [one.reference for one in entries]
    found = exports.records(session, vault, asked) if choice.details else None
    for reference in found or ():
        logbook.write(conn, vault, at.who, "read", at.now, reference, "export")
    n = len(entries)
    logbook.write(conn, vault, at.who, "export_taken", at.now, request.id, f"{n} rows")
    return request, [*rows_of(entries, found), last_line(request, n, at.now)]


def _entries(session: Session, at: At, choice: Choice) -> list[Entry]:
    """Return the referrals of a choice, only in queues that the person may know of."""
    mine = queues_of(at.role, tuple(service().queues))
    queues = [one for one in mine if choice.queue in ("", one)]
    asked = Asked(choice.view, at.who, queues, at.now, today_ends(at.now))
    return exports.chosen(session, at.desk.vault, choice, asked)


async def _told(at: At, why: str, status: int) -> Response:
    """Say why not, and write a line about it."""
    await at.note("export_taken" if why != "own" else "export_agreed", _id(at), why, refused=True)
    return at.page("exports_not.html", status, why=why)


def _wanted(at: At) -> Wanted:
    """Return what the form asks for, and what of it is wrong."""
    told = {name: at.form.get(name, "").strip() for name in _FIELDS}
    words = answer_types.tidy(told["words"])
    wrong = [name for name, fits in _FITS.items() if told[name] not in fits]
    wrong += [name for name in ("since", "before") if not _is_day(told[name])]
    if told["queue"] and told["queue"] not in queues_of(at.role, tuple(service().queues)):
        wrong.append("queue")
    if len(words) > WORDS_MAX:
        wrong.append("words")
    elif told["why"] == "other" and not words:
        wrong.append("words_missing")
    days = {name: told[name] if _is_day(told[name]) else "" for name in ("since", "before")}
    choice = Choice(told["view"], told["queue"], **days, details=told["details"] == "yes")
    return Wanted(choice, told["why"], words[:1000], told["form"], tuple(wrong))


_FIELDS = ("view", "queue", "since", "before", "details", "why", "words", "form")
_FITS = {"view": VIEWS, "why": WHYS, "form": tuple(TYPES)}


def _is_day(text: str) -> bool:
    if not text:
        return True
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _id(at: At) -> str:
    return str(at.request.path_params["id"])[:40]


PAGES = (
    Page("/desk/exports", "GET", "export", show),
    Page("/desk/exports", "POST", "export", ask),
    Page("/desk/exports/{id}/take", "POST", "export", take),
    Page("/desk/exports/{id}/agree", "POST", "agree_export", agree),
    Page("/desk/exports/{id}/refuse", "POST", "agree_export", refuse),
)
