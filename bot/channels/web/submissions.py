"""What a person did on a page: saved first, whole and once, then answered."""

import asyncio
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection

from bot.channels import Body
from bot.channels.web.channel import WEB_CHANNEL
from bot.channels.web.guard import ChatRequest
from storage.chats import browser_sessions, inbox, screens
from storage.chats.inbox import Arrival
from storage.chats.screens import ScreenMessage
from storage.serialization import dumps as as_text

POLL_SECONDS = 0.03
"""Seconds between looks for the answer."""
IDEMPOTENCY_KEY_MAX = 60


@dataclass(frozen=True, slots=True)
class Submission:
    """One thing that a person did: `what` is say or press, `bubble` what their screen shows."""

    kind: str
    value: str
    message_id: str | None = None
    bubble: str = ""
    clears_screen: bool = False


async def submit(request: ChatRequest, submission: Submission, address: str = "") -> None:
    """Keep what was done, once however often it is sent, and wait for its answer a little."""
    address = address or request.chat_address
    await request.write(lambda conn: save_submission(conn, request, submission, address))
    request.web.wake()
    await wait_until_answered(request, address)


def save_submission(
    conn: Connection, request: ChatRequest, submission: Submission, address: str
) -> None:
    """Keep what was done and show it on the screen, in one transaction."""
    vault, now = request.web.vault, request.now
    once = request.form.get("once", "")[:IDEMPOTENCY_KEY_MAX] or secrets.token_urlsafe(12)
    own = vault.fingerprint(
        as_text(["did", request.token, once, submission.kind, submission.value])
    )
    body: Body = {"chat": address, submission.kind: submission.value, "language": request.language}
    said = submission.kind == "say" and bool(submission.bubble)
    body["message"] = own if said else submission.message_id
    if not inbox.enqueue_arrivals(
        conn, vault, WEB_CHANNEL, [Arrival(f"{request.token}/{once}", address, body)], now
    ):
        return
    if submission.clears_screen:
        screens.clear_screen(conn, vault, WEB_CHANNEL, address)
    if submission.bubble:
        screens.add_screen_message(
            conn,
            vault,
            WEB_CHANNEL,
            address,
            ScreenMessage(own, submission.bubble, from_person=True),
            now,
        )


async def wait_until_answered(request: ChatRequest, address: str) -> None:
    """Wait until everything in a conversation is answered and shown; not for ever."""
    vault = request.web.vault
    loop = asyncio.get_running_loop()
    until = loop.time() + request.web.answer_within
    while loop.time() < until:
        waits = await request.read(
            lambda session: browser_sessions.has_pending_work(
                session, vault, WEB_CHANNEL, address, request.web.clock()
            )
        )
        if not waits:
            return
        await asyncio.sleep(POLL_SECONDS)
