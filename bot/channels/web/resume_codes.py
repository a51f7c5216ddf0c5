"""A code to come back with: given when a person asks for it, and used once."""

import asyncio

from sqlalchemy import Connection
from starlette.responses import Response

from bot.channels.web import submissions
from bot.channels.web.channel import NAME
from bot.channels.web.guard import Here
from bot.channels.web.pages import into_chat, too_often
from bot.channels.web.submissions import Done
from flows.service import service
from storage.chats import browser_sessions

CODES = "6/hour"
"""How many codes one chat may ask for."""
TRIES = ("6/minute", "30/hour")
"""How often codes may be tried from one address on the network."""
SLOWER = 0.3
"""Seconds that an answer about a wrong code takes at least."""


async def give(here: Here) -> Response:
    """Show a code, this once."""
    if not here.web.limiter.may(CODES, "codes", here.chat):
        return too_often(here, CODES)
    hours = service().draft_hours

    def draw(conn: Connection) -> str:
        return browser_sessions.code_to_come_back(
            conn, here.web.vault, NAME, here.chat, here.now, hours
        )

    return here.page("code.html", code=await here.write(draw))


async def ask(here: Here) -> Response:
    """Show the page where a code goes."""
    return here.page("back.html")


async def enter(here: Here) -> Response:
    """Let the browser into the conversation that a code opens; nothing said there is shown."""
    for rule in TRIES:
        if not here.web.limiter.may(rule, "codes tried", here.caller):
            return too_often(here, rule)

    def back(conn: Connection) -> tuple[str, str] | None:
        found = browser_sessions.come_back(
            conn, here.web.vault, here.form.get("code", ""), here.now
        )
        if found:
            submissions.keep(conn, here, Done("say", "/start"), found[1])
        return found

    found = await here.write(back)
    if found is None:
        await asyncio.sleep(SLOWER)
        return here.page("back.html", 422, wrong=True, code=here.form.get("code", "")[:40])
    return await into_chat(here, *found)
