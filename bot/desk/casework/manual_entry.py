"""A referral that came by telephone or on paper: staff type it into the same questions."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace

from starlette.responses import Response

from bot.desk.guard import DeskRequest, DeskRoute
from bot.web.fields import FormField, build_fields, group_fields, posted_answers
from bot.web.forms import FormButton, is_checked
from bot.web.page_payload import MANUAL_ENTRY_CHANNEL, PAGE_CHANNEL, PagePayload
from flows.conversation import Conversation
from flows.dialogue import form, form_parsing
from flows.dialogue.form_parsing import AnswerProblem
from flows.inputs import FormFields
from flows.vocabulary import Journey, Option, Source
from storage.chats import conversations, inbox
from storage.chats.inbox import Arrival
from storage.serialization import dumps
from storage.unit import Unit

SOURCES, JOURNEYS = (Source.PHONE, Source.PAPER), (Journey.SELF, Journey.OFFICER)
CHAT_ONLY_OPTIONS = (Option.HERE,)
"""An answer that needs a chat: nobody can be messaged where they rang from."""
REFERENCE_TIMEOUT = 5.0
"""Seconds until the page goes on without the reference."""


async def show_manual_entry(request: DeskRequest) -> Response:
    """Ask how it came and whose words it is; or show the form, once that is known."""
    who, door = request.query("who"), request.query("door")
    if who not in JOURNEYS or door not in SOURCES:
        return request.render("new.html", chosen=bool(who or door), who=who, door=door)
    return _form_page(request, who, door, Conversation(journey=Journey(who)))


async def submit_manual_entry(request: DeskRequest) -> Response:
    """Check the form; once it was read out and agreed to, send it."""
    who, door = request.form.get("who", ""), request.form.get("door", "")
    if who not in JOURNEYS or door not in SOURCES:
        return request.redirect("/desk/new")
    blank = Conversation(journey=Journey(who))
    filled = form_parsing.with_blanks_filled(blank, posted_answers(blank, request.form))
    read, problems = form_parsing.parse_form(blank, filled, request.now)
    if request.form.get("do") == FormButton.CHANGE:
        return _form_page(request, who, door, blank, request.form)
    why_not = form.stop_text(read, request.now)
    if not why_not:
        problems = form_parsing.with_missing(read, problems)
    if problems or why_not:
        return _form_page(request, who, door, blank, request.form, problems, why_not)
    if not _is_sent(request) or not is_checked(request.form, "agreed_aloud"):
        return _check_page(request, who, door, read, filled)
    return await _send(request, who, door, filled)


def _form_page(
    request: DeskRequest,
    journey: str,
    source: str,
    conversation: Conversation,
    values: Mapping[str, str] | None = None,
    problems: Sequence[AnswerProblem] = (),
    ineligible: str = "",
) -> Response:
    fields = [_without_chat_options(one) for one in build_fields(conversation, values, problems)]
    groups = group_fields(fields)
    return request.render(
        "new_form.html",
        422 if problems or ineligible else 200,
        groups=groups,
        wrong=[field for group in groups for field in group.fields if field.problem],
        why_not=ineligible,
        who=journey,
        door=source,
        once=_idempotency_key(request),
    )


def _check_page(
    request: DeskRequest, journey: str, source: str, conversation: Conversation, filled: FormFields
) -> Response:
    return request.render(
        "new_check.html",
        422 if _is_sent(request) else 200,
        lines=form.answer_pairs(conversation),
        filled=[pair for pair in filled if pair[1] != form_parsing.LEFT_BLANK],
        unticked=_is_sent(request),
        who=journey,
        door=source,
        once=_idempotency_key(request),
    )


def _is_sent(request: DeskRequest) -> bool:
    return request.form.get("do") == FormButton.SEND


async def _send(request: DeskRequest, journey: str, source: str, filled: FormFields) -> Response:
    """Keep it as anything that comes in, once however often it is sent; show its reference."""
    signed, vault = request.staff_session.id if request.staff_session else "", request.runtime.vault
    address = vault.fingerprint(dumps(["typed", signed, _idempotency_key(request)]))
    page = PagePayload(
        MANUAL_ENTRY_CHANNEL,
        address,
        filled,
        Journey(journey),
        send=True,
        typed_by=request.actor,
        source=Source(source),
    )
    arrival = Arrival(address, address, page.to_body())
    await request.write(inbox.enqueue_arrivals, PAGE_CHANNEL, [arrival])
    reference = await _wait_for_reference(request, address)
    await request.audit("take_down", reference, source)
    return request.render("new_done.html", reference=reference)


async def _wait_for_reference(request: DeskRequest, address: str) -> str:
    """Return the reference that it was given; "" when it is not answered yet."""

    async def find_reference() -> str:
        return await request.read(_find_reference, address)

    answers = request.runtime.answers
    found = await answers.wait(MANUAL_ENTRY_CHANNEL, address, find_reference, REFERENCE_TIMEOUT)
    return found or ""


def _find_reference(unit: Unit, address: str) -> str:
    found = conversations.load_conversation(unit, MANUAL_ENTRY_CHANNEL, address).conversation
    return found.receipt.reference if found.receipt else ""


def _without_chat_options(field: FormField) -> FormField:
    """Return a field without the answers that only a chat can keep."""
    options = tuple(one for one in field.question.options if one[0] not in CHAT_ONLY_OPTIONS)
    return replace(field, question=replace(field.question, options=options))


def _idempotency_key(request: DeskRequest) -> str:
    return request.form.get("once", "")[:60] or secrets.token_urlsafe(12)


ROUTES = (
    DeskRoute("/desk/new", "GET", "take_down", show_manual_entry),
    DeskRoute("/desk/new", "POST", "take_down", submit_manual_entry),
)
