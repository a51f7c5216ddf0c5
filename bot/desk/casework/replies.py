"""Staff write to a person through the bot: approved wording only, and only as the guard allows."""

import secrets
from dataclasses import dataclass
from datetime import date, datetime

from starlette.responses import Response

from bot.desk.guard import DeskRequest, DeskRoute
from bot.pipeline import handoff_relay, outgoing
from bot.web.forms import IDEMPOTENCY_KEY, FormButton
from flows.outbound import guard, reply_templates
from flows.outbound.reply_templates import ReplyChoice
from flows.service import service
from flows.vocabulary import FROM_STAFF_STEPS, StepName
from flows.wording import FIRST_LANGUAGE, format_day, supported_language
from storage.chats import handoffs
from storage.chats.handoffs import Handoff
from storage.referrals import lifecycle
from storage.referrals.rows import ReferralStep
from storage.unit import Unit


@dataclass(frozen=True, slots=True)
class ReplyState:
    """How writing to this person stands. `verdict` is on the plainest message of all."""

    contact: guard.SafeContact
    language: str
    handoff: Handoff | None
    verdict: guard.Verdict
    received: tuple[ReferralStep, ...]
    sent: tuple[ReferralStep, ...]

    @property
    def variant(self) -> guard.Variant:
        """Return the variant that this person will read."""
        return guard.allowed_variant(self.contact)

    @property
    def refusal(self) -> str:
        """Return why nothing can be sent, as a reason of the guard; "" when it can."""
        return self.verdict.reason if isinstance(self.verdict, guard.Deny) else ""

    @property
    def send_at(self) -> datetime | None:
        """Return when it would go; None for at once, or never."""
        return self.verdict.not_before if isinstance(self.verdict, guard.Defer) else None


async def show_replies(request: DeskRequest) -> Response:
    """Return the page: what the person wrote, what was sent, and what can be said."""
    stands = await request.read(_reply_state, request)
    await _mark_read(request, stands)
    return _page(request, stands)


async def send_reply(request: DeskRequest) -> Response:
    """Show the message word for word; once it was seen, send it."""
    stands = await request.read(_reply_state, request)
    chosen = _parse_reply(request)
    if stands.refusal:
        return _page(request, stands, status=409)
    if chosen is None:
        return _page(request, stands, ("which",), 422)
    variant, language = stands.variant, stands.language
    problems = tuple(reply_templates.invalid_blanks(chosen, variant, language, request.now))
    if problems:
        return _page(request, stands, problems, 422)
    wants_to_send = request.form.get("do") == FormButton.SEND
    seen = request.form.get("variant") == variant
    if wants_to_send and seen and IDEMPOTENCY_KEY.fullmatch(request.form.get("once", "")):
        return await _send(request, stands, chosen)
    return _preview(request, stands, chosen)


async def return_to_bot(request: DeskRequest) -> Response:
    """Give the conversation back to the bot, if it is still held."""
    reference = request.reference

    def back(unit: Unit) -> None:
        found = handoffs.reply_target(unit, reference)
        own = handoffs.active_handoff(unit, found.chat_id) if found and found.chat_id else None
        if own and own.handed_off_to == request.actor:
            handoff_relay.hand_back_to_bot(unit, own)

    await request.write(back)
    return request.redirect(f"/desk/r/{reference}/reply?told=given_back")


async def _send(request: DeskRequest, state: ReplyState, chosen_reply: ReplyChoice) -> Response:
    reference, variant = request.reference, state.variant
    message = guard.OutboundMessage(guard.OutboundKind.STAFF, variant, request.actor)
    reply = reply_templates.render_reply(chosen_reply, variant, state.language)

    def sent(unit: Unit) -> guard.Verdict:
        once = request.form["once"]
        verdict = outgoing.send_staff_message(unit, reference, reply, message, once)
        refused = isinstance(verdict, guard.Deny)
        request.log(unit, "reply", reference, refused=refused)
        return verdict

    if isinstance(await request.write(sent), guard.Deny):
        return _page(request, await request.read(_reply_state, request), status=409)
    return request.redirect(f"/desk/r/{reference}/reply?told=sent")


async def _mark_read(request: DeskRequest, state: ReplyState) -> None:
    """What the person wrote was looked at: a line of the logbook, and it is not new any more."""

    def looked(unit: Unit) -> None:
        request.log(unit, "read", request.reference)
        handoffs.mark_referral_seen(unit, request.reference)

    if state.received:
        await request.runtime.database.write(looked)


def _reply_state(unit: Unit, request: DeskRequest) -> ReplyState:
    found = handoffs.reply_target(unit, request.reference)
    chat_id = found.chat_id if found else None
    known = outgoing.load_safe_contact(unit, chat_id, request.reference)
    steps = lifecycle.list_steps(unit, request.reference)
    newest = tuple(reversed(steps))
    own = handoffs.active_handoff(unit, chat_id) if chat_id else None
    return ReplyState(
        contact=known,
        language=supported_language(found.record.language) if found else FIRST_LANGUAGE,
        handoff=own if own and own.handed_off_to == request.actor else None,
        verdict=guard.check_message(
            guard.OutboundMessage(guard.OutboundKind.STAFF, sender=request.actor),
            known,
            request.now,
        ),
        received=tuple(step for step in newest if step.act == StepName.WROTE),
        sent=tuple(step for step in newest if step.act in FROM_STAFF_STEPS),
    )


def _parse_reply(request: DeskRequest) -> ReplyChoice | None:
    form = request.form
    one = reply_templates.find_template(form.get("which", ""))
    day, first_name = _parse_date(form.get("day", "")), form.get("first_name", "").strip()
    return ReplyChoice(one, day, form.get("part", ""), first_name) if one else None


def _parse_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _preview(request: DeskRequest, state: ReplyState, chosen: ReplyChoice) -> Response:
    """Return the message as the person will read it, with the button that sends it."""
    message = reply_templates.render_reply(chosen, state.variant, state.language)
    once = secrets.token_hex(16)
    return request.render("reply_seen.html", state=state, message=message, chosen=chosen, once=once)


def _page(
    request: DeskRequest, state: ReplyState, problems: tuple[str, ...] = (), status: int = 200
) -> Response:
    variant, language = state.variant, state.language
    offers = [
        (one.id, reply_templates.render_reply(_example_reply(one, request), variant, language).text)
        for one in reply_templates.reply_templates()
    ]
    days = [
        (day.isoformat(), format_day(language, day))
        for day in reply_templates.offerable_days(request.now)
    ]
    return request.render(
        "reply.html",
        status,
        state=state,
        offers=offers,
        days=days,
        parts=list(service().windows),
        problems=problems,
        kept={"first_name": request.actor.capitalize(), **request.form},
        flash=request.query_in("told", ("sent", "given_back")),
    )


def _example_reply(wording: reply_templates.ReplyTemplate, request: DeskRequest) -> ReplyChoice:
    """Return the wording with what is chosen at first, so that staff see how it reads."""
    part = request.form.get("part", "")
    chosen = _parse_date(request.form.get("day", ""))
    days = reply_templates.offerable_days(request.now)
    return ReplyChoice(
        wording,
        chosen if chosen in days else days[0],
        part if part in service().windows else next(iter(service().windows)),
        request.form.get("first_name", "").strip() or request.actor.capitalize(),
    )


ROUTES = (
    DeskRoute("/desk/r/{reference}/reply", "GET", "reply", show_replies),
    DeskRoute("/desk/r/{reference}/reply", "POST", "reply", send_reply),
    DeskRoute("/desk/r/{reference}/reply/back", "POST", "reply", return_to_bot),
)
