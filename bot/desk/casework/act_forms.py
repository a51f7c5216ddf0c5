"""What can be done with a referral now, as the forms of its page; and reading them back."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bot.desk.permissions import Ownership, Role, may_see_queue
from bot.web.forms import IDEMPOTENCY_KEY, is_checked
from flows import casework
from flows.calendar import retry_schedule
from flows.casework import Act, ActForm, FollowUp, ReferralStage
from flows.questions import answer_types
from flows.service import service
from flows.vocabulary import StepName
from storage.referrals.rows import QueueEntry, ReferralStep

_ENDS_ATTEMPTS = (Act.SPOKE, Act.REOPEN, Act.STILL_WANTED, StepName.HANDED_OVER)
"""Steps after which failed attempts are counted anew."""
_FORMS_FOR = {
    Ownership.UNASSIGNED: (ActForm.CLAIM, ActForm.RESOLUTION),
    Ownership.OWN: (ActForm.OUTCOME, ActForm.SNOOZE, ActForm.REASSIGNMENT),
    Ownership.OTHERS: (),
}
"""The forms that a page has, by whose the referral is; how contact is stopped is one more."""
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
    """The forms of one page, each with its acts; `viewer` is who the page was made for.

    `days` are those on which to come back; `suggested_time` is when to try again if nobody
    answers now, `failed_attempts` how often nobody did. `reassign`: somebody else's can be moved.
    `once` is the idempotency key of a note.
    """

    offered: Mapping[ActForm, tuple[Act, ...]]
    reassign: bool
    note: bool
    viewer: PageViewer
    days: tuple[date, ...]
    suggested_time: datetime | None
    failed_attempts: int
    once: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def with_follow_up(self) -> tuple[Act, ...]:
        """Return the acts that may, or must, say when to come back."""
        return casework.ACTS.with_follow_up()

    @property
    def day_parts(self) -> tuple[str, ...]:
        """Return the parts of a day from which one is chosen to come back in."""
        return tuple(service().windows)


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """What a form asks for, and what is wrong with it: the field and the key of the message."""

    act: str
    note: str = ""
    until: datetime | None = None
    assignee: str = ""
    page_version: str = ""
    confirmed: bool = False
    once: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)


def available_forms(
    entry: QueueEntry, history: list[ReferralStep], best_time: str | None, viewer: PageViewer
) -> ActForms:
    """Return the forms that somebody may use.

    Where the person's best time is not known to the page (None), no time is proposed.
    """
    acts, allowed = casework.ACTS, casework.allowed_acts(entry.stage)
    own = viewer.ownership == Ownership.OWN
    offered = {
        form: tuple(act for act in acts.of_form(form) if act in allowed)
        for form in _FORMS_FOR[viewer.ownership]
    }
    if viewer.ownership != Ownership.OTHERS and entry.stage in casework.OPEN_STAGES:
        offered[ActForm.WITHDRAWAL] = acts.of_form(ActForm.WITHDRAWAL)
    failed, suggested = failed_contact_times(history), None
    if own and best_time is not None:
        suggested = retry_schedule.next_attempt(viewer.now, failed, best_time, service())
    return ActForms(
        offered=offered,
        reassign=viewer.may_reassign and Act.TRANSFER in allowed and not own,
        note=entry.stage != ReferralStage.ERASED,
        viewer=viewer,
        days=tuple(retry_schedule.follow_up_days(viewer.now, service())),
        suggested_time=suggested,
        failed_attempts=len(failed),
    )


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
    to, once = form.get("to", "")[:60], form.get("once", "")
    once = once if IDEMPOTENCY_KEY.fullmatch(once) else ""
    mark, is_sure = form.get("mark", "")[:12], is_checked(form, "sure")
    return ActionRequest(act, note, until, to, mark, is_sure, once, problems)


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
