"""A change of contact details: proposed by the owner, approved by a second person."""

from collections.abc import Mapping
from enum import StrEnum

from starlette.responses import Response

from bot.desk.guard import DeskRequest, DeskRoute, forbid
from bot.desk.permissions import Ownership
from flows.questions import answer_types
from flows.questions.answer_types import Parsed
from flows.questions.questionnaire import AnswerType, get_question
from flows.record import RecordLine
from flows.referral import contact
from flows.vocabulary import AnswerStatus
from flows.wording import FIRST_LANGUAGE, say
from storage.referrals import contact_changes
from storage.referrals.rows import ReferralErased
from storage.referrals.steps import NotReferralOwner

_L = FIRST_LANGUAGE
REASON_MAX = 300
_INPUT_TYPES = {AnswerType.PHONE: "tel", AnswerType.EMAIL: "email"}
"""The kinds of HTML input in which a new answer is typed, where it is not plain text."""


class Decision(StrEnum):
    """What a second person decides on a change."""

    AGREE = "agree"
    REFUSE = "refuse"


async def request_contact_change(request: DeskRequest) -> Response:
    """Put a change in line for a second person; nothing in the record changes yet."""
    which, typed = request.form.get("which", ""), request.form.get("value", "")
    if which not in contact.CHANGEABLE_QUESTIONS:
        return await show_contact_change(request, status=400)
    wrong: dict[str, str] = {}
    reading = contact.parse_contact_change(which, typed)
    if not isinstance(reading, Parsed):
        wrong["value"] = _error_text(reading.error_key, dict(reading.blanks))
    why = answer_types.sanitize(request.form.get("why", ""))
    if not any(c.isalnum() for c in why) or len(why) > REASON_MAX:
        wrong["why"] = say(_L, "desk.changes.why_wrong", max=REASON_MAX)
    if wrong or not isinstance(reading, Parsed):
        return await show_contact_change(request, wrong, status=400)
    wanted = contact_changes.ProposedContactChange(which, reading.value, reading.label, why)
    try:
        await request.write(
            contact_changes.request_change, request.reference, wanted, request.actor
        )
    except contact_changes.ChangeAlreadyPending:
        return await show_contact_change(request, note="waits_already", status=409)
    except (ReferralErased, NotReferralOwner):
        return await forbid(request, "work", Ownership.OTHERS)
    await request.audit("contact_change_asked", request.reference)
    return request.redirect(_contact_path(request))


async def decide_contact_change(request: DeskRequest) -> Response:
    """Approve a change, or reject it. Nobody approves what they proposed themselves."""
    decision, id = request.form.get("decision"), request.form.get("change", "")
    agreed = decision == Decision.AGREE
    if decision not in tuple(Decision):
        return await show_contact_change(request, note="decision_missing", status=400)
    waits = await _pending_change(request)
    if waits is not None and waits.requested_by == request.actor and agreed:
        return await _needs_second_person(request)
    try:
        await request.write(
            contact_changes.decide_change, request.reference, id, agreed, request.actor
        )
    except contact_changes.ChangeNeedsSecondPerson:
        return await _needs_second_person(request)
    except (contact_changes.ChangeAlreadyDecided, ReferralErased, NotReferralOwner):
        return await show_contact_change(request, note="decided_already", status=409)
    done = "agreed" if agreed else "refused"
    await request.audit(f"contact_change_{done}", request.reference)
    return request.redirect(f"{_contact_path(request)}?done={done}")


async def _needs_second_person(request: DeskRequest) -> Response:
    await request.audit("agree_change", request.reference, "not_alone", refused=True)
    return await show_contact_change(request, note="not_alone", status=403)


async def show_contact_change(
    request: DeskRequest, wrong: Mapping[str, str] | None = None, note: str = "", status: int = 200
) -> Response:
    """Return what can be asked for, or what waits; a second person sees only what waits.

    That somebody was shown how to reach a person is a line in the logbook.
    """
    waits = await _pending_change(request)
    lines = None
    if request.ownership == Ownership.OWN and waits is None:
        lines = await request.read(contact_changes.current_contact_answers, _referral_id(request))
    if waits is not None or lines is not None:
        await request.audit("contact_read", request.reference)
    keys = contact.CHANGEABLE_QUESTIONS
    which = request.form.get("which", "") or request.query("which")
    done = request.query_in("done", ("agreed", "refused")) if waits is None else ""
    return request.render(
        "contact.html",
        status,
        waits=waits,
        fields=[(key, question_title(key), answer_text((lines or {}).get(key))) for key in keys],
        own=lines is not None,
        which=which if which in keys else "",
        one=_form_values(which, request.form) if which in keys else {},
        wrong=wrong or {},
        note=note or done,
        why_max=REASON_MAX,
    )


async def _pending_change(request: DeskRequest) -> contact_changes.PendingContactChange | None:
    return await request.read(contact_changes.pending_change, _referral_id(request))


def _referral_id(request: DeskRequest) -> str:
    return request.standing.id if request.standing else ""


def question_title(key: str) -> str:
    """Return what an answer about contact is called."""
    return get_question(key).text(_L, "title")


def answer_text(line: RecordLine | None) -> str:
    """Return what a line of the record says, or how it was not answered."""
    if line is not None and line.status == AnswerStatus.ANSWERED:
        return line.label
    return say(_L, f"desk.given.{line.status}") if line else say(_L, "desk.given.not_asked")


def _form_values(key: str, form: Mapping[str, str]) -> dict[str, object]:
    asked = get_question(key)
    return {
        "title": question_title(key),
        "options": [(option, asked.option_label(_L, option)) for option in asked.options],
        "value": form.get("value", "")[:REASON_MAX],
        "why": form.get("why", "")[: 2 * REASON_MAX],
        "kind": _INPUT_TYPES.get(asked.kind, "text"),
    }


def _error_text(error: str, blanks: Mapping[str, object]) -> str:
    if error == AnswerType.CHOICE:
        return say(_L, "desk.changes.choose")
    return say(_L, f"errors.{error}" if "." in error else f"errors.{error}.first", **blanks)


def _contact_path(request: DeskRequest) -> str:
    return f"/desk/r/{request.reference}/contact"


ROUTES = (
    DeskRoute("/desk/r/{reference}/contact", "GET", "agree_change", show_contact_change),
    DeskRoute("/desk/r/{reference}/contact", "POST", "work", request_contact_change),
    DeskRoute("/desk/r/{reference}/contact/decide", "POST", "agree_change", decide_contact_change),
)
