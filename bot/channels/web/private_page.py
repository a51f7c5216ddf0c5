"""The private page: a one-time link from a chat, for what should not stand in it."""

from collections.abc import Callable, Sequence

from starlette.responses import Response

from bot import private_links
from bot.channels.web.guard import ChatRequest
from bot.web import qr
from bot.web.fields import build_fields, posted_answers
from bot.web.forms import Refusal, Refused
from bot.web.page_payload import PAGE_CHANNEL, PagePayload
from flows.conversation import Conversation
from flows.dialogue import form, form_parsing
from flows.dialogue.form_parsing import AnswerProblem
from flows.inputs import FormFields
from flows.understanding.crisis import detect_danger
from storage.chats import conversations, inbox, one_time_links
from storage.chats.inbox import Arrival
from storage.chats.one_time_links import LinkKind, LinkPayload
from storage.unit import Unit

LINKS_PER_CLIENT = "30/minute"
"""How many links one address on the network may try."""


async def confirm_link_page(request: ChatRequest) -> Response:
    """Show one button: a program that only looks at links uses nothing up."""
    await check_link(request, _link_is_valid)
    return request.render("form/confirm_link.html", action=request.http.url.path)


async def redeem_private_link(request: ChatRequest) -> Response:
    """Use the link up and show what it opens: the form, or a code for somebody else."""
    request.check_rate(LINKS_PER_CLIENT, "links", request.client_network)
    opened = await request.write(private_links.open_link, request.code)
    if opened is None:
        raise Refused(404, Refusal.LINK_ENDED)
    if opened.kind == LinkKind.INTRODUCTION:
        return introduction_code_page(request, opened.code)
    stored = await request.read(conversations.load_conversation, opened.channel, opened.address)
    return _form_page(request, stored.conversation, opened.code)


async def post_private_form(request: ChatRequest) -> Response:
    """Take what was typed, once; where something cannot be read, show it again with the reason."""
    request.check_rate(LINKS_PER_CLIENT, "links", request.client_network)
    code = request.form.get("page", "")
    made_for = await request.read(one_time_links.peek_link, LinkKind.OPEN_FORM, code)
    if made_for is None:
        raise Refused(404, Refusal.LINK_ENDED)
    stored = await request.read(conversations.load_conversation, made_for.channel, made_for.address)
    conversation = stored.conversation
    filled = tuple(pair for pair in _posted_answers(request, conversation) if pair[1].strip())
    _, problems = form_parsing.parse_form(conversation, filled, request.now)
    if problems or not filled:
        return _form_page(request, conversation, code, problems, 422)
    if not await request.write(_save_answers, code, made_for, filled):
        raise Refused(404, Refusal.LINK_ENDED)
    response = request.render("form/kept.html", language=conversation.language)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


async def check_link(
    request: ChatRequest,
    is_valid: Callable[..., bool],
    *kind: str,
    ended: Refusal = Refusal.LINK_ENDED,
) -> None:
    """Raise Refused for a link that is used, old or foreign, or too many: the same for each.

    `is_valid` is asked in a transaction, with the kind of the link if it has one, and its code.
    `ended` is why it is refused: whoever reads a link to another page has no chat to go back to.
    """
    request.check_rate(LINKS_PER_CLIENT, "links", request.client_network)
    if not await request.read(is_valid, *kind, request.code):
        raise Refused(404, ended)


def introduction_code_page(request: ChatRequest, code: str, back: str = "") -> Response:
    """Show an officer the code for the person who is with them: a picture, and the address."""
    link = f"{request.public_root}/k/{code}"
    return request.render("form/code.html", link=link, picture=qr.qr_code(link), back=back)


def danger_kinds(filled: FormFields) -> list[str]:
    """Return the kinds of danger in what was typed, each once."""
    heard = [detect_danger(words) for words in form_parsing.free_text_answers(filled)]
    return list(dict.fromkeys(str(kind) for kind in heard if kind))


def _link_is_valid(unit: Unit, code: str) -> bool:
    kinds = private_links.BUTTON_LINK_KINDS
    looked = [one_time_links.is_link_valid(unit, kind, code) for kind in kinds]
    return any(looked)


def _form_page(
    request: ChatRequest,
    conversation: Conversation,
    code: str,
    problems: Sequence[AnswerProblem] = (),
    status: int = 200,
) -> Response:
    only = form.private_page_questions(conversation)
    given = _posted_answers(request, conversation)
    fields = build_fields(conversation, dict(given) if status != 200 else None, problems, only)
    return request.render(
        "form/private_page.html",
        status,
        conversation.language,
        fields=fields,
        page=code,
        wrong=status != 200,
        dangers=danger_kinds(given),
    )


def _posted_answers(request: ChatRequest, conversation: Conversation) -> FormFields:
    only = form.private_page_questions(conversation)
    return tuple(pair for pair in posted_answers(conversation, request.form) if pair[0] in only)


def _save_answers(unit: Unit, code: str, link: LinkPayload, filled: FormFields) -> bool:
    """Use the form up and keep what was typed, in one transaction; return whether it was good."""
    if one_time_links.redeem_link(unit, LinkKind.OPEN_FORM, code) is None:
        return False
    shares = bool(link.body.get("shares"))
    page = PagePayload(
        link.channel, link.address, filled, can_share_number=shares, can_open_page=True
    )
    inbox.enqueue_arrivals(unit, PAGE_CHANNEL, [Arrival(code, link.address, page.to_body())])
    return True
