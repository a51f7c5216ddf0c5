"""What staff do on a referral's page: claim, record what happened, put off, hand on, settle."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from starlette.responses import Response

from bot.desk.casework import act_forms
from bot.desk.casework.act_forms import ActForms, ActionRequest
from bot.desk.casework.referral import referral_forms
from bot.desk.guard import DeskRequest, DeskRoute
from bot.desk.permissions import Ownership
from bot.web.forms import is_checked
from flows import casework
from flows.casework import Act, ActForm
from flows.vocabulary import StepName
from storage.accounts import staff
from storage.chats import handoffs
from storage.referrals import acts, lifecycle, queue_views, steps
from storage.referrals.rows import QueueEntry
from storage.referrals.steps import NotReferralOwner, UnknownReferral
from storage.unit import Unit


class StalePage(RuntimeError):
    """Something was done with the referral after the page was made."""


class UnknownAssignee(LookupError):
    """A referral cannot go to this name."""


async def claim(request: DeskRequest) -> Response:
    """Claim a referral and open it; what is on hold or needs a check asks first."""
    if request.ownership == Ownership.OWN:
        return request.redirect(f"/desk/r/{request.reference}")
    entry = await _entry(request)
    if Act.CLAIM not in casework.allowed_acts(entry.stage):
        refused = ActionRequest(Act.CLAIM, problems={"act": "not_allowed"})
        return await _redisplay(request, refused, 409)
    asked = ActionRequest(Act.CLAIM)
    if entry.needs_check and not is_checked(request.form, "sure"):
        return request.render("sure.html", action=asked, entry=entry, to=Act.CLAIM)
    if await request.write(acts.claim, request.reference, request.actor):
        return request.redirect(f"/desk/r/{request.reference}?told={Act.CLAIM}")
    return await _ownership_lost(request, asked)


async def record_outcome(request: DeskRequest) -> Response:
    """Record what happened on one's own referral."""
    asked = act_forms.parse_action(request.form, request.now)
    if request.ownership != Ownership.OWN:
        return await _ownership_lost(request, asked)
    forms = (ActForm.OUTCOME, ActForm.REASSIGNMENT, ActForm.SNOOZE)
    offered = [act for form in forms for act in casework.ACTS.of_form(form)]
    return await _perform(request, asked, offered, "act", _take_step)


async def resolve(request: DeskRequest) -> Response:
    """Settle what nobody holds; or stop contact because the person rang and asked for that."""
    asked = act_forms.parse_action(request.form, request.now)
    if request.ownership == Ownership.OTHERS:
        return await _ownership_lost(request, asked)
    unassigned = request.ownership == Ownership.UNASSIGNED
    resolutions = casework.ACTS.of_form(ActForm.RESOLUTION) if unassigned else ()
    done = _withdraw if asked.act == Act.WITHDRAW else _take_step
    return await _perform(request, asked, (*resolutions, Act.WITHDRAW), "settle", done)


async def reassign(request: DeskRequest) -> Response:
    """Give a referral to somebody else, or back to the queue, when its owner is away."""
    asked = act_forms.parse_action(request.form, request.now)
    asked = replace(asked, act=Act.TRANSFER if asked.assignee else Act.HAND_BACK)
    offered = casework.ACTS.of_form(ActForm.REASSIGNMENT)
    return await _perform(request, asked, offered, "reassign", _reassign)


async def submit_note(request: DeskRequest) -> Response:
    """Add a note that only staff can read."""
    asked = replace(act_forms.parse_action(request.form, request.now), act=StepName.NOTE)
    if request.ownership == Ownership.OTHERS and not request.may(
        "reassign", request.ownership, _queue_name(request)
    ):
        return await _ownership_lost(request, asked)
    if not asked.note:
        asked = replace(asked, problems={**asked.problems, "note": "note_missing"})
    return await _perform(request, asked, (StepName.NOTE,), "note", _add_note)


async def _perform(
    request: DeskRequest,
    action: ActionRequest,
    offered: Sequence[str],
    path: str,
    transaction: Callable[[Unit, DeskRequest, ActionRequest], None],
) -> Response:
    """Do it, or say what is wrong with the note kept; some acts are asked once more."""
    if action.act not in offered:
        problem = "act_unknown" if action.act else "act_missing"
        action = replace(action, problems={**action.problems, "act": problem})
    if action.problems:
        return await _redisplay(request, action, 422)
    rule = casework.ACTS.find(action.act)
    if rule and rule.confirm and not action.confirmed:
        return request.render("sure.html", action=action, entry=await _entry(request), to=path)
    try:
        await request.write(transaction, request, action)
    except NotReferralOwner:
        return await _ownership_lost(request, action)
    except StalePage:
        return await _redisplay(request, replace(action, problems={"act": "out_of_date"}), 409)
    except UnknownAssignee:
        return await _redisplay(request, replace(action, problems={"to": "to_unknown"}), 422)
    except casework.InvalidTransition:
        return await _redisplay(request, replace(action, problems={"act": "not_allowed"}), 409)
    return request.redirect(await _next_path(request, action, path))


async def _next_path(request: DeskRequest, action: ActionRequest, path: str) -> str:
    """Return where to go once it is done."""
    rule = casework.ACTS.find(action.act)
    told = "reassigned" if path == "reassign" else rule and rule.queue_flash
    if told:
        return f"/desk/queue?told={told}&about={request.reference}"
    third = action.act == Act.NO_ANSWER and not action.until
    return f"/desk/r/{request.reference}?told={'third_try' if third else action.act}"


def _add_note(unit: Unit, request: DeskRequest, action: ActionRequest) -> None:
    # A form that got no answer is sent again, whether or not it was saved.
    if not (action.once and handoffs.step_exists(unit, action.once)):
        acts.add_note(unit, request.reference, request.actor, action.note, action.once)


def _take_step(unit: Unit, request: DeskRequest, action: ActionRequest) -> None:
    _check_preconditions(unit, request, action)
    reference, to = request.reference, action.assignee if action.act == Act.TRANSFER else ""
    acts.perform_act(unit, reference, action.act, request.actor, action.note, action.until, to)
    if action.act == Act.ERASE:
        request.log(unit, Act.ERASE, reference)


def _withdraw(unit: Unit, request: DeskRequest, action: ActionRequest) -> None:
    _check_preconditions(unit, request, action)
    if action.note:
        _add_note(unit, request, action)
    lifecycle.stop_contact(unit, request.reference, Act.WITHDRAW, request.actor)
    request.log(unit, Act.WITHDRAW, request.reference)


def _reassign(unit: Unit, request: DeskRequest, action: ActionRequest) -> None:
    _check_preconditions(unit, request, action)
    acts.reassign(unit, request.reference, request.actor, action.note, action.assignee)
    request.log(unit, "reassign", request.reference)


def _check_preconditions(unit: Unit, request: DeskRequest, action: ActionRequest) -> None:
    """Raise StalePage for an old page, UnknownAssignee for a transfer to nobody of ours."""
    if action.page_version != str(steps.revision(unit, request.reference)):
        raise StalePage(request.reference)
    if action.act == Act.TRANSFER:
        one = staff.find_account(unit, action.assignee)
        here = one is not None and one.joined_at is not None and one.disabled_at is None
        if one is None or not here or not act_forms.may_be_assigned(one.role, _queue_name(request)):
            raise UnknownAssignee(action.assignee)


async def _redisplay(request: DeskRequest, action: ActionRequest, status: int) -> Response:
    """Show the forms once more, with what is wrong and all that was typed."""
    entry = await _entry(request)

    def forms(unit: Unit) -> ActForms:
        history = lifecycle.list_steps(unit, request.reference)
        return referral_forms(unit, request, entry, history, None)

    found = await request.read(forms)
    if "T" in request.form.get(f"when_{action.act}", ""):
        found = replace(found, suggested_time=action.until)
    kept = {"entry": entry, "forms": found, "action": action, "form": request.form}
    return request.render("again.html", status, **kept)


async def _ownership_lost(request: DeskRequest, action: ActionRequest) -> Response:
    """Say who has it now; what was typed is shown so that it is not lost."""
    await request.audit(action.act or "work", request.reference, "too_late", refused=True)
    entry = await _entry(request)
    return request.render("too_late.html", 409, entry=entry, action=action)


async def _entry(request: DeskRequest) -> QueueEntry:
    entry = await request.read(queue_views.find_entry, request.reference)
    if entry is None:
        raise UnknownReferral(request.reference)
    return entry


def _queue_name(request: DeskRequest) -> str:
    return request.standing.queue if request.standing else ""


ROUTES = (
    DeskRoute("/desk/r/{reference}/claim", "POST", "claim", claim),
    DeskRoute("/desk/r/{reference}/act", "POST", "work", record_outcome, "too_late"),
    DeskRoute("/desk/r/{reference}/settle", "POST", "settle", resolve, "too_late"),
    DeskRoute("/desk/r/{reference}/reassign", "POST", "reassign", reassign),
    DeskRoute("/desk/r/{reference}/note", "POST", "note", submit_note, "too_late"),
)
