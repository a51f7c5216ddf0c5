"""The report: how many referrals, the time to first contact, and where drafts end."""

from starlette.responses import Response

from bot.desk.exports import spreadsheets
from bot.desk.guard import DeskRequest, DeskRoute
from bot.desk.reports import figures, week_range
from bot.desk.reports.figures import Funnel
from bot.desk.reports.tables import StatisticsTable
from bot.desk.reports.week_range import InvalidWeek, WeekRange
from bot.pipeline.promises import opening_time
from storage.reports import response_times, statistics
from storage.reports.response_times import ResponseTimes
from storage.reports.statistics import PairCounts
from storage.unit import Unit


async def show_statistics(request: DeskRequest) -> Response:
    """Return the tables of the weeks that the address asks for; the usual ones if it is wrong."""
    wrong: InvalidWeek | None = None
    try:
        chosen = week_range.parse_weeks(request.query("from"), request.query("to"), request.now)
    except InvalidWeek as problem:
        chosen, wrong = week_range.parse_weeks("", "", request.now), problem
    return request.render(
        "numbers.html",
        tables=await all_tables(request, chosen),
        wrong=wrong,
        since=request.query("from") if wrong else week_range.week_name(chosen.first),
        until=request.query("to") if wrong else week_range.week_name(chosen.last),
        first=week_range.week_name(chosen.first),
        last=week_range.week_name(chosen.last),
    )


async def download_table(request: DeskRequest) -> Response:
    """Return one of the tables as CSV, just as it is shown."""
    try:
        chosen = week_range.parse_weeks(request.query("from"), request.query("to"), request.now)
    except InvalidWeek:
        return request.redirect("/desk/numbers")
    key = str(request.http.path_params["table"])
    found = [one for one in await all_tables(request, chosen) if one.key == key]
    if not found:
        return request.render("missing.html", 404)
    await request.audit("numbers_taken", key)
    sheet = spreadsheets.csv_of([found[0].headings, *found[0].rows])
    name = f"{key}_{week_range.week_name(chosen.first)}_{week_range.week_name(chosen.last)}.csv"
    return request.download(sheet, spreadsheets.MEDIA_TYPES["csv"], name)


async def all_tables(request: DeskRequest, period: WeekRange) -> list[StatisticsTable]:
    """Return every table of these weeks."""
    while await request.read(response_times.has_to_recount):
        await request.write(response_times.recount, opening_time)

    def counted(unit: Unit) -> tuple[list[int], ResponseTimes, PairCounts, PairCounts, Funnel]:
        since, until = period.since, period.until
        return (
            statistics.counts_between(unit, period.bounds),
            response_times.response_times(unit, since, until, request.now),
            statistics.counts_by_source(unit, since, until),
            statistics.counts_by_queue_and_outcome(unit, since, until),
            statistics.funnel_counts(unit, period.first, period.last),
        )

    weeks, times, sources, routes, funnel = await request.read(counted)
    return [
        figures.by_week(weeks, period),
        figures.by_source(sources),
        figures.by_route(routes),
        figures.time_table(times),
        *figures.funnel_tables(funnel),
    ]


ROUTES = (
    DeskRoute("/desk/numbers", "GET", "numbers", show_statistics),
    DeskRoute("/desk/numbers/{table}.csv", "GET", "numbers", download_table),
)
