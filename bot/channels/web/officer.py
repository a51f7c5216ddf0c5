"""An officer's page: after an invitation, one form from consent to Send, keyboard only."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection
from sqlmodel import Session
from starlette.responses import Response

from bot.channels.web import submissions
from bot.channels.web.channel import NAME
from bot.channels.web.guard import Here
from bot.channels.web.pages import too_often
from bot.channels.web.private_page import TRIES, code_of, code_page, dangers, ended, shown
from bot.channels.web.submissions import Done
from bot.pipeline import private_links
from bot.pipeline.private_links import Chat
from bot.web import cookies
from bot.web.fields import Field, fields_of, filled_of, grouped
from bot.web.page_payload import PAGE, filled_body
from flows.conversation import Conversation, Filled
from flows.dialogue import form
from flows.dialogue.form import Problem
from flows.questions import paste
from flows.service import service
from storage.chats import browser_sessions, conversations, inbox, officers
from storage.chats.browser_sessions import OFFICER
from storage.chats.inbox import Arrival

COOKIE, DAYS = "officer", 90
"""An invitation lasts in its browser as long as an officer is remembered in a chat."""
POSTS = "30/minute"
INVITATION = "/start i_"
JOURNEY = "officer"
LOOK_EVERY = 0.03


@dataclass(frozen=True, slots=True)
class Took:
    """What became of a pasted message: the titles of what it filled in, and what was left."""

    took: tuple[str, ...]
    kept: tuple[str, ...]
    unread: int


async def knock(here: Here) -> Response:
    """Show one button: nothing of the invitation is used up by looking."""
    if not here.web.limiter.may(TRIES, "links", here.caller):
        return too_often(here, TRIES)
    if not await here.read(lambda session: _is_open(here, session)):
        return ended(here)
    return shown(here, "invited.html", action=here.request.url.path)


async def enter(here: Here) -> Response:
    """Let this browser in as the invited officer."""
    if not here.web.limiter.may(TRIES, "links", here.caller):
        return too_often(here, TRIES)
    if not await here.read(lambda session: _is_open(here, session)):
        return ended(here)
    address = secrets.token_urlsafe(24)

    def begin(conn: Connection) -> str:
        token = browser_sessions.begin(conn, here.web.vault, OFFICER, address, here.now)
        submissions.keep(conn, here, Done("say", f"{INVITATION}{code_of(here)}"), address)
        return token

    token = await here.write(begin)
    here.web.wake()
    await submissions.until_answered(here, address)
    response = here.go("/officer")
    cookies.keep(response, COOKIE, token, here.web.secure, days=DAYS)
    return response


async def show(here: Here) -> Response:
    """Show the form, or what became of what was sent."""
    conversation = await _officers_own(here)
    if conversation is None:
        return _not_in(here)
    if conversation.stage == "sent" and "another" not in here.request.query_params:
        return _became(here, conversation, "sent.html")
    if conversation.stage == "stopped" and "change" not in here.request.query_params:
        return _became(here, conversation, "stopped.html")
    return _form(here, _at_the_form(conversation))


async def act(here: Here) -> Response:
    """Take the form: fill it from a pasted message, show a code, or send it."""
    conversation = await _officers_own(here)
    if conversation is None:
        return _not_in(here)
    if not here.is_ours:
        return _form(here, _at_the_form(conversation), here.form, status=403, why="old_form")
    if not here.web.limiter.may(POSTS, "officer posts", here.token):
        return too_often(here, POSTS)
    if here.form.get("after", "") != _sent_before(conversation):
        return here.go("/officer")
    at_form = _at_the_form(conversation)
    match here.form.get("do"):
        case "paste":
            return _pasted(here, at_form)
        case "code":
            return await _code(here, at_form)
        case _:
            return await _send(here, at_form)


# --- what can be done with the form


def _pasted(here: Here, conversation: Conversation) -> Response:
    """Fill in what a pasted message says; what stands in the form already stays."""
    found = paste.read(here.form.get("paste", ""), conversation.language, service().adult_age)
    given = dict(here.form)
    asked = [one for one in form.form_of(conversation) if one.key in found.readings]
    fresh = [one for one in asked if not given.get(one.key)]
    given.update({one.key: found.readings[one.key].value for one in fresh})
    took = Took(
        tuple(one.title.rstrip("*") for one in fresh),
        tuple(one.title.rstrip("*") for one in asked if one not in fresh),
        found.unread,
    )
    return _form(here, conversation, given, took=took)


async def _code(here: Here, conversation: Conversation) -> Response:
    """Show a code for the person who is with the officer, with the reference if there is one."""
    filled = tuple(pair for pair in filled_of(conversation, here.form) if pair[0] == "line")
    _, problems = form.read_form(conversation, _not_empty(filled), here.now)
    if problems:
        return _form(here, conversation, here.form, problems, status=422)
    chat = Chat(NAME, here.chat, conversation)
    line = _read_line(here, conversation, filled)
    vault = here.web.vault
    code = await here.write(lambda conn: private_links.show_code(conn, vault, chat, line, here.now))
    return code_page(here, code, back="/officer")


async def _send(here: Here, conversation: Conversation) -> Response:
    """Check the whole form by the rules of the chat, and send it."""
    filled = form.whole(conversation, filled_of(conversation, here.form))
    read, problems = form.read_form(conversation, filled, here.now)
    wrong = {one.question for one in problems}
    if not form.stops(read):
        missing = [one for one in form.problems_of(read) if one.question not in wrong]
        problems = (*problems, *missing)
    if problems:
        return _form(here, conversation, here.form, problems, status=422)
    body = filled_body(NAME, here.chat, filled, JOURNEY, send=True)
    key = f"{here.token}/{here.form.get('once', '')[:60]}"
    arrival = Arrival(key, here.chat, body)
    await here.write(lambda conn: inbox.keep(conn, here.web.vault, PAGE, [arrival], here.now))
    here.web.wake()
    await _until_taken(here)
    return here.go("/officer")


async def _until_taken(here: Here) -> None:
    """Wait until the page was answered; not for ever."""
    loop, vault = asyncio.get_running_loop(), here.web.vault
    until = loop.time() + here.web.answer_within
    while loop.time() < until:
        waits = await here.read(
            lambda session: inbox.is_waiting(session.connection(), vault, PAGE, here.chat)
        )
        if not waits:
            return
        await asyncio.sleep(LOOK_EVERY)


# --- what is shown


def _form(
    here: Here,
    conversation: Conversation,
    given: Mapping[str, str] | None = None,
    problems: Sequence[Problem] = (),
    status: int = 200,
    took: Took | None = None,
    why: str = "",
) -> Response:
    fields = fields_of(conversation, given, problems)
    return shown(
        here,
        "officer.html",
        status,
        conversation.language,
        groups=grouped(JOURNEY, fields),
        wrong=_in_order(fields),
        took=took,
        why=why,
        after=_sent_before(conversation),
        dangers=dangers(filled_of(conversation, given or {})),
    )


def _in_order(fields: Sequence[Field]) -> list[Field]:
    return [field for group in grouped(JOURNEY, fields) for field in group.fields if field.problem]


def _became(here: Here, conversation: Conversation, name: str) -> Response:
    receipt = conversation.receipt
    reference = receipt.reference if receipt else ""
    text = form.outcome(conversation)
    return shown(here, name, language=conversation.language, text=text, reference=reference)


def _not_in(here: Here) -> Response:
    response = shown(here, "not_in.html", 403)
    if here.token:
        cookies.drop(response, COOKIE, here.web.secure)
    return response


# --- whose it is


async def _officers_own(here: Here) -> Conversation | None:
    """Return the conversation of this browser's officer; None when it has none."""
    if here.address is None:
        return None
    conversation = await here.read(lambda session: _recalled(here, session))
    known = conversation.officer is not None and conversation.officer.verified
    return conversation if known else None


def _recalled(here: Here, session: Session) -> Conversation:
    conn, vault = session.connection(), here.web.vault
    return conversations.recall(conn, vault, NAME, here.chat, here.now).conversation


def _at_the_form(conversation: Conversation) -> Conversation:
    """Return the conversation as its form begins: with its draft, or with a clean one."""
    if conversation.journey == JOURNEY and conversation.stage != "sent":
        return conversation
    return replace(conversation, journey=JOURNEY, answers=())


def _sent_before(conversation: Conversation) -> str:
    """Return what was sent last: a form from before that was sent already."""
    return conversation.receipt.reference if conversation.receipt else ""


def _is_open(here: Here, session: Session) -> bool:
    return officers.is_open(session, here.web.vault, code_of(here), here.now)


def _read_line(here: Here, conversation: Conversation, filled: Filled) -> str:
    read, _ = form.read_form(conversation, _not_empty(filled), here.now)
    said = [one.value for one in read.answers if one.question == "line"]
    return said[-1] if said and filled and filled[0][1].strip() else ""


def _not_empty(filled: Filled) -> Filled:
    return tuple((key, typed) for key, typed in filled if typed.strip())
