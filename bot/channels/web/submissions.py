"""What a person did on a page: saved first, whole and once, then answered."""

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from bot.channel_interface import Body
from bot.channels.web.channel import WEB_CHANNEL
from bot.channels.web.guard import ChatRequest
from bot.web.forms import Refused
from bot.web.guard import BUSY_ERRORS
from storage.chats import browser_sessions, inbox, screens
from storage.chats.inbox import Arrival
from storage.chats.screens import ScreenMessage
from storage.unit import Unit

log = logging.getLogger("rj.web")
T = TypeVar("T")
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


SaveSubmission = Callable[[Unit, ChatRequest, Submission, str], None]


async def begin_conversation(
    request: ChatRequest, first: Submission, channel: str = WEB_CHANNEL
) -> str:
    """Begin a conversation with what is said in it first; return its browser's token.

    `channel` is the one that the browser's session stands under.
    """
    address = secrets.token_urlsafe(24)

    def begin(unit: Unit, save: SaveSubmission) -> str:
        save(unit, request, first, address)
        return browser_sessions.begin_browser_session(unit, channel, address)

    return await answered_or_saved(request, begin, address)


async def submit(request: ChatRequest, submission: Submission) -> None:
    """Keep what was done, once however often it is sent, and wait for its answer a little."""
    address = request.chat_address

    def save_it(unit: Unit, save: SaveSubmission) -> None:
        save(unit, request, submission, address)

    await answered_or_saved(request, save_it, address)


async def answered_or_saved(
    request: ChatRequest, act: Callable[[Unit, SaveSubmission], T], address: str = ""
) -> T:
    """Do something that saves what a person did: answered in the same transaction, if it can be.

    Otherwise it is saved to be answered apart, and waited for where `address` says in which chat.
    Raises one of BUSY_ERRORS.
    """
    came_at = time.monotonic()
    try:
        done = await request.write_chats(act, _save_and_answer)
        request.runtime.measurements.answers.observe(time.monotonic() - came_at)
        return done
    except (*BUSY_ERRORS, Refused):
        raise  # once more would wait as long again
    except Exception as problem:
        log.warning("answered_apart", extra={"code": type(problem).__name__})
    done = await request.write_chats(act, save_submission)
    if address:
        await _wait_until_answered(request, address)
    return done


def _save_and_answer(
    unit: Unit, request: ChatRequest, submission: Submission, address: str
) -> None:
    """Keep what was done, show it and its answer on the screen, in one transaction."""
    arrival, own = _arrival_of(unit, request, submission, address)
    if new := inbox.store_answered(unit, WEB_CHANNEL, [arrival]):
        _show_submission(unit, submission, address, own)
        request.runtime.answer_now(unit, WEB_CHANNEL, new)


def save_submission(unit: Unit, request: ChatRequest, submission: Submission, address: str) -> None:
    """Keep what was done, to be answered apart, and show it on the screen, in one transaction."""
    arrival, own = _arrival_of(unit, request, submission, address)
    if inbox.enqueue_arrivals(unit, WEB_CHANNEL, [arrival]):
        _show_submission(unit, submission, address, own)


def _arrival_of(
    unit: Unit, request: ChatRequest, submission: Submission, address: str
) -> tuple[Arrival, str]:
    """Return what the inbox is given, and the id of the person's own message on the screen."""
    once = request.form.get("once", "")[:IDEMPOTENCY_KEY_MAX] or secrets.token_urlsafe(12)
    own = unit.fingerprint("did", request.token, once, submission.kind, submission.value)
    body: Body = {"chat": address, submission.kind: submission.value, "language": request.language}
    said = submission.kind == SubmissionKind.SAY and bool(submission.bubble)
    body["message"] = own if said else submission.message_id
    return Arrival(f"{request.token}/{once}", address, body), own


def _show_submission(unit: Unit, submission: Submission, address: str, own: str) -> None:
    if submission.clears_screen:
        screens.clear_screen(unit, WEB_CHANNEL, address)
    if submission.bubble:
        line = ScreenMessage(own, submission.bubble, from_person=True)
        screens.add_screen_message(unit, WEB_CHANNEL, address, line)


async def _wait_until_answered(request: ChatRequest, address: str) -> None:
    """Wait until everything in a conversation is answered and shown; not for ever."""

    async def is_shown() -> bool:
        return not await request.read(browser_sessions.has_pending_work, WEB_CHANNEL, address)

    runtime = request.runtime
    await runtime.answers.wait(WEB_CHANNEL, address, is_shown, runtime.answer_within)
