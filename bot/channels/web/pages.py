"""The pages of the chat: the hello, the conversation, what a person does in it, the way out."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from bot.channels.web import leaving, submissions
from bot.channels.web.channel import NAME
from bot.channels.web.guard import COOKIE, Here, patiently
from bot.channels.web.submissions import Done
from bot.channels.web.watch import Watch
from bot.web import cookies, forms
from flows.service import service
from flows.understanding.crisis import hear_danger
from storage.chats import browser_sessions, conversations, screens
from storage.chats.screens import Line

NEW = ("10/minute", "60/hour")
"""How many chats may begin from one address on the network."""
NEW_IN_ALL = "300/minute"
POSTS = "60/minute"
"""How much one chat may say; words of danger get through all the same."""


@dataclass(frozen=True, slots=True)
class Screen:
    """What a page of the conversation shows."""

    lines: list[Line]
    mark: str
    waits: bool
    unheard: bool
    language: str
    quiet: timedelta

    @property
    def locked(self) -> bool:
        """Return whether the person was quiet for so long that nothing is shown."""
        return not self.unheard and self.lock_in <= 0

    @property
    def lock_in(self) -> int:
        """Return the seconds until nothing is shown any more."""
        return service().lock_minutes * 60 - int(self.quiet.total_seconds())

    @property
    def shown(self) -> list[Line]:
        """Return the messages; a passing one goes with the next thing that the person does."""
        last_own = max((n for n, line in enumerate(self.lines) if line.from_person), default=-1)
        return [line for n, line in enumerate(self.lines) if not line.passing or n > last_own]

    @property
    def latest(self) -> str:
        """Return the id of the first message that the person has not answered; "" for none."""
        shown = self.shown
        last_own = max((n for n, line in enumerate(shown) if line.from_person), default=-1)
        return shown[last_own + 1].id if last_own + 1 < len(shown) else ""

    @property
    def asks(self) -> Line | None:
        """Return the newest message that has buttons."""
        return next((line for line in reversed(self.lines) if line.rows), None)


async def first(here: Here) -> Response:
    """Show the hello and one button: nothing is kept of anybody who only looks."""
    if here.address is not None:
        return here.go("/chat")
    return here.page("start.html")


async def start(here: Here) -> Response:
    """Begin a conversation, unless there were too many."""
    if here.address is not None:
        return here.go("/chat")
    limiter = here.web.limiter
    for rule in NEW:
        if not limiter.may(rule, "new chat", here.caller):
            return too_often(here, rule)
    if not limiter.may(NEW_IN_ALL, "new chats"):
        return too_often(here, NEW_IN_ALL)
    await patiently(here.web.beginning.acquire())
    try:
        return await _begun(here)
    finally:
        here.web.beginning.release()


async def _begun(here: Here) -> Response:
    address = secrets.token_urlsafe(24)

    def begin(conn: Connection) -> str:
        token = browser_sessions.begin(conn, here.web.vault, NAME, address, here.now)
        submissions.keep(conn, here, Done("say", "/start"), address)
        return token

    return await into_chat(here, await here.write(begin), address)


async def into_chat(here: Here, token: str, address: str) -> Response:
    """Let the browser into a conversation whose first words are kept already."""
    here.web.wake()
    await submissions.until_answered(here, address)
    response = here.go("/chat#latest")
    cookies.keep(response, COOKIE, token, here.web.secure)
    return response


async def talk(here: Here) -> Response:
    """Show the conversation; after a while away, nothing of it."""
    screen = await here.read(lambda session: look(here, session))
    if screen.locked:
        return here.page("locked.html", language=screen.language)
    return here.page("chat.html", language=screen.language, screen=screen)


async def act(here: Here) -> Response:
    """Take what a person pressed or typed."""
    words, press = here.form.get("say", ""), here.form.get("press", "")
    in_time = here.web.limiter.may(POSTS, "chat posts", here.chat)
    if not in_time and not hear_danger(words):
        return too_often(here, POSTS, words)
    screen = await here.read(lambda session: look(here, session))
    if "go_on" in here.form:
        if screen.locked:
            await submissions.arrive(here, Done("say", "/start", wipes=True))
    elif "press" in here.form:
        await submissions.arrive(here, pressed(screen, press))
    else:
        bubble = words if words.strip() and not words.startswith("/start") else ""
        await submissions.arrive(here, Done("say", words, bubble=bubble, wipes=screen.locked))
    return here.go("/chat#latest")


def pressed(screen: Screen, press: str) -> Done:
    """Return what a button means: its value names the message it stands on, and its own id."""
    message, _, id = press[:200].partition(" ")
    line = next((line for line in screen.lines if line.id == message), None)
    labels = [b["label"] for row in (line.rows if line else ()) for b in row if b["id"] == id]
    bubble = labels[0] if labels and not screen.locked else ""
    return Done("press", id, line.id if line else None, bubble, wipes=screen.locked)


async def leave(here: Here) -> Response:
    """Show a neutral page at once; the conversation is put away behind it."""
    response = RedirectResponse(service().exit_to, 303)
    ahead = here.request.headers.get("sec-purpose", "").startswith("prefetch")
    if ahead or here.request.method != "GET" or not forms.from_here(here.request):
        return response
    if here.token:
        await leaving.put_away(here)
    cookies.drop(response, COOKIE, here.web.secure)
    response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return response


async def privacy(here: Here) -> Response:
    """Say what is kept, for how long, and what a browser keeps."""
    return here.page("privacy.html")


async def live(here: Here) -> Response:
    """Tell the page's script when there is something new."""
    return here.web.live.events(here.request, Watch(here.web, here.chat).look)


def look(here: Here, session: Session) -> Screen:
    """Return how a conversation stands on the screen."""
    vault, address = here.web.vault, here.chat
    found = conversations.recall(session.connection(), vault, NAME, address, here.now)
    return Screen(
        screens.lines(session, vault, NAME, address),
        screens.newest_of(session, vault, NAME, address),
        browser_sessions.is_waiting(session, vault, NAME, address, here.now),
        browser_sessions.is_unheard(session, vault, NAME, address),
        found.conversation.language,
        _quiet_for(here, found),
    )


def _quiet_for(here: Here, found: conversations.Recalled) -> timedelta:
    """Return how long the person said nothing; for ever once the talk was tidied away."""
    heard_at = found.conversation.heard_at
    if heard_at is None:
        return timedelta() if found.new else timedelta.max
    return here.now - heard_at


def too_often(here: Here, rule: str, words: str = "") -> Response:
    """Say kindly that this is too often, for how long to wait, and what can be done instead."""
    hour = rule.endswith("hour")
    response = here.page("trouble.html", 429, why="too_often", hour=hour, words=words)
    response.headers["Retry-After"] = "3600" if hour else "60"
    return response
