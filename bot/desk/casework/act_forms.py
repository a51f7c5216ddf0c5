"""What can be done with a referral now, as the forms of its page; and reading them back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bot.desk.permissions import Role, Whose, sees
from flows import casework
from flows.calendar import retry_schedule
from flows.questions import answer_types
from flows.service import service
from storage.referrals.lifecycle import Entry, Taken

HAPPENED = (
    *("spoke", "no_answer", "wrong_number", "not_now", "suitable", "not_suitable", "declined"),
    *("refer_on", "close"),
)
"""Outcomes, in the order of the page."""
HANDS = ("hand_back", "transfer")
SETTLES = ("still_wanted", "close", "reopen", "erase")
"""What can be done with what nobody holds: the person stopped it, or it is over."""
CERTAIN = ("close", "not_suitable", "declined", "erase", "withdraw")
"""Acts that ask once more before they are done."""
COMES_BACK = ("no_answer", "not_now", "snooze")
"""Acts that may say when to come back."""
NOTE_MAX = 2000
_FAR = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms of one page. `mark` is how often something was done when the page was made.

    `proposed` is when to try again if nobody answers now; `tried` how often nobody did.
    """

    claim: bool = False
    check: bool = False
    happened: tuple[str, ...] = ()
    snooze: bool = False
    hands: tuple[str, ...] = ()
    settles: tuple[str, ...] = ()
    withdraw: bool = False
    reassign: bool = False
    note: bool = True
    people: tuple[str, ...] = ()
    days: tuple[date, ...] = ()
    parts: tuple[str, ...] = ()
    proposed: datetime | None = None
    tried: int = 0
    mark: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a form asks for, and what is wrong with it: the field and the key of the message."""

    act: str
    note: str = ""
    until: datetime | None = None
    to: str = ""
    mark: str = ""
    sure: bool = False
    problems: Mapping[str, str] = field(default_factory=dict)


def forms_for(
    entry: Entry,
    whose: Whose,
    history: list[Taken],
    best_time: str | None,
    people: tuple[str, ...],
    coordinates: bool,
    mark: int,
    now: datetime,
) -> Forms:
    """Return the forms that somebody may use; `people` are those a transfer can go to.

    Where the person's best time is not known to the page (None), no time is proposed.
    """
    allowed, held = casework.allowed(entry.stage), entry.owner is not None
    own, earlier, again = whose == Whose.OWN, tries_in(history), None
    if own and best_time is not None:
        again = retry_schedule.next_try(now, earlier, best_time, service())
    return Forms(
        claim="claim" in allowed and not held,
        check=entry.hold or entry.queue == "check",
        happened=tuple(act for act in HAPPENED if own and act in allowed),
        snooze=own and "snooze" in allowed,
        hands=tuple(act for act in HANDS if own and act in allowed),
        settles=tuple(act for act in SETTLES if not held and act in allowed),
        withdraw=whose != Whose.OTHERS and entry.stage in casework.OPEN,
        reassign=coordinates and held and "transfer" in allowed and not own,
        note=entry.stage != "erased",
        people=people,
        days=tuple(retry_schedule.days(now, service())),
        parts=tuple(service().windows),
        proposed=again,
        tried=len(earlier),
        mark=mark,
    )


def tries_in(history: list[Taken]) -> list[datetime]:
    """Return when nobody answered since somebody last spoke with the person, or opened it again."""
    found: list[datetime] = []
    for step in history:
        if step.act in ("spoke", "reopen", "handed_over", "still_wanted"):
            found = []
        elif step.act == "no_answer":
            found.append(step.at)
    return found


def may_go_to(role: str, queue: str) -> bool:
    """Return whether a referral of this queue can be given to somebody of this role."""
    return role in set(Role) and sees(role, queue)


def wanted(form: Mapping[str, str], now: datetime) -> Wanted:
    """Return what a form asks for; it may hold anything at all."""
    act, note = form.get("act", "")[:30], answer_types.tidy(form.get("note", ""))
    problems: dict[str, str] = {}
    if len(note) > NOTE_MAX:
        problems["note"] = "note_long"
    until, wrong = _until(act, form, now)
    if wrong:
        problems[f"when_{act}"] = wrong
    to = form.get("to", "")[:60]
    return Wanted(
        act, note, until, to, form.get("mark", "")[:12], form.get("sure") == "yes", problems
    )


def _until(act: str, form: Mapping[str, str], now: datetime) -> tuple[datetime | None, str]:
    """Return when to come back, and what is wrong with what was chosen."""
    chosen, part = form.get(f"when_{act}", "")[:40], form.get(f"part_{act}", "")[:20]
    if act not in COMES_BACK:
        return None, ""
    if not chosen:
        return None, "when_missing" if act == "snooze" else ""
    back = _proposed(chosen) if "T" in chosen else _day(chosen, part, now)
    if back is None or back - now > _FAR:
        return None, "when_unknown"
    return (back, "") if back > now else (None, "when_past")


def _proposed(chosen: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(chosen)
    except ValueError:
        return None
    return found if found.utcoffset() is not None else None


def _day(chosen: str, part: str, now: datetime) -> datetime | None:
    days = {day.isoformat(): day for day in retry_schedule.days(now, service())}
    if chosen not in days or part not in service().windows:
        return None
    later = retry_schedule.come_back(days[chosen], part, now, service())
    return later or retry_schedule.on(
        days[chosen], retry_schedule.slots(part, service())[0], service()
    )
