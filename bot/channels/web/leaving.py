"""Leaving a conversation: the browser is let out at once, even while the database is busy."""

import asyncio
import contextlib
import logging

from bot.channels.web import submissions
from bot.channels.web.channel import WEB_CHANNEL
from bot.channels.web.guard import ChatRequest
from bot.channels.web.submissions import Submission
from storage.chats import browser_sessions, screens
from storage.database import DatabaseBusy
from storage.unit import Unit

log = logging.getLogger("rj.web")
EXIT_TIMEOUT = 0.5
"""Seconds until the neutral page is shown, whether or not the database had time."""
MAX_ATTEMPTS, RETRY_SECONDS = 20, 3.0
"""How often it is tried behind the neutral page, and the seconds between."""


async def end_session(request: ChatRequest) -> None:
    """End the visit and clear the screen; what the database has no time for is done later."""
    task = asyncio.create_task(_end_session_with_retries(request))
    request.runtime.tasks.add(task)
    task.add_done_callback(request.runtime.tasks.discard)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(task), EXIT_TIMEOUT)


async def _end_session_with_retries(request: ChatRequest) -> None:
    for _ in range(MAX_ATTEMPTS):
        try:
            await request.runtime.database.write(_record_exit, request)
        except DatabaseBusy:
            log.warning("leaving_later")
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return


def _record_exit(unit: Unit, request: ChatRequest) -> None:
    """Have the flow hear that the person leaves, as if they had said so."""
    address = browser_sessions.session_address(unit, request.token)
    if address is None:
        return
    submissions.save_submission(unit, request, Submission("/leave"), address)
    screens.clear_screen(unit, WEB_CHANNEL, address)
    browser_sessions.end_browser_session(unit, request.token)
