"""A code to come back with: given when a person asks for it, and used once."""

import asyncio

from starlette.responses import Response

from bot.channels.web import submissions
from bot.channels.web.channel import WEB_CHANNEL
from bot.channels.web.guard import ChatRequest
from bot.channels.web.pages import open_chat
from bot.channels.web.submissions import SaveSubmission, Submission
from flows.service import service
from storage.chats import browser_sessions
from storage.unit import Unit

CODES_PER_CHAT = "6/hour"
"""How many codes one chat may ask for."""
CODE_ATTEMPTS = ("6/minute", "30/hour")
"""How often codes may be tried from one address on the network."""
WRONG_CODE_DELAY = 0.3
"""Seconds that an answer about a wrong code takes at least."""


async def show_resume_code(request: ChatRequest) -> Response:
    """Show a code, this once."""
    request.check_rate(CODES_PER_CHAT, "codes", request.chat_address)
    hours = service().draft_hours

    def draw(unit: Unit) -> str:
        return browser_sessions.issue_resume_code(unit, WEB_CHANNEL, request.chat_address, hours)

    return request.render("web/code.html", code=await request.write(draw))


async def show_resume_form(request: ChatRequest) -> Response:
    """Show the page where a code goes."""
    return request.render("web/back.html")


async def resume_with_code(request: ChatRequest) -> Response:
    """Let the browser into the conversation that a code opens; nothing said there is shown."""
    for rule in CODE_ATTEMPTS:
        request.check_rate(rule, "codes tried", request.client_network)

    def back(unit: Unit, save: SaveSubmission) -> str:
        found = browser_sessions.redeem_resume_code(unit, request.form.get("code", ""))
        if found is None:
            return ""
        token, address = found
        save(unit, request, Submission("/start"), address)
        return token

    token = await submissions.answered_or_saved(request, back)
    if not token:
        await asyncio.sleep(WRONG_CODE_DELAY)
        typed = request.form.get("code", "")[:40]
        return request.render("web/back.html", 422, wrong=True, code=typed)
    return open_chat(request, token)
