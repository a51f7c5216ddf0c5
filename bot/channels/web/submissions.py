"""What a person did on a page: saved first, whole and once, then answered."""

import secrets
from dataclasses import dataclass
from enum import StrEnum

from bot.channel_interface import Body
from bot.channels.web.channel import WEB_CHANNEL
from bot.channels.web.guard import ChatRequest
from storage.chats import browser_sessions, inbox, screens
from storage.chats.inbox import Arrival
from storage.chats.screens import ScreenMessage
from storage.unit import Unit

IDEMPOTENCY_KEY_MAX = 60


class SubmissionKind(StrEnum):
    """Under which name the inbox keeps what was done: words, or the button that was pressed."""

    SAY = "say"
    PRESS = "press"


@dataclass(frozen=True, slots=True)
class Submission:
    """One thing that a person did; `bubble` is what their screen shows of it."""

    value: str
    kind: SubmissionKind = SubmissionKind.SAY
    message_id: str | None = None
    bubble: str = ""
    clears_screen: bool = False


async def begin_conversation(
    request: ChatRequest, first: Submission, channel: str = WEB_CHANNEL
) -> tuple[str, str]:
    """Begin a conversation with what is said in it first; return its browser's token, its address.

    `channel` is the one that the browser's session stands under.
    """
    address = secrets.token_urlsafe(24)

    def begin(unit: Unit) -> str:
        save_submission(unit, request, first, address)
        return browser_sessions.begin_browser_session(unit, channel, address)

    return await request.write(begin), address


async def submit(request: ChatRequest, submission: Submission, address: str = "") -> None:
    """Keep what was done, once however often it is sent, and wait for its answer a little."""
    address = address or request.chat_address
    await request.write(save_submission, request, submission, address)
    await wait_until_answered(request, address)


def save_submission(unit: Unit, request: ChatRequest, submission: Submission, address: str) -> None:
    """Keep what was done and show it on the screen, in one transaction."""
    once = request.form.get("once", "")[:IDEMPOTENCY_KEY_MAX] or secrets.token_urlsafe(12)
    own = unit.fingerprint("did", request.token, once, submission.kind, submission.value)
    body: Body = {"chat": address, submission.kind: submission.value, "language": request.language}
    said = submission.kind == SubmissionKind.SAY and bool(submission.bubble)
    body["message"] = own if said else submission.message_id
    arrival = Arrival(f"{request.token}/{once}", address, body)
    if not inbox.enqueue_arrivals(unit, WEB_CHANNEL, [arrival]):
        return
    if submission.clears_screen:
        screens.clear_screen(unit, WEB_CHANNEL, address)
    if submission.bubble:
        line = ScreenMessage(own, submission.bubble, from_person=True)
        screens.add_screen_message(unit, WEB_CHANNEL, address, line)


async def wait_until_answered(request: ChatRequest, address: str) -> None:
    """Wait until everything in a conversation is answered and shown; not for ever."""

    async def is_shown() -> bool:
        return not await request.read(browser_sessions.has_pending_work, WEB_CHANNEL, address)

    runtime = request.runtime
    await runtime.answers.wait(WEB_CHANNEL, address, is_shown, runtime.answer_within)
