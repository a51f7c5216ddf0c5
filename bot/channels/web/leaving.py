"""Leaving a conversation: the browser is let out at once, even while the database is busy."""

import asyncio
import contextlib
import logging

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from bot.channels.web import submissions
from bot.channels.web.channel import NAME
from bot.channels.web.guard import Here
from bot.channels.web.submissions import Done
from storage.chats import browser_sessions, screens

log = logging.getLogger("rj.web")
WITHIN = 0.5
"""Seconds until the neutral page is shown, whether or not the database had time."""
TRIES, PAUSE = 20, 3.0
"""How often it is tried behind the neutral page, and the seconds between."""


async def put_away(here: Here) -> None:
    """End the visit and clear the screen; what the database has no time for is done later."""
    task = asyncio.create_task(_put_away(here))
    here.web.tasks.add(task)
    task.add_done_callback(here.web.tasks.discard)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(task), WITHIN)


async def _put_away(here: Here) -> None:
    for _ in range(TRIES):
        try:
            await here.web.database.write(lambda conn: _leave(conn, here))
        except OperationalError:
            log.warning("leaving_later")
            await asyncio.sleep(PAUSE)
        else:
            here.web.wake()
            here.web.live.changed()
            return


def _leave(conn: Connection, here: Here) -> None:
    """Have the flow hear that the person leaves, as if they had said so."""
    vault = here.web.vault
    address = browser_sessions.who(conn, vault, here.token, here.now)
    if address is None:
        return
    submissions.keep(conn, here, Done("say", "/leave"), address)
    screens.wipe(conn, vault, NAME, address)
    browser_sessions.end(conn, vault, here.token)
