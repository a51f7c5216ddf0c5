"""One referral as a page shows it: what is safe first, and how much may be seen by whom."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.desk.labels import said
from flows.conversation import Given
from flows.questions.questionnaire import is_asked, question
from flows.record import Line, Record
from flows.wording import FIRST_LANGUAGE, has, say
from storage.referrals.lifecycle import CLOCK, PERSON, Taken

WAYS_IN = ("phone", "email", "contact")
"""Kinds of answer by which the person, or the officer, can be reached."""
_MAY_SAY = ("if_answered", "victim_message")
_MAY_WRITE = "if_seen"
_WRITTEN = ("text", "email", "here")


@dataclass(frozen=True, slots=True)
class Item:
    """One line that is shown: its title, what was said, and whether that was an answer."""

    title: str
    text: str
    given: str = "said"
    by: str = ""
    at: datetime | None = None
    hidden: str = ""


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of the timeline; `times` when the same person did the same several times."""

    act: str
    who: str
    at: datetime
    note: str
    until: datetime | None
    times: int = 1


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows of a record. `ways` is empty until somebody asked to be shown them."""

    warnings: list[str]
    safe: list[Item]
    ways: list[Item]
    has_ways: bool
    script: str
    answers: list[Item]
    minutes: int
    in_chat: bool


def shown(record: Record, own: bool, read: bool, reveal: bool, may_contact: bool) -> Shown:
    """Return what to show. `own`: claimed by the reader; `read`: may see what was typed.

    Ways to make contact are only there after `reveal`, and never when contact is barred.
    """
    may_contact = may_contact and record.may_contact
    ways = _ways(record) if may_contact else []
    return Shown(
        warnings=_warnings(record, may_contact),
        safe=[_safe(line, read) for line in _about_safety(record)],
        ways=ways if reveal and own else [],
        has_ways=bool(ways),
        script=script_of(record) if may_contact else "",
        answers=[_answer(line, read) for line in record.lines],
        minutes=_minutes(record),
        in_chat=may_contact and _choice(record, ("way",), "") == "here",
    )


def script_of(record: Record) -> str:
    """Return which script to call by: for whom, and what may be said if somebody else answers."""
    whom = {"callback": "callback", "officer": "officer"}.get(record.journey, "self")
    return f"{whom}_{_choice(record, _MAY_SAY, 'no_message')}"


def timeline(steps: Iterable[Taken]) -> list[Happened]:
    """Return what happened, the newest first; the same look by the same person stands once."""
    found: list[Happened] = []
    for step in steps:
        who = {PERSON: said("who", PERSON), CLOCK: said("who", CLOCK)}.get(step.who, step.who)
        one = Happened(said("acts", step.act), who, step.at, step.note, step.until)
        last = found[-1] if found else None
        if last and not step.note and (last.act, last.who, last.note) == (one.act, who, ""):
            found[-1] = Happened(one.act, who, step.at, "", one.until, last.times + 1)
        else:
            found.append(one)
    return found[::-1]


def best_time(record: Record) -> str:
    """Return the part of the day that the person named; "" when they named none."""
    return _choice(record, ("best_time",), "")


def _choice(record: Record, keys: tuple[str, ...], otherwise: str) -> str:
    """Return what was chosen for one of these; what was not answered is not safe."""
    for line in record.safe_contact:
        if line.question in keys and line.given == Given.SAID:
            return line.value
    return otherwise


def _warnings(record: Record, may_contact: bool) -> list[str]:
    if not may_contact:
        return [said("safe", "no_contact")]
    found = [said("safe", "officer_first")] if record.journey == "officer" else []
    way = _choice(record, ("way",), "call")
    if way in _WRITTEN:
        found.append(said("may_write", _choice(record, (_MAY_WRITE,), "no_service")))
    if way in ("call", "text") or record.journey != "self":
        found.append(said("may_say", _choice(record, _MAY_SAY, "no_message")))
    from_whom = _choice(record, ("must_not_know",), "")
    if from_whom not in ("", "no"):
        found.append(said("secret_from", from_whom))
    return found


def _about_safety(record: Record) -> list[Line]:
    """Return the safe-contact block without what it takes to make contact, and what helps."""
    kept = [one for one in record.safe_contact if _kind(one) not in WAYS_IN]
    return [*kept, *(one for one in record.lines if one.question in ("needs", "victim_needs"))]


def _safe(line: Line, read: bool) -> Item:
    """Return a line of the safe-contact box; what was not answered says how to take that."""
    if line.given == Given.SAID:
        hidden = "" if read or _is_choice(line) else "after_claim"
        return Item(_title(line), "" if hidden else line.label, hidden=hidden)
    told, take_as = said("given", line.given), f"desk.safe.open.{line.question}"
    also = say(FIRST_LANGUAGE, take_as) if has(FIRST_LANGUAGE, take_as) else said("safe", "open_")
    return Item(_title(line), f"{told}. {also}", line.given)


def _answer(line: Line, read: bool) -> Item:
    asked = line.asked.split("\n", maxsplit=1)[0]
    by = said("by", line.by) if line.by else ""
    if line.given != Given.SAID:
        return Item(asked, said("given", line.given), line.given, by, line.at)
    hidden = _hidden(line, read)
    return Item(asked, "" if hidden else line.label, "said", by, line.at, hidden)


def _hidden(line: Line, read: bool) -> str:
    """Return why an answer is not shown: typed words before the claim, ways in always."""
    if _kind(line) in WAYS_IN:
        return "way_in"
    return "" if read or _is_choice(line) else "after_claim"


def _ways(record: Record) -> list[Item]:
    found = []
    if record.officer_contact:
        named = f"{record.officer_name}, {record.officer_agency}"
        found.append(Item(named, record.officer_contact))
    lines = {line.question: line for line in (*record.lines, *record.safe_contact)}
    for line in lines.values():
        if _is_way(line) and line.given == Given.SAID:
            found.append(Item(_title(line), line.label))
    return found


def without_ways(record: Record) -> Record:
    """Return a record in which nothing says how to reach the person: contact is barred."""

    def barred(lines: tuple[Line, ...]) -> tuple[Line, ...]:
        return tuple(replace(one, value="", label="") if _is_way(one) else one for one in lines)

    return replace(record, lines=barred(record.lines), safe_contact=barred(record.safe_contact))


def _is_way(line: Line) -> bool:
    return _kind(line) in WAYS_IN and line.question[:7] != "officer"


def _kind(line: Line) -> str:
    return question(line.question).kind if is_asked(line.question) else "note"


def _is_choice(line: Line) -> bool:
    return _kind(line) == "choice"


def _title(line: Line) -> str:
    return say(FIRST_LANGUAGE, f"questions.{line.question}.title") if _known(line) else line.asked


def _known(line: Line) -> bool:
    return has(FIRST_LANGUAGE, f"questions.{line.question}.title")


def _minutes(record: Record) -> int:
    """Return how many minutes it took from the first answer to the sending, at least 1."""
    first = min((line.at for line in record.lines if line.at), default=record.sent_at)
    return max(1, (record.sent_at - first) // timedelta(minutes=1))
