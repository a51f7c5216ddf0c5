"""The logbook as the coordinator reads it: dated lines, and whether none was changed or lost."""

from starlette.responses import Response

from bot.desk.guard import At, Page
from bot.desk.labels import said
from storage import logbook

_MOST = 200


async def show(at: At) -> Response:
    """Return the newest lines, all or those about one reference or name, as the address asks."""
    about = at.asked("about").strip()
    vault = at.desk.vault
    return at.page(
        "people/logbook.html",
        about=about,
        most=_MOST,
        lines=await at.read(lambda session: logbook.read(session, about, _MOST)),
        said=said,
        broken=await at.read(lambda session: logbook.broken_at(session, vault)),
    )


PAGES = (Page("/desk/logbook", "GET", "logbook", show),)
