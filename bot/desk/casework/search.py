"""The search: a reference leads straight to it; a name or number is looked for in the records."""

from starlette.responses import Response

from bot.desk.casework.queue import may_open, parse_reference
from bot.desk.guard import DeskRequest, DeskRoute
from flows.questions import answer_types
from flows.referral.search_terms import SearchTerm
from storage.referrals import search_index

_MAX_LENGTH = 100


async def search_referrals(request: DeskRequest) -> Response:
    """Return what was found: references with what matched, never what a person said."""
    typed = answer_types.sanitize(request.form.get("q", ""))[:_MAX_LENGTH]
    reference = parse_reference(typed)
    if reference and await may_open(request, reference):
        return request.redirect(f"/desk/r/{reference}")
    term = SearchTerm(typed)
    if not term.is_long_enough:
        return request.render("search.html", 422, problem="short", typed=typed)
    await request.audit("search")
    result = await request.read(search_index.search, term, request.queues)
    return request.render("search.html", typed=typed, result=result)


ROUTES = (DeskRoute("/desk/search", "POST", "queue", search_referrals),)
