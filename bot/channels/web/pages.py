"""The pages of the chat: start, conversation, submission, quick exit."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from starlette.responses import RedirectResponse, Response

from bot.broadcast import Subscription
from bot.channels.web import leaving, submissions
from bot.channels.web.channel import WEB_CHANNEL
from bot.channels.web.guard import CHAT_COOKIE, ChatRequest
from bot.channels.web.submissions import Submission, SubmissionKind
from bot.web import cookies, forms
from bot.web.event_stream import event_response
from bot.web.forms import Refused
from flows.service import service
from flows.understanding.crisis import detect_danger
from storage.chats import browser_sessions, conversations, inbox, screens
from storage.chats.screens import ScreenMessage
from storage.unit import Unit

CHATS_PER_CLIENT = ("10/minute", "60/hour")
"""How many chats may begin from one address on the network."""
POSTS_PER_CHAT = "60/minute"
"""How much one chat may say; words of danger get through all the same."""


@dataclass(frozen=True, slots=True)
class Screen:
    """What a page of the conversation shows."""

    messages: list[ScreenMessage]
    revision: str
    has_pending_work: bool
    is_awaiting_answer: bool
    language: str
    idle_time: timedelta

    @property
    def locked(self) -> bool:
        """Return whether the person was quiet for so long that nothing is shown."""
        return not self.is_awaiting_answer and self.seconds_to_lock <= 0

    @property
    def seconds_to_lock(self) -> int:
        """Return the seconds until nothing is shown any more."""
        return _seconds_to_lock(self.idle_time)

    @property
    def visible_messages(self) -> list[ScreenMessage]:
        """Return the messages; a passing one goes with the next thing that the person does."""
        last_own = max((n for n, line in enumerate(self.messages) if line.from_person), default=-1)
        return [line for n, line in enumerate(self.messages) if not line.transient or n > last_own]

    @property
    def first_unread_id(self) -> str:
        """Return the id of the first message that the person has not answered; "" for none."""
        shown = self.visible_messages
        last_own = max((n for n, line in enumerate(shown) if line.from_person), default=-1)
        return shown[last_own + 1].id if last_own + 1 < len(shown) else ""

    @property
    def latest_with_buttons(self) -> ScreenMessage | None:
        """Return the newest message that has buttons."""
        return next((line for line in reversed(self.messages) if line.buttons), None)


async def welcome_page(request: ChatRequest) -> Response:
    """Return the start page: a welcome and one button; nothing is stored of a visit."""
    if request.address is not None:
        return request.redirect("/chat")
    return request.render("web/start.html")


async def start_chat(request: ChatRequest) -> Response:
    """Begin a conversation, unless there were too many."""
    if request.address is not None:
        return request.redirect("/chat")
    for rule in CHATS_PER_CLIENT:
        request.check_rate(rule, "new chat", request.client_network)
    async with asyncio.timeout(request.database_timeout):
        await request.runtime.chat_starts.acquire()
    try:
        begun = await submissions.begin_conversation(request, Submission("/start"))
        return open_chat(request, begun)
    finally:
        request.runtime.chat_starts.release()


def open_chat(request: ChatRequest, token: str) -> Response:
    """Let the browser into a conversation whose first words are kept already."""
    response = request.redirect("/chat#latest")
    cookies.set_cookie(response, CHAT_COOKIE, token, request.runtime.secure)
    return response


async def chat_page(request: ChatRequest) -> Response:
    """Show the conversation; after a while away, nothing of it."""
    screen = await request.read(load_screen, request)
    if screen.locked:
        return request.render("web/locked.html", language=screen.language)
    return request.render("web/chat.html", language=screen.language, screen=screen)


async def post_to_chat(request: ChatRequest) -> Response:
    """Take what a person pressed or typed."""
    words = request.form.get("say", "")
    try:
        request.check_rate(POSTS_PER_CHAT, "chat posts", request.chat_address)
    except Refused:
        if not detect_danger(words):
            raise
    if submission := await request.read(_posted_submission, request):
        await submissions.submit(request, submission)
    return request.redirect("/chat#latest")


def _posted_submission(unit: Unit, request: ChatRequest) -> Submission | None:
    """Return what a person did, None for going on with a page that is not locked any more."""
    locked = _is_locked(unit, request)
    if "go_on" in request.form:
        return Submission("/start", clears_screen=True) if locked else None
    if "press" in request.form:
        return _button_submission(unit, request, locked)
    words = request.form.get("say", "")
    bubble = words if words.strip() and not words.startswith("/start") else ""
    return Submission(words, bubble=bubble, clears_screen=locked)


def _button_submission(unit: Unit, request: ChatRequest, locked: bool) -> Submission:
    """Return what a button means: its value names the message it stands on, and its own id."""
    message, _, id = request.form["press"][:200].partition(" ")
    line = screens.find_screen_message(unit, WEB_CHANNEL, request.chat_address, message)
    labels = [b["label"] for row in (line.buttons if line else ()) for b in row if b["id"] == id]
    bubble = labels[0] if labels and not locked else ""
    return Submission(
        id, SubmissionKind.PRESS, line.id if line else None, bubble, clears_screen=locked
    )


async def quick_exit(request: ChatRequest) -> Response:
    """Show a neutral page at once; the conversation is put away behind it."""
    response: Response = RedirectResponse(service().exit_url, 303)
    if request.http.headers.get("sec-fetch-mode", "navigate") != "navigate":
        # The page's script has its own way out; a browser may follow a redirect of its request
        # after the page is gone, and so ask the neutral site twice.
        response = Response(status_code=204)
    ahead = request.http.headers.get("sec-purpose", "").startswith("prefetch")
    if ahead or request.http.method != "GET" or not forms.is_same_origin(request.http):
        return response
    if request.token:
        await leaving.end_session(request)
    cookies.delete_cookie(response, CHAT_COOKIE, request.runtime.secure)
    response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return response


async def privacy_page(request: ChatRequest) -> Response:
    """Say what is kept, for how long, and what a browser keeps."""
    return request.render("web/privacy.html")


async def chat_events(request: ChatRequest) -> Response:
    """Tell the page's script when there is something new."""
    own = (WEB_CHANNEL, request.chat_address)
    topic = await request.read(screens.screen_topic, *own)
    look = partial(request.read, screens.screen_revision, *own)
    return event_response(request.runtime.live, Subscription(topic, request.token, look))


def load_screen(unit: Unit, request: ChatRequest) -> Screen:
    """Return how a conversation stands on the screen."""
    address = request.chat_address
    found = conversations.load_conversation(unit, WEB_CHANNEL, address)
    return Screen(
        screens.list_screen_messages(unit, WEB_CHANNEL, address),
        screens.screen_revision(unit, WEB_CHANNEL, address),
        browser_sessions.has_pending_work(unit, WEB_CHANNEL, address),
        inbox.has_unanswered_input(unit, WEB_CHANNEL, address),
        found.conversation.language,
        _idle_time(request, found),
    )


def _is_locked(unit: Unit, request: ChatRequest) -> bool:
    """Return what `Screen.locked` does, without reading the screen."""
    found = conversations.load_conversation(unit, WEB_CHANNEL, request.chat_address)
    if _seconds_to_lock(_idle_time(request, found)) > 0:
        return False
    return not inbox.has_unanswered_input(unit, WEB_CHANNEL, request.chat_address)


def _seconds_to_lock(idle_time: timedelta) -> int:
    return service().lock_minutes * 60 - int(idle_time.total_seconds())


def _idle_time(request: ChatRequest, found: conversations.StoredConversation) -> timedelta:
    """Return how long the person said nothing; for ever once the talk was tidied away."""
    heard_at = found.conversation.last_input_at
    if heard_at is None:
        return timedelta() if found.new else timedelta.max
    # Heard in the future: the clock has been put back.
    return max(timedelta(), request.now - heard_at)
