"""One referral as a page to print and as a PDF, for its owner only."""

import asyncio

from starlette.responses import Response

from bot.desk.exports.printout import Printout, printout_of
from bot.desk.guard import DeskRequest, DeskRoute
from storage.referrals import lifecycle, queue_views
from storage.referrals.rows import ReferralErased
from storage.unit import Unit


async def show_printout(request: DeskRequest) -> Response:
    """Return the page to print."""
    printout = await _load_printout(request, "print")
    if printout is None:
        return request.render("missing.html", 404)
    return request.render("printout.html", printout=printout)


async def download_pdf(request: DeskRequest) -> Response:
    """Return the PDF."""
    # Its library takes a quarter of a second to load, which few runs of the program need.
    from bot.desk.exports.pdf import pdf_of

    printout = await _load_printout(request, "pdf")
    if printout is None:
        return request.render("missing.html", 404)
    body = await asyncio.to_thread(pdf_of, printout, request.now)
    return request.download(body, "application/pdf", f"{request.reference}.pdf")


async def _load_printout(request: DeskRequest, action: str) -> Printout | None:
    """Return the referral, read in one go with the line that says so; None once it is erased."""

    def reading(unit: Unit) -> Printout | None:
        request.log(unit, action, request.reference)
        try:
            record = lifecycle.open_record(unit, request.reference, request.actor)
        except ReferralErased:
            return None
        entry = queue_views.find_entry(unit, request.reference)
        steps = lifecycle.list_steps(unit, request.reference)
        return printout_of(entry, record, steps, request.actor, request.now) if entry else None

    return await request.write(reading)


ROUTES = (
    DeskRoute("/desk/r/{reference}/print", "GET", "print", show_printout),
    DeskRoute("/desk/r/{reference}/pdf", "GET", "print", download_pdf),
)
