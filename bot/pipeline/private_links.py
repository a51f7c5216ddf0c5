"""Makes the one-time links on buttons that open a private page, and reads them back."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from flows.conversation import Button, Conversation, Given, Introduction, Officer, Reply
from flows.questions import journey
from flows.referral import handover
from flows.service import service
from storage.chats import one_time_links
from storage.vault import Vault

QUIET, FORM, SHOW_CODE, TWO_KEY = "quiet", "quiet_form", "show_code", "two_key"
"""The kinds of links: to type off the chat, its open form, to show a code, that code itself."""
ON_BUTTONS = (QUIET, SHOW_CODE)
FORM_MINUTES = 30
"""How long an open form may be filled in."""
INTRODUCED = "/start k_"
_KINDS = {"quiet": QUIET, "two_key": SHOW_CODE}
"""By what a button does: the kind of link that it opens."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A page that a link opened: its kind, whose chat it is for, and the page's own code."""

    kind: str
    channel: str
    address: str
    code: str


@dataclass(frozen=True, slots=True)
class Chat:
    """Whose links they are; `shares` tells whether the chat can offer to share a number."""

    channel: str
    address: str
    conversation: Conversation
    shares: bool = False


def with_links(
    connection: Connection,
    vault: Vault,
    public_url: str | None,
    chat: Chat,
    replies: tuple[Reply, ...],
    now: datetime,
) -> Iterator[Reply]:
    """Give the replies with an address on each button that opens a page.

    Where pages have no address of their own the button is left out. Each link is good once,
    for this chat, for `page_minutes`.
    """
    made: dict[str, str] = {}

    def opened(button: Button) -> Button | None:
        if button.does not in _KINDS:
            return button
        if not public_url:
            return None
        kind = _KINDS[button.does]
        if kind not in made:
            made[kind] = _link(connection, vault, chat, kind, now)
        return replace(button, does="open", id=f"{public_url.rstrip('/')}/q/{made[kind]}")

    for reply in replies:
        rows = [tuple(filter(None, map(opened, row))) for row in reply.buttons]
        yield replace(reply, buttons=tuple(row for row in rows if row))


def opened(connection: Connection, vault: Vault, code: str, now: datetime) -> Opened | None:
    """Use up a link on a button; return the page that it opens, None when it opens none.

    An open form gets a code of its own, and so does the person to whom a code is shown.
    """
    quiet, shown = (one_time_links.use(connection, vault, kind, code, now) for kind in ON_BUTTONS)
    used = quiet or shown
    if used is None:
        return None
    kind, minutes = (FORM, FORM_MINUTES) if quiet else (TWO_KEY, service().page_minutes)
    fresh = one_time_links.make(
        connection, vault, kind, used.channel, used.address, now, minutes, used.body
    )
    return Opened(kind, used.channel, used.address, fresh)


def show_code(connection: Connection, vault: Vault, chat: Chat, line: str, now: datetime) -> str:
    """Return a code for the person who is with an officer, from the officer's own page."""
    body = {**introducing(chat.conversation), "line": line}
    minutes = service().page_minutes
    return one_time_links.make(
        connection, vault, TWO_KEY, chat.channel, chat.address, now, minutes, body
    )


def introduction(
    connection: Connection, vault: Vault, code: str, now: datetime
) -> Introduction | None:
    """Use up the code that an officer showed; None for one that is used, old or foreign."""
    used = one_time_links.use(connection, vault, TWO_KEY, code, now)
    if used is None or not used.body["officer"]:
        return None
    return Introduction(Officer(**used.body["officer"]), str(used.body["line"]))


def _link(connection: Connection, vault: Vault, chat: Chat, kind: str, now: datetime) -> str:
    body: dict[str, object] = {"shares": chat.shares}
    if kind == SHOW_CODE:
        body = introducing(chat.conversation)
    minutes = service().page_minutes
    return one_time_links.make(
        connection, vault, kind, chat.channel, chat.address, now, minutes, body
    )


def introducing(conversation: Conversation) -> dict[str, object]:
    """Return what a code says about the officer who shows it: who, and their own reference."""
    officer = conversation.officer or handover.officer_of(conversation)
    line = journey.counting(conversation).get("line")
    said = line.value if line and line.given == Given.SAID else ""
    return {"officer": asdict(officer) if officer else {}, "line": said}
