"""The page of one referral: safe contact, answers, the acts allowed now, the timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from starlette.responses import Response

from bot.desk.casework.act_forms import ActForms, PageViewer, available_forms, may_be_assigned
from bot.desk.casework.duplicates import duplicates_for
from bot.desk.casework.record_view import best_time, timeline, view_record
from bot.desk.guard import DeskRequest, DeskRoute
from bot.desk.labels import due_status, flag_labels, label_for, next_action_at
from bot.desk.permissions import Ownership, Role
from flows import casework
from flows.questions import answer_types
from flows.record import Record
from flows.vocabulary import StepName
from storage.accounts import staff
from storage.referrals import acts, contact_changes, lifecycle, queue_views, steps
from storage.referrals.duplicates import PossibleDuplicate
from storage.referrals.rows import QueueEntry, ReferralErased, ReferralStep
from storage.referrals.steps import UnknownReferral
from storage.unit import Unit

REASON_MAX = 300


class AccessReason(StrEnum):
    """Why a coordinator looks at what somebody else has; the logbook keeps the code."""

    COVER = "cover"
    CHECK = "check"
    COMPLAINT = "complaint"
    PERSON_RANG = "person_rang"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ReferralContext:
    """What a page shows round the record itself."""

    entry: QueueEntry
    history: list[ReferralStep]
    forms: ActForms
    duplicates: Sequence[PossibleDuplicate]
    contact_change_pending: bool


async def show_referral(request: DeskRequest) -> Response:
    """Return the page; somebody else's is only shown after a coordinator said why."""
    if request.ownership == Ownership.OTHERS:
        return request.render("why.html", whys=tuple(AccessReason))
    return await _open_and_render(request)


async def open_with_reason(request: DeskRequest) -> Response:
    """Return the page of somebody else's referral, with the reason on its timeline."""
    why, words = request.form.get("why", ""), answer_types.sanitize(request.form.get("words", ""))
    if request.ownership != Ownership.OTHERS:
        return request.redirect(f"/desk/r/{request.reference}")
    wrong = "why" if why not in tuple(AccessReason) else ""
    if len(words) > REASON_MAX or (why == AccessReason.OTHER and not words):
        wrong = wrong or "words"
    if wrong:
        kept = {"words": words[:REASON_MAX], "why": why}
        return request.render("why.html", 422, whys=tuple(AccessReason), problem=wrong, **kept)
    return await _open_and_render(request, why, words)


async def reveal_contact(request: DeskRequest) -> Response:
    """Return the page with the ways to make contact; that they were shown is written down."""
    reference = request.reference
    entry = await request.read(queue_views.find_entry, reference)
    if entry is None or not entry.may_contact:
        await request.audit("reveal", reference, "no_contact", refused=True)
        return request.redirect(f"/desk/r/{reference}")

    def noted(unit: Unit) -> None:
        acts.record_reveal(unit, reference, request.actor)
        request.log(unit, "reveal", reference)

    await request.write(noted)
    return await _open_and_render(request, reveal=True)


async def _open_and_render(
    request: DeskRequest, access_reason: str = "", comment: str = "", reveal: bool = False
) -> Response:
    """Open the record: a step and a line of the logbook say so, in the same transaction."""
    reference = request.reference
    told = f"{label_for('whys', access_reason)}. {comment}".strip() if access_reason else ""

    def opening(unit: Unit) -> Record | None:
        request.log(unit, "read", reference, access_reason)
        try:
            return lifecycle.open_record(unit, reference, request.actor, told)
        except ReferralErased:
            return None

    record = await request.write(opening)
    request.runtime.presence.touch(reference, request.actor)
    around = await request.read(_load_context, request, record)
    if record is None:
        return request.render("erased.html", 200, **_common_values(request, around))
    entry, own = around.entry, around.entry.owner == request.actor
    return request.render(
        "referral.html",
        200,
        record=record,
        view=view_record(record, own, own or bool(access_reason), reveal, entry.may_contact),
        own=own,
        flags=flag_labels(entry),
        reasons=[label_for("reasons", reason) for reason in record.reasons],
        door=label_for("doors", record.source) if record.source else "",
        also=request.runtime.presence.other_viewers(reference, request.actor),
        duplicates=around.duplicates,
        contact_waits=around.contact_change_pending,
        **_common_values(request, around),
    )


def _common_values(request: DeskRequest, context: ReferralContext) -> dict[str, Any]:
    flash_keys = (*casework.ACTS.page_flashes(), "third_try", StepName.NOTE)
    return {
        "entry": context.entry,
        "soon": due_status(context.entry, request.now),
        "at_time": next_action_at(context.entry),
        "steps": timeline(context.history),
        "forms": context.forms,
        "flash": request.query_in("told", flash_keys),
        "label_for": label_for,
    }


def _load_context(unit: Unit, request: DeskRequest, record: Record | None) -> ReferralContext:
    reference = request.reference
    entry, id = (queue_views.find_entry(unit, reference), request.standing and request.standing.id)
    if entry is None or not id:
        raise UnknownReferral(reference)
    history = lifecycle.list_steps(unit, reference)
    return ReferralContext(
        entry,
        history,
        referral_forms(unit, request, entry, history, record),
        duplicates_for(unit, request.role, id),
        contact_changes.pending_change(unit, id) is not None,
    )


def referral_forms(
    unit: Unit,
    request: DeskRequest,
    entry: QueueEntry,
    history: list[ReferralStep],
    record: Record | None,
) -> ActForms:
    """Return the forms that whoever is signed in may use on this referral."""
    roles = tuple(role for role in Role if may_be_assigned(role, entry.queue))
    people = [one.name for one in staff.list_accounts(unit, roles) if one.name != entry.owner]
    mark = steps.revision(unit, entry.reference)
    named = best_time(record) if record else None
    coordinates = request.may("reassign", request.ownership, entry.queue)
    viewer = PageViewer(request.ownership, coordinates, tuple(people), mark, request.now)
    return available_forms(entry, history, named, viewer)


ROUTES = (
    DeskRoute("/desk/r/{reference}", "GET", "read", show_referral, others_permission="read_others"),
    DeskRoute("/desk/r/{reference}/look", "POST", "read_others", open_with_reason),
    DeskRoute("/desk/r/{reference}/reveal", "POST", "reveal", reveal_contact),
)
