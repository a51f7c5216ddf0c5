"""What can be done with a referral now, as the forms of its page; and reading them back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bot.desk.permissions import Ownership, Role, may_see_queue
from flows import casework
from flows.calendar import retry_schedule
from flows.questions import answer_types
from flows.service import service
from storage.referrals.lifecycle import QueueEntry, ReferralStep

OUTCOMES = (
    *("spoke", "no_answer", "wrong_number", "not_now", "suitable", "not_suitable", "declined"),
    *("refer_on", "close"),
)
"""Outcomes, in the order of the page."""
REASSIGNMENTS = ("hand_back", "transfer")
RESOLUTIONS = ("still_wanted", "close", "reopen", "erase")
"""What can be done with what nobody holds: the person stopped it, or it is over."""
NEEDS_CONFIRMATION = ("close", "not_suitable", "declined", "erase", "withdraw")
"""Acts that ask once more before they are done."""
WITH_FOLLOW_UP = ("no_answer", "not_now", "snooze")
"""Acts that may say when to come back."""
NOTE_MAX = 2000
_MAX_AHEAD = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class ActForms:
    """The forms of one page. `mark` is how often something was done when the page was made.

    `proposed` is when to try again if nobody answers now; `tried` how often nobody did.
    """

    claim: bool = False
    needs_check: bool = False
    outcomes: tuple[str, ...] = ()
    snooze: bool = False
    reassignments: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()
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
    entry: QueueEntry,
    ownership: Ownership,
    history: list[ReferralStep],
    best_time: str | None,
    assignees: tuple[str, ...],
    may_reassign: bool,
    page_version: int,
    now: datetime,
) -> ActForms:
    """Return the forms that somebody may use; `people` are those a transfer can go to.

    Where the person's best time is not known to the page (None), no time is proposed.
    """
    allowed, held = casework.allowed_acts(entry.stage), entry.owner is not None
    own, earlier, again = ownership == Ownership.OWN, failed_contact_times(history), None
    if own and best_time is not None:
        again = retry_schedule.next_attempt(now, earlier, best_time, service())
    return ActForms(
        claim="claim" in allowed and not held,
        needs_check=entry.hold or entry.queue == "check",
        outcomes=tuple(act for act in OUTCOMES if own and act in allowed),
        snooze=own and "snooze" in allowed,
        reassignments=tuple(act for act in REASSIGNMENTS if own and act in allowed),
        resolutions=tuple(act for act in RESOLUTIONS if not held and act in allowed),
        withdraw=ownership != Ownership.OTHERS and entry.stage in casework.OPEN_STAGES,
        reassign=may_reassign and held and "transfer" in allowed and not own,
        note=entry.stage != "erased",
        assignees=assignees,
        days=tuple(retry_schedule.follow_up_days(now, service())),
        day_parts=tuple(service().windows),
        suggested_time=again,
        failed_attempts=len(earlier),
        page_version=page_version,
    )


def failed_contact_times(history: list[ReferralStep]) -> list[datetime]:
    """Return when nobody answered since somebody last spoke with the person, or opened it again."""
    found: list[datetime] = []
    for step in history:
        if step.act in ("spoke", "reopen", "handed_over", "still_wanted"):
            found = []
        elif step.act == "no_answer":
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
        act, note, until, to, form.get("mark", "")[:12], form.get("sure") == "yes", problems
    )


def _follow_up_time(
    act: str, form: Mapping[str, str], now: datetime
) -> tuple[datetime | None, str]:
    """Return when to come back, and what is wrong with what was chosen."""
    chosen, part = form.get(f"when_{act}", "")[:40], form.get(f"part_{act}", "")[:20]
    if act not in WITH_FOLLOW_UP:
        return None, ""
    if not chosen:
        return None, "when_missing" if act == "snooze" else ""
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
