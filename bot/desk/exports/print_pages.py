"""One referral to take away: a page to print, and a PDF; both only by whoever has it."""

import asyncio

from sqlalchemy import Connection
from sqlmodel import Session
from starlette.responses import Response

from bot.desk.exports.printout import Paper, paper_of
from bot.desk.guard import At, Page
from storage import logbook
from storage.referrals import lifecycle, queue_views
from storage.referrals.lifecycle import Erased


async def show(at: At) -> Response:
    """Return the page to print."""
    paper = await _paper(at, "print")
    return at.page("print.html", paper=paper) if paper else at.page("missing.html", 404)


async def pdf(at: At) -> Response:
    """Return the PDF."""
    # Its library takes a quarter of a second to load, which few runs of the program need.
    from bot.desk.exports.pdf import pdf_of

    paper = await _paper(at, "pdf")
    if paper is None:
        return at.page("missing.html", 404)
    named = f'attachment; filename="{at.reference}.pdf"'
    headers = {"Content-Disposition": named, "Cache-Control": "no-store"}
    body = await asyncio.to_thread(pdf_of, paper, at.now)
    return Response(body, media_type="application/pdf", headers=headers)


async def _paper(at: At, did: str) -> Paper | None:
    """Return the referral, read in one go with the line that says so; None once it is erased."""
    vault = at.desk.vault

    def reading(conn: Connection) -> Paper | None:
        logbook.write(conn, vault, at.who, did, at.now, at.reference)
        session = Session(conn)
        try:
            record = lifecycle.open_record(conn, vault, at.reference, at.who, at.now)
        except Erased:
            return None
        entry = queue_views.entry(session, vault, at.reference, at.now)
        steps = lifecycle.history(session, vault, at.reference)
        return paper_of(entry, record, steps, at.who, at.now) if entry else None

    return await at.write(reading)


PAGES = (
    Page("/desk/r/{reference}/print", "GET", "print", show),
    Page("/desk/r/{reference}/pdf", "GET", "print", pdf),
)
