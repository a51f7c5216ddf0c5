"""An officer's page: after an invitation, one form from consent to Send, keyboard only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from starlette.responses import Response

from bot import private_links
from bot.channels.web import submissions
from bot.channels.web.channel import WEB_CHANNEL
from bot.channels.web.guard import ChatRequest
from bot.channels.web.officer_notices import revoked_page, waiting_page
from bot.channels.web.private_page import check_link, danger_kinds, introduction_code_page
from bot.channels.web.submissions import Submission
from bot.private_links import LinkOwner
from bot.web import cookies
from bot.web.fields import build_fields, group_fields, posted_answers
from bot.web.forms import FormButton, Refusal, Refused
from bot.web.page_payload import PAGE_CHANNEL, PagePayload
from flows.conversation import Conversation
from flows.dialogue import danger, form, form_parsing
from flows.dialogue.form_parsing import AnswerProblem
from flows.inputs import FormFields
from flows.questions import paste
from flows.service import service
from flows.stages import Stage
from flows.vocabulary import Journey
from storage.chats import conversations, inbox, officers
from storage.chats.browser_sessions import OFFICER_CHANNEL
from storage.chats.inbox import Arrival, InboxStage
from storage.unit import Unit

OFFICER_COOKIE, COOKIE_DAYS = "officer", 90
"""An invitation lasts in its browser as long as an officer is remembered in a chat."""
POSTS_PER_OFFICER = "30/minute"
INVITATION_COMMAND = "/start i_"
JOURNEY = Journey.OFFICER


@dataclass(frozen=True, slots=True)
class PasteSummary:
    """What became of a pasted message: the titles of what it filled in, and what was left."""

    filled_titles: tuple[str, ...]
    unchanged_titles: tuple[str, ...]
    unread: tuple[str, ...]


async def confirm_invitation_page(request: ChatRequest) -> Response:
    """Show one button: nothing of the invitation is used up by looking."""
    if own_page := await _check_invitation(request):
        return own_page
    return request.render("form/invited.html", action=request.http.url.path)


async def redeem_invitation(request: ChatRequest) -> Response:
    """Let this browser in as the invited officer."""
    if own_page := await _check_invitation(request):
        return own_page
    said = Submission(f"{INVITATION_COMMAND}{request.code}")
    token = await submissions.begin_conversation(request, said, OFFICER_CHANNEL)
    response = request.redirect("/officer")
    cookies.set_cookie(response, OFFICER_COOKIE, token, request.runtime.secure, days=COOKIE_DAYS)
    return response


async def show_officer_form(request: ChatRequest) -> Response:
    """Show the form, or what became of what was sent."""
    # Before the conversation is read: an answer that comes in between would be overlooked.
    stage = await _last_stage(request)
    conversation = await _load_officer_conversation(request)
    if conversation is None:
        return _not_invited_page(request)
    if conversation.officer_revoked:
        return revoked_page(request, conversation, _as_officer_draft(conversation))
    if stage == InboxStage.WAITING:
        return waiting_page(request, _as_officer_draft(conversation))
    if stage == InboxStage.SET_ASIDE and "another" not in request.http.query_params:
        return request.render("form/not_filed.html", language=conversation.language)
    if conversation.stage == Stage.SENT and "another" not in request.http.query_params:
        return _outcome_page(request, conversation, "sent.html")
    if conversation.stage == Stage.STOPPED and "change" not in request.http.query_params:
        return _outcome_page(request, conversation, "stopped.html")
    return _form_page(request, _as_officer_draft(conversation))


async def post_officer_form(request: ChatRequest) -> Response:
    """Take the form: fill it from a pasted message, show a code, or send it."""
    conversation = await _load_officer_conversation(request)
    if conversation is None:
        return _not_invited_page(request)
    if conversation.officer_revoked:
        return revoked_page(request, conversation, _as_officer_draft(conversation))
    at_form = _as_officer_draft(conversation)
    if not request.has_valid_csrf:
        return _form_page(request, at_form, request.form, status=403, reason="old_form")
    request.check_rate(POSTS_PER_OFFICER, "officer posts", request.token)
    if request.form.get("after", "") != _last_sent_reference(conversation):
        return request.redirect("/officer")
    match request.form.get("do"):
        case FormButton.PASTE:
            return _fill_from_paste(request, at_form)
        case FormButton.CODE:
            return await _show_introduction_code(request, at_form)
        case _:
            return await _submit_form(request, at_form)


# --- what can be done with the form


def _fill_from_paste(request: ChatRequest, conversation: Conversation) -> Response:
    """Fill in what a pasted message says; what stands in the form already stays."""
    given = dict(request.form)
    pasted = given.get("paste", "")
    found = paste.parse_paste(pasted, conversation.language, service().adult_age)
    asked = [one for one in form.form_questions(conversation) if one.key in found.answers]
    fresh = [one for one in asked if not given.get(one.key)]
    given.update({one.key: found.answers[one.key].value for one in fresh})
    took = PasteSummary(
        tuple(one.title.rstrip("*") for one in fresh),
        tuple(one.title.rstrip("*") for one in asked if one not in fresh),
        found.unparsed,
    )
    return _form_page(request, conversation, given, paste_summary=took)


async def _show_introduction_code(request: ChatRequest, conversation: Conversation) -> Response:
    """Show a code for the person who is with the officer, with the reference if there is one."""
    filled = tuple(pair for pair in posted_answers(conversation, request.form) if pair[0] == "line")
    _, problems = form_parsing.parse_form(conversation, _not_empty(filled), request.now)
    if problems:
        return _form_page(request, conversation, request.form, problems, status=422)
    chat = LinkOwner(WEB_CHANNEL, request.chat_address, conversation)
    line = _case_reference(request, conversation, filled)
    code = await request.write(private_links.make_introduction_code, chat, line)
    return introduction_code_page(request, code, back="/officer")


async def _submit_form(request: ChatRequest, conversation: Conversation) -> Response:
    """Check the whole form by the rules of the chat, and send it."""
    posted = posted_answers(conversation, request.form)
    filled = form_parsing.with_blanks_filled(conversation, posted)
    read, problems = form_parsing.parse_form(conversation, filled, request.now)
    problems = form_parsing.with_contradictions(read, posted, problems)
    if not form.is_stopped(read):
        problems = form_parsing.with_missing(read, problems)
    if problems:
        return _form_page(request, conversation, request.form, problems, status=422)
    page = PagePayload(WEB_CHANNEL, request.chat_address, filled, JOURNEY, send=True)
    key = f"{request.token}/{request.form.get('once', '')[:60]}"
    arrival = Arrival(key, request.chat_address, page.to_body())
    if not await request.write(_save_form, request, arrival):
        return waiting_page(request, conversation)
    await _wait_until_answered(request)
    return request.redirect("/officer")


def _save_form(unit: Unit, request: ChatRequest, arrival: Arrival) -> bool:
    """Keep a form to be answered, once; return False for another one while one is not answered."""
    known = conversations.load_conversation(unit, WEB_CHANNEL, arrival.chat).conversation
    if request.form.get("after", "") != _last_sent_reference(known):
        return True  # sent a moment ago: the next page shows that
    attempt = unit.conn.begin_nested()
    waits = inbox.has_unanswered_input(unit, PAGE_CHANNEL, arrival.chat)
    is_another = bool(inbox.enqueue_arrivals(unit, PAGE_CHANNEL, [arrival])) and waits
    if is_another:
        attempt.rollback()
    return not is_another


async def _wait_until_answered(request: ChatRequest) -> None:
    """Wait until the page was answered; not for ever."""
    runtime, address = request.runtime, request.chat_address

    async def is_answered() -> bool:
        return await _last_stage(request) != InboxStage.WAITING

    # The page's input comes by the channel named page; the chat that answers it is this one.
    await runtime.answers.wait(WEB_CHANNEL, address, is_answered, runtime.answer_within)


async def _last_stage(request: ChatRequest) -> InboxStage | None:
    """Return how far the last form of this browser has come; None when it sent none."""
    if request.address is None:
        return None
    return await request.read(inbox.last_stage, PAGE_CHANNEL, request.address)


# --- what is shown


def _form_page(
    request: ChatRequest,
    conversation: Conversation,
    posted: Mapping[str, str] | None = None,
    problems: Sequence[AnswerProblem] = (),
    status: int = 200,
    paste_summary: PasteSummary | None = None,
    reason: str = "",
) -> Response:
    fields = build_fields(conversation, posted, problems)
    pasted = (posted or {}).get("paste", "")
    return request.render(
        "form/officer.html",
        status,
        conversation.language,
        groups=group_fields(fields),
        wrong=[one for group in group_fields(fields) for one in group.fields if one.problem],
        took=paste_summary,
        in_box="\n".join(paste_summary.unread) if paste_summary else pasted,
        why=reason,
        after=_last_sent_reference(conversation),
        dangers=danger_kinds((*posted_answers(conversation, posted or {}), ("paste", pasted))),
    )


def _outcome_page(request: ChatRequest, conversation: Conversation, name: str) -> Response:
    text, language = form.outcome_text(conversation, request.now), conversation.language
    return request.render(
        f"form/{name}",
        language=language,
        text=text,
        reference=_last_sent_reference(conversation),
        dangers=danger.recent_dangers(conversation, request.now),
    )


def _not_invited_page(request: ChatRequest) -> Response:
    response = request.render("form/not_in.html", 403)
    if request.token:
        cookies.delete_cookie(response, OFFICER_COOKIE, request.runtime.secure)
    return response


# --- whose it is


async def _check_invitation(request: ChatRequest) -> Response | None:
    """Return None for an invitation that is good; the way to their page for who has one already.

    Raises Refused for everybody else.
    """
    is_valid, ended = officers.is_officer_invitation_valid, Refusal.INVITATION_ENDED
    try:
        await check_link(request, is_valid, ended=ended)
    except Refused as refused:
        if refused.reason != ended or await _load_officer_conversation(request) is None:
            raise
        return request.redirect("/officer")
    return None


async def _load_officer_conversation(request: ChatRequest) -> Conversation | None:
    """Return the conversation of this browser's officer, revoked or not; None without one."""
    if request.address is None:
        return None
    stored = await request.read(conversations.load_conversation, WEB_CHANNEL, request.chat_address)
    conversation = stored.conversation
    known = conversation.officer is not None and conversation.officer.verified
    return conversation if known or conversation.officer_revoked else None


def _as_officer_draft(conversation: Conversation) -> Conversation:
    """Return the conversation as its form begins: with its draft, or with a clean one."""
    if conversation.journey == JOURNEY and conversation.stage != Stage.SENT:
        return conversation
    return replace(conversation, journey=JOURNEY, answers=())


def _last_sent_reference(conversation: Conversation) -> str:
    """Return what was sent last: a form from before that was sent already."""
    return conversation.receipt.reference if conversation.receipt else ""


def _case_reference(request: ChatRequest, conversation: Conversation, filled: FormFields) -> str:
    read, _ = form_parsing.parse_form(conversation, _not_empty(filled), request.now)
    said = [one.value for one in read.answers if one.question == "line"]
    return said[-1] if said and filled and filled[0][1].strip() else ""


def _not_empty(filled: FormFields) -> FormFields:
    return tuple((key, typed) for key, typed in filled if typed.strip())
