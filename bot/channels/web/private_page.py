"""The private page: a one-time link from a chat, for what should not stand in it."""

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection
from sqlmodel import Session
from starlette.responses import Response

from bot.channels.web.guard import Here
from bot.channels.web.pages import too_often
from bot.pipeline import private_links
from bot.pipeline.private_links import Opened
from bot.web import qr
from bot.web.fields import fields_of, filled_of
from bot.web.page_payload import PAGE, filled_body
from bot.web.templates import page
from flows.conversation import Conversation, Filled
from flows.dialogue import form
from flows.dialogue.form import Problem
from flows.service import service
from flows.understanding.crisis import hear_danger
from storage.chats import conversations, inbox, one_time_links
from storage.chats.inbox import Arrival
from storage.chats.one_time_links import Used

TRIES = "30/minute"
"""How many links one address on the network may try."""


async def knock(here: Here) -> Response:
    """Show one button: a program that only looks at links uses nothing up."""
    if not here.web.limiter.may(TRIES, "links", here.caller):
        return too_often(here, TRIES)
    good = await here.read(lambda session: _looks_good(here, session))
    return shown(here, "knock.html", action=here.request.url.path) if good else ended(here)


async def enter(here: Here) -> Response:
    """Use the link up and show what it opens: the form, or a code for somebody else."""
    if not here.web.limiter.may(TRIES, "links", here.caller):
        return too_often(here, TRIES)
    vault, code = here.web.vault, code_of(here)
    opened = await here.write(lambda conn: private_links.opened(conn, vault, code, here.now))
    if opened is None:
        return ended(here)
    if opened.kind == private_links.TWO_KEY:
        return code_page(here, opened.code)
    return await _form(here, opened)


async def fill(here: Here) -> Response:
    """Take what was typed, once; where something cannot be read, show it again with the reason."""
    if not here.web.limiter.may(TRIES, "links", here.caller):
        return too_often(here, TRIES)
    code, kind, vault = here.form.get("page", ""), private_links.FORM, here.web.vault
    made_for = await here.read(
        lambda session: one_time_links.peek(session, vault, kind, code, here.now)
    )
    if made_for is None:
        return ended(here)
    conversation = await here.read(lambda session: _recalled(here, session, made_for))
    filled = tuple((key, typed) for key, typed in _given(here, conversation) if typed.strip())
    _, problems = form.read_form(conversation, filled, here.now)
    if problems or not filled:
        return _shown_form(here, conversation, code, problems, 422)
    if not await here.write(lambda conn: _keep(here, conn, code, made_for, filled)):
        return ended(here)
    here.web.wake()
    response = shown(here, "kept.html", language=conversation.language)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def shown(here: Here, name: str, status: int = 200, language: str = "", **values: Any) -> Response:
    """Return a page of forms; inside it `here` is this request."""
    own = {"here": here, "once": secrets.token_urlsafe(12), "exit_to": service().exit_to}
    return page(f"form/{name}", {**own, **values}, status, language or here.language)


def ended(here: Here) -> Response:
    """Say the same of every link that is used, old or foreign, and what to do."""
    return shown(here, "ended.html", 404)


def code_of(here: Here) -> str:
    """Return the code in the address of the page."""
    return str(here.request.path_params.get("code", ""))


def code_page(here: Here, code: str, back: str = "") -> Response:
    """Show an officer the code for the person who is with them: a picture, and the address."""
    link = f"{root(here)}/k/{code}"
    return shown(here, "code.html", link=link, picture=qr.qr(link), back=back)


def root(here: Here) -> str:
    """Return where the pages are reached from outside."""
    return (here.web.public_url or str(here.request.base_url)).rstrip("/")


def dangers(filled: Filled) -> list[str]:
    """Return the kinds of danger in what was typed, each once."""
    heard = [hear_danger(words) for words in form.words_typed(filled)]
    return list(dict.fromkeys(str(kind) for kind in heard if kind))


def _looks_good(here: Here, session: Session) -> bool:
    vault, code = here.web.vault, code_of(here)
    kinds = private_links.ON_BUTTONS
    looked = [one_time_links.look(session, vault, kind, code, here.now) for kind in kinds]
    return any(looked)


async def _form(here: Here, opened: Opened) -> Response:
    chat = Used(opened.channel, opened.address, {})
    conversation = await here.read(lambda session: _recalled(here, session, chat))
    return _shown_form(here, conversation, opened.code)


def _shown_form(
    here: Here,
    conversation: Conversation,
    code: str,
    problems: Sequence[Problem] = (),
    status: int = 200,
) -> Response:
    only = form.typed_on_the_path(conversation)
    given = _given(here, conversation)
    fields = fields_of(conversation, dict(given) if status != 200 else None, problems, only)
    return shown(
        here,
        "quiet.html",
        status,
        conversation.language,
        fields=fields,
        page=code,
        wrong=status != 200,
        dangers=dangers(given),
    )


def _given(here: Here, conversation: Conversation) -> Filled:
    only = form.typed_on_the_path(conversation)
    return tuple(pair for pair in filled_of(conversation, here.form) if pair[0] in only)


def _recalled(here: Here, session: Session, chat: Used) -> Conversation:
    conn, vault = session.connection(), here.web.vault
    found = conversations.recall(conn, vault, chat.channel, chat.address, here.now)
    return found.conversation


def _keep(here: Here, conn: Connection, code: str, chat: Used, filled: Filled) -> bool:
    """Use the form up and keep what was typed, in one transaction; return whether it was good."""
    vault = here.web.vault
    if one_time_links.use(conn, vault, private_links.FORM, code, here.now) is None:
        return False
    shares = bool(chat.body.get("shares"))
    body = filled_body(chat.channel, chat.address, filled, shares=shares, pages=True)
    inbox.keep(conn, vault, PAGE, [Arrival(code, chat.address, body)], here.now)
    return True
