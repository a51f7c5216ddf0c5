"""One referral as a page: safe contact first, then what was said, what can be done, what was."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlmodel import Session
from starlette.responses import Response

from bot.desk.casework.act_forms import Forms, forms_for, may_go_to
from bot.desk.casework.duplicates import alike_for
from bot.desk.casework.record_view import best_time, shown, timeline
from bot.desk.guard import At, Page, whose_is
from bot.desk.labels import day_words, flags_of, how_soon, next_at, said
from bot.desk.permissions import Role, Whose
from flows.questions import answer_types
from flows.record import Record
from storage import logbook
from storage.accounts import staff
from storage.referrals import acts, contact_changes, lifecycle, queue_views, steps
from storage.referrals.duplicates import Alike
from storage.referrals.lifecycle import Entry, Erased, Taken

WHYS = ("cover", "check", "complaint", "person_rang", "other")
"""Why a coordinator looks at what somebody else has; the logbook keeps the code."""
TOLD = (
    *("claim", "spoke", "no_answer", "third_try", "wrong_number", "not_now", "snooze", "suitable"),
    *("note", "still_wanted", "reopen"),
)
WHY_MAX = 300


@dataclass(frozen=True, slots=True)
class Around:
    """What a page shows round the record itself."""

    entry: Entry
    history: list[Taken]
    forms: Forms
    alike: Sequence[Alike]
    contact_waits: bool


async def show(at: At) -> Response:
    """Return the page; somebody else's is only shown after a coordinator said why."""
    if whose(at) == Whose.OTHERS:
        return at.page("why.html", whys=WHYS)
    return await _opened(at)


async def look(at: At) -> Response:
    """Return the page of somebody else's referral, with the reason on its timeline."""
    why, words = at.form.get("why", ""), answer_types.tidy(at.form.get("words", ""))
    if whose(at) != Whose.OTHERS:
        return at.go(f"/desk/r/{at.reference}")
    wrong = "why" if why not in WHYS else ""
    if len(words) > WHY_MAX or (why == "other" and not words):
        wrong = wrong or "words"
    if wrong:
        kept = {"words": words[:WHY_MAX], "why": why}
        return at.page("why.html", 422, whys=WHYS, problem=wrong, **kept)
    return await _opened(at, why, words)


async def reveal(at: At) -> Response:
    """Return the page with the ways to make contact; that they were shown is written down."""
    vault, reference = at.desk.vault, at.reference
    entry = await at.read(lambda session: queue_views.entry(session, vault, reference, at.now))
    if entry is None or not entry.may_contact:
        await at.note("reveal", reference, "no_contact", refused=True)
        return at.go(f"/desk/r/{reference}")

    def noted(conn: Connection) -> None:
        acts.note_reveal(conn, reference, at.who, at.now)
        logbook.write(conn, vault, at.who, "reveal", at.now, reference)

    await at.write(noted)
    return await _opened(at, reveal=True)


def whose(at: At) -> Whose:
    """Return whose the referral of this request is."""
    return whose_is(at.standing, at.who) if at.standing else Whose.OTHERS


async def _opened(at: At, why: str = "", words: str = "", reveal: bool = False) -> Response:
    """Open the record: a step and a line of the logbook say so, in the same transaction."""
    vault, reference = at.desk.vault, at.reference
    told = f"{said('whys', why)}. {words}".strip() if why else ""

    def opening(conn: Connection) -> Record | None:
        logbook.write(conn, vault, at.who, "read", at.now, reference, why)
        try:
            return lifecycle.open_record(conn, vault, reference, at.who, at.now, told)
        except Erased:
            return None

    record = await at.write(opening)
    at.desk.viewing.note(reference, at.who, at.now)
    around = await at.read(lambda session: _around(session, at, record))
    if record is None:
        return at.page("erased.html", 200, **_common(at, around))
    entry, own = around.entry, around.entry.owner == at.who
    return at.page(
        "referral.html",
        200,
        record=record,
        shown=shown(record, own, own or bool(why), reveal, entry.may_contact),
        own=own,
        flags=flags_of(entry),
        reasons=[said("reasons", reason) for reason in record.reasons],
        door=said("doors", record.door) if record.door else "",
        also=at.desk.viewing.others(reference, at.who, at.now),
        alike=around.alike,
        contact_waits=around.contact_waits,
        **_common(at, around),
    )


def _common(at: At, around: Around) -> dict[str, Any]:
    entry, told = around.entry, at.asked("told")
    return {
        "entry": entry,
        "soon": how_soon(entry, at.now),
        "at_time": next_at(entry),
        "steps": timeline(around.history),
        "forms": around.forms,
        "told": told if told in TOLD else "",
        "said": said,
        "day_words": day_words,
    }


def _around(session: Session, at: At, record: Record | None) -> Around:
    vault, reference = at.desk.vault, at.reference
    entry, id = queue_views.entry(session, vault, reference, at.now), at.standing and at.standing.id
    if entry is None or not id:
        raise lifecycle.Unknown(reference)
    history = lifecycle.history(session, vault, reference)
    return Around(
        entry,
        history,
        forms_of(session, at, entry, history, record),
        alike_for(session, at.role, id),
        contact_changes.waiting(session, vault, id) is not None,
    )


def forms_of(
    session: Session, at: At, entry: Entry, history: list[Taken], record: Record | None
) -> Forms:
    """Return the forms that whoever is signed in may use on this referral."""
    roles = tuple(role for role in Role if may_go_to(role, entry.queue))
    people = [one.name for one in staff.listed(session, roles) if one.name != entry.owner]
    mark = steps.turns(session.connection(), entry.reference)
    named = best_time(record) if record else None
    coordinates = at.may("reassign", whose(at), entry.queue)
    return forms_for(entry, whose(at), history, named, tuple(people), coordinates, mark, at.now)


PAGES = (
    Page("/desk/r/{reference}", "GET", "read", show, others="read_others"),
    Page("/desk/r/{reference}/look", "POST", "read_others", look),
    Page("/desk/r/{reference}/reveal", "POST", "reveal", reveal),
)
