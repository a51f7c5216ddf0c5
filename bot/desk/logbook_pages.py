"""The logbook as the coordinator reads it: dated lines, and whether none was changed or lost."""

from starlette.responses import Response

from bot.desk.frame import At, Page
from flows.wording import FIRST_LANGUAGE, has, say
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
        told=_told,
        broken=await at.read(lambda session: logbook.broken_at(session, vault)),
    )


def _told(kind: str, code: str) -> str:
    """Return the words for a code of the logbook; a code without words stands as it is."""
    key = f"desk.{kind}.{code}"
    return say(FIRST_LANGUAGE, key) if code and has(FIRST_LANGUAGE, key) else code


PAGES = (Page("/desk/logbook", "GET", "logbook", show),)
