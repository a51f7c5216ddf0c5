"""The page of numbers: how many came, how soon they were met, and where drafts end."""

import asyncio

from sqlmodel import Session
from starlette.responses import Response

from bot.desk.exports import spreadsheets
from bot.desk.guard import At, Page
from bot.desk.reports import figures, week_range
from bot.desk.reports.tables import Shown
from bot.desk.reports.week_range import NoWeek, Weeks
from storage.reports import statistics
from storage.reports.statistics import Pairs, Sent


async def show(at: At) -> Response:
    """Return the tables of the weeks that the address asks for; the usual ones if it is wrong."""
    try:
        chosen, wrong = week_range.asked(at.asked("from"), at.asked("to"), at.now), None
    except NoWeek as problem:
        chosen, wrong = week_range.asked("", "", at.now), problem
    return at.page(
        "numbers.html",
        tables=await tables(at, chosen),
        wrong=wrong,
        since=at.asked("from") if wrong else week_range.name_of(chosen.first),
        until=at.asked("to") if wrong else week_range.name_of(chosen.last),
        first=week_range.name_of(chosen.first),
        last=week_range.name_of(chosen.last),
    )


async def take(at: At) -> Response:
    """Return one of the tables as CSV, just as it is shown."""
    try:
        chosen = week_range.asked(at.asked("from"), at.asked("to"), at.now)
    except NoWeek:
        return at.go("/desk/numbers")
    key = str(at.request.path_params["table"])
    found = [one for one in await tables(at, chosen) if one.key == key]
    if not found:
        return at.page("missing.html", 404)
    await at.note("numbers_taken", key)
    sheet = spreadsheets.csv_of([found[0].heads, *found[0].rows])
    name = f"{key}_{week_range.name_of(chosen.first)}_{week_range.name_of(chosen.last)}.csv"
    return Response(
        sheet,
        headers={
            "Content-Type": spreadsheets.TYPES["csv"],
            "Content-Disposition": f'attachment; filename="{name}"',
        },
    )


async def tables(at: At, chosen: Weeks) -> list[Shown]:
    """Return every table of these weeks."""

    def counted(session: Session) -> tuple[list[Sent], Pairs, Pairs, figures.Funnel]:
        since, until = chosen.since, chosen.until
        return (
            statistics.sent(session, since, until),
            statistics.by_source(session, since, until),
            statistics.by_route(session, since, until),
            statistics.funnel(session, chosen.first, chosen.last),
        )

    sent, sources, routes, funnel = await at.read(counted)
    return [
        figures.by_week(sent, chosen),
        figures.by_source(sources),
        figures.by_route(routes),
        # Working hours take a while for many referrals: the readers' thread is free meanwhile.
        await asyncio.to_thread(figures.times, sent, at.now),
        *figures.funnels(funnel),
    ]


PAGES = (
    Page("/desk/numbers", "GET", "numbers", show),
    Page("/desk/numbers/{table}.csv", "GET", "numbers", take),
)
