"""The page behind an officer's code, on which the person introduced begins a conversation."""

from starlette.responses import Response

from bot import private_links
from bot.channels.web import submissions
from bot.channels.web.guard import ChatRequest
from bot.channels.web.pages import open_chat
from bot.channels.web.private_page import check_link
from bot.channels.web.submissions import Submission
from bot.web.forms import Refusal
from storage.chats import one_time_links
from storage.chats.one_time_links import LinkKind


async def confirm_introduction_page(request: ChatRequest) -> Response:
    """Say what this is, with one button: nothing is used up by looking."""
    await _check_code(request)
    name = request.runtime.telegram_username()
    telegram = f"https://t.me/{name}?start=k_{request.code}" if name else ""
    return request.render("form/with_me.html", action=request.http.url.path, telegram=telegram)


async def redeem_introduction_code(request: ChatRequest) -> Response:
    """Begin the person's own conversation; their own taps say the rest."""
    await _check_code(request)
    said = Submission(f"{private_links.INTRODUCTION_COMMAND}{request.code}")
    return open_chat(request, await submissions.begin_conversation(request, said))


async def _check_code(request: ChatRequest) -> None:
    is_valid, kind = one_time_links.is_link_valid, LinkKind.INTRODUCTION
    await check_link(request, is_valid, kind, ended=Refusal.CODE_ENDED)
