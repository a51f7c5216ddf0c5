"""The page behind the code that an officer shows: the person's own way in."""

import secrets

from sqlalchemy import Connection
from sqlmodel import Session
from starlette.responses import Response

from bot.channels.web import submissions
from bot.channels.web.channel import NAME
from bot.channels.web.guard import Here
from bot.channels.web.pages import into_chat, too_often
from bot.channels.web.private_page import TRIES, code_of, ended, shown
from bot.channels.web.submissions import Done
from bot.pipeline import private_links
from storage.chats import browser_sessions, one_time_links


async def knock(here: Here) -> Response:
    """Say what this is, with one button: nothing is used up by looking."""
    if not here.web.limiter.may(TRIES, "links", here.caller):
        return too_often(here, TRIES)
    code = code_of(here)
    if not await here.read(lambda session: _looks_good(here, session, code)):
        return ended(here)
    name = here.web.telegram()
    telegram = f"https://t.me/{name}?start=k_{code}" if name else ""
    return shown(here, "with_me.html", action=here.request.url.path, telegram=telegram)


async def enter(here: Here) -> Response:
    """Begin the person's own conversation; their own taps say the rest."""
    if not here.web.limiter.may(TRIES, "links", here.caller):
        return too_often(here, TRIES)
    code = code_of(here)
    if not await here.read(lambda session: _looks_good(here, session, code)):
        return ended(here)
    said = Done("say", f"{private_links.INTRODUCED}{code}")
    address = secrets.token_urlsafe(24)

    def begin(conn: Connection) -> str:
        token = browser_sessions.begin(conn, here.web.vault, NAME, address, here.now)
        submissions.keep(conn, here, said, address)
        return token

    token = await here.write(begin)
    return await into_chat(here, token, address)


def _looks_good(here: Here, session: Session, code: str) -> bool:
    return one_time_links.look(session, here.web.vault, private_links.TWO_KEY, code, here.now)
