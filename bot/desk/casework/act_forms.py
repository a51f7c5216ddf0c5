"""What can be done with a referral now, as the forms of its page; and reading them back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bot.desk.permissions import Ownership, Role, may_see_queue
from bot.web.forms import is_checked
from flows import casework
from flows.calendar import retry_schedule
from flows.casework import Act, ActForm, FollowUp, ReferralStage
from flows.questions import answer_types
from flows.service import service
from flows.vocabulary import Queue, StepName
from storage.referrals.rows import QueueEntry, ReferralStep

_ENDS_ATTEMPTS = (Act.SPOKE, Act.REOPEN, Act.STILL_WANTED, StepName.HANDED_OVER)
"""Steps after which failed attempts are counted anew."""
NOTE_MAX = 2000
_MAX_AHEAD = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class PageViewer:
    """Who looks at a page and when: whose the referral is to them, and what they may do with it.

    `assignees` are those a transfer can go to; `page_version` is how often something was done.
    """

    ownership: Ownership
    may_reassign: bool
    assignees: tuple[str, ...]
    page_version: int
    now: datetime


@dataclass(frozen=True, slots=True)
class ActForms:
    """The forms of one page. `page_version` is how often something was done when it was made.

    `suggested_time` is when to try again if nobody answers now; `failed_attempts` how often nobody
    did; `with_follow_up` are the outcomes that may say when to come back.
    """

    claim: bool = False
    needs_check: bool = False
    outcomes: tuple[Act, ...] = ()
    with_follow_up: tuple[Act, ...] = ()
    snooze: bool = False
    reassignments: tuple[Act, ...] = ()
    resolutions: tuple[Act, ...] = ()
    withdraw: bool = False
    reassign: bool = False
    note: bool = True
    assignees: tuple[str, ...] = ()
    days: tuple[date, ...] = ()
    day_parts: tuple[str, ...] = ()
    suggested_time: datetime | None = None
    failed_attempts: int = 0
    page_version: int = 0


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """What a form asks for, and what is wrong with it: the field and the key of the message."""

    act: str
    note: str = ""
    until: datetime | None = None
    assignee: str = ""
    page_version: str = ""
    confirmed: bool = False
    problems: Mapping[str, str] = field(default_factory=dict)


def available_forms(
    entry: QueueEntry, history: list[ReferralStep], best_time: str | None, viewer: PageViewer
) -> ActForms:
    """Return the forms that somebody may use.

    Where the person's best time is not known to the page (None), no time is proposed.
    """
    acts, allowed = casework.ACTS, casework.allowed_acts(entry.stage)
    held, own = entry.owner is not None, viewer.ownership == Ownership.OWN
    owned = allowed if own else ()
    failed, suggested = failed_contact_times(history), None
    if own and best_time is not None:
        suggested = retry_schedule.next_attempt(viewer.now, failed, best_time, service())
    return ActForms(
        claim=Act.CLAIM in allowed and not held,
        needs_check=entry.hold or entry.queue == Queue.CHECK,
        outcomes=_in_order(acts.of_form(ActForm.OUTCOME), owned),
        with_follow_up=_in_order(acts.with_follow_up(), owned),
        snooze=Act.SNOOZE in owned,
        reassignments=_in_order(acts.of_form(ActForm.REASSIGNMENT), owned),
        resolutions=_in_order(acts.resolutions(), () if held else allowed),
        withdraw=viewer.ownership != Ownership.OTHERS and entry.stage in casework.OPEN_STAGES,
        reassign=viewer.may_reassign and held and Act.TRANSFER in allowed and not own,
        note=entry.stage != ReferralStage.ERASED,
        assignees=viewer.assignees,
        days=tuple(retry_schedule.follow_up_days(viewer.now, service())),
        day_parts=tuple(service().windows),
        suggested_time=suggested,
        failed_attempts=len(failed),
        page_version=viewer.page_version,
    )


def _in_order(order: tuple[Act, ...], offered: tuple[Act, ...]) -> tuple[Act, ...]:
    return tuple(act for act in order if act in offered)


def failed_contact_times(history: list[ReferralStep]) -> list[datetime]:
    """Return when nobody answered since somebody last spoke with the person, or opened it again."""
    found: list[datetime] = []
    for step in history:
        if step.act in _ENDS_ATTEMPTS:
            found = []
        elif step.act == Act.NO_ANSWER:
            found.append(step.at)
    return found


def may_be_assigned(role: str, queue: str) -> bool:
    """Return whether a referral of this queue can be given to somebody of this role."""
    return role in set(Role) and may_see_queue(role, queue)


def parse_action(form: Mapping[str, str], now: datetime) -> ActionRequest:
    """Return what a form asks for; it may hold anything at all."""
    act, note = form.get("act", "")[:30], answer_types.sanitize(form.get("note", ""))
    problems: dict[str, str] = {}
    if len(note) > NOTE_MAX:
        problems["note"] = "note_long"
    until, wrong = _follow_up_time(act, form, now)
    if wrong:
        problems[f"when_{act}"] = wrong
    to = form.get("to", "")[:60]
    return ActionRequest(
        act, note, until, to, form.get("mark", "")[:12], is_checked(form, "sure"), problems
    )


def _follow_up_time(
    act: str, form: Mapping[str, str], now: datetime
) -> tuple[datetime | None, str]:
    """Return when to come back, and what is wrong with what was chosen."""
    chosen, part = form.get(f"when_{act}", "")[:40], form.get(f"part_{act}", "")[:20]
    rule = casework.ACTS.find(act)
    if rule is None or rule.follow_up is FollowUp.NONE:
        return None, ""
    if not chosen:
        return None, "when_missing" if rule.follow_up is FollowUp.REQUIRED else ""
    back = _parse_suggested_time(chosen) if "T" in chosen else _slot_time(chosen, part, now)
    if back is None or back - now > _MAX_AHEAD:
        return None, "when_unknown"
    return (back, "") if back > now else (None, "when_past")


def _parse_suggested_time(chosen: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(chosen)
    except ValueError:
        return None
    return found if found.utcoffset() is not None else None


def _slot_time(chosen: str, part: str, now: datetime) -> datetime | None:
    days = {day.isoformat(): day for day in retry_schedule.follow_up_days(now, service())}
    if chosen not in days or part not in service().windows:
        return None
    later = retry_schedule.follow_up_at(days[chosen], part, now, service())
    return later or retry_schedule.local_datetime(
        days[chosen], retry_schedule.slot_times(part, service())[0], service()
    )
