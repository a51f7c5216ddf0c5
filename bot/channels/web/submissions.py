"""What a person did on a page: saved first, whole and once, then answered."""

import asyncio
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection

from bot.channels import Body
from bot.channels.web.channel import NAME
from bot.channels.web.guard import Here
from storage.chats import browser_sessions, inbox, screens
from storage.chats.inbox import Arrival
from storage.chats.screens import Line
from storage.serialization import write as as_text

LOOK_EVERY = 0.03
"""Seconds between looks for the answer."""
ONCE_MAX = 60


@dataclass(frozen=True, slots=True)
class Done:
    """One thing that a person did: `what` is say or press, `bubble` what their screen shows."""

    what: str
    value: str
    message: str | None = None
    bubble: str = ""
    wipes: bool = False


async def arrive(here: Here, done: Done, address: str = "") -> None:
    """Keep what was done, once however often it is sent, and wait for its answer a little."""
    address = address or here.chat
    await here.write(lambda conn: keep(conn, here, done, address))
    here.web.wake()
    await until_answered(here, address)


def keep(conn: Connection, here: Here, done: Done, address: str) -> None:
    """Keep what was done and show it on the screen, in one transaction."""
    vault, now = here.web.vault, here.now
    once = here.form.get("once", "")[:ONCE_MAX] or secrets.token_urlsafe(12)
    own = vault.fingerprint(as_text(["did", here.token, once, done.what, done.value]))
    body: Body = {"chat": address, done.what: done.value, "language": here.language}
    said = done.what == "say" and bool(done.bubble)
    body["message"] = own if said else done.message
    if not inbox.keep(conn, vault, NAME, [Arrival(f"{here.token}/{once}", address, body)], now):
        return
    if done.wipes:
        screens.wipe(conn, vault, NAME, address)
    if done.bubble:
        screens.put(conn, vault, NAME, address, Line(own, done.bubble, from_person=True), now)


async def until_answered(here: Here, address: str) -> None:
    """Wait until everything in a conversation is answered and shown; not for ever."""
    vault = here.web.vault
    loop = asyncio.get_running_loop()
    until = loop.time() + here.web.answer_within
    while loop.time() < until:
        waits = await here.read(
            lambda session: browser_sessions.is_waiting(
                session, vault, NAME, address, here.web.clock()
            )
        )
        if not waits:
            return
        await asyncio.sleep(LOOK_EVERY)
