"""The logbook as the coordinator reads it: dated lines, and whether none was changed or lost."""

from starlette.responses import Response

from bot.desk.guard import DeskRequest, DeskRoute
from bot.desk.labels import label_for
from storage import logbook

_MAX_ENTRIES = 200


async def show_logbook(request: DeskRequest) -> Response:
    """Return the newest lines, all or those about one reference or name, as the address asks."""
    about = request.query("about").strip()
    return request.render(
        "people/logbook.html",
        about=about,
        most=_MAX_ENTRIES,
        lines=await request.read(logbook.list_logbook_lines, about, _MAX_ENTRIES),
        label_for=label_for,
        broken=await request.read(logbook.chain_broken_at),
    )


ROUTES = (DeskRoute("/desk/logbook", "GET", "logbook", show_logbook),)
