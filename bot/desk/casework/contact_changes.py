"""A change of contact details: whoever holds the referral asks, a second person agrees."""

from collections.abc import Callable, Mapping

from sqlmodel import Session
from starlette.responses import Response

from bot.desk.guard import At, Page, refused, whose_is
from bot.desk.permissions import Whose
from flows.questions import answer_types
from flows.questions.answer_types import Read
from flows.questions.questionnaire import question
from flows.record import Line
from flows.referral import contact
from flows.wording import FIRST_LANGUAGE, say
from storage.referrals import contact_changes
from storage.referrals.contact_changes import Decided, NotAlone, Waiting, Waits, Wanted
from storage.referrals.rows import Erased
from storage.referrals.steps import NotYours

_L = FIRST_LANGUAGE
WHY_MAX = 300


async def show(at: At) -> Response:
    """Return what can be asked for, or what waits; a second person sees only what waits."""
    return await _page(at, at.asked("which"))


async def ask(at: At) -> Response:
    """Put a change in line for a second person; nothing in the record changes yet."""
    which, typed = at.form.get("which", ""), at.form.get("value", "")
    if which not in contact.CHANGEABLE:
        return await _page(at, "", status=400)
    wrong: dict[str, str] = {}
    reading = contact.read_change(which, typed)
    if not isinstance(reading, Read):
        wrong["value"] = _error(reading.why, dict(reading.blanks))
    why = answer_types.tidy(at.form.get("why", ""))
    if not any(c.isalnum() for c in why) or len(why) > WHY_MAX:
        wrong["why"] = say(_L, "desk.changes.why_wrong", max=WHY_MAX)
    if wrong or not isinstance(reading, Read):
        return await _page(at, which, wrong, status=400)
    wanted = Wanted(which, reading.value, reading.label, why)
    try:
        await at.write(
            lambda conn: contact_changes.ask(
                conn, at.desk.vault, at.reference, wanted, at.who, at.now
            )
        )
    except Waits:
        return await _page(at, which, note="waits_already", status=409)
    except (Erased, NotYours):
        return await refused(at, "work", Whose.OTHERS, at.reference)
    await at.note("contact_change_asked", at.reference)
    return at.go(_path(at))


async def decide(at: At) -> Response:
    """Agree to a change, or refuse it. Nobody agrees to what they asked for themselves."""
    agreed, id = at.form.get("decision") == "agree", at.form.get("change", "")
    if at.form.get("decision") not in ("agree", "refuse"):
        return await _page(at, "", note="decision_missing", status=400)
    waits = await at.read(_waiting(at))
    if waits is not None and waits.asked_by == at.who and agreed:
        return await _alone(at)
    try:
        await at.write(
            lambda conn: contact_changes.decide(
                conn, at.desk.vault, at.reference, id, agreed, at.who, at.now
            )
        )
    except NotAlone:
        return await _alone(at)
    except (Decided, Erased, NotYours):
        return await _page(at, "", note="decided_already", status=409)
    await at.note(f"contact_change_{'agreed' if agreed else 'refused'}", at.reference)
    return at.go(f"{_path(at)}?done={'agreed' if agreed else 'refused'}")


async def _alone(at: At) -> Response:
    await at.note("agree_change", at.reference, "not_alone", refused=True)
    return await _page(at, "", note="not_alone", status=403)


async def _page(
    at: At,
    which: str,
    wrong: Mapping[str, str] | None = None,
    note: str = "",
    status: int = 200,
) -> Response:
    """Return the page; that somebody was shown how to reach a person is a line in the logbook."""
    own = at.standing is not None and whose_is(at.standing, at.who) == Whose.OWN
    waits = await at.read(_waiting(at))
    lines = await at.read(_lines(at)) if own and waits is None else None
    if waits is not None or lines is not None:
        await at.note("contact_read", at.reference)
    done = at.asked("done")
    return at.page(
        "contact.html",
        status,
        waits=waits,
        fields=[_field(key, (lines or {}).get(key)) for key in contact.CHANGEABLE],
        own=lines is not None,
        which=which if which in contact.CHANGEABLE else "",
        one=_form(which, at.form),
        wrong=wrong or {},
        note=note or (done if done in ("agreed", "refused") and waits is None else ""),
        why_max=WHY_MAX,
    )


def _waiting(at: At) -> Callable[[Session], Waiting | None]:
    id = at.standing.id if at.standing else ""
    return lambda session: contact_changes.waiting(session, at.desk.vault, id)


def _lines(at: At) -> Callable[[Session], dict[str, Line] | None]:
    id = at.standing.id if at.standing else ""
    return lambda session: contact_changes.lines(session, at.desk.vault, id)


def _field(key: str, line: Line | None) -> tuple[str, str, str]:
    """Return an answer about contact as it stands: its name, its title, and what it says."""
    return key, title_of(key), said_in(line)


def title_of(key: str) -> str:
    """Return what an answer about contact is called."""
    return question(key).says(_L, "title")


def said_in(line: Line | None) -> str:
    """Return what a line of the record says, or how it was not answered."""
    if line is not None and line.given == "said":
        return line.label
    return say(_L, f"desk.given.{line.given}") if line else say(_L, "desk.given.not_asked")


def _form(which: str, form: Mapping[str, str]) -> dict[str, object]:
    if which not in contact.CHANGEABLE:
        return {}
    asked = question(which)
    return {
        "title": title_of(which),
        "options": [(option, asked.option(_L, option)) for option in asked.options],
        "value": form.get("value", "")[:WHY_MAX],
        "why": form.get("why", "")[: 2 * WHY_MAX],
        "kind": {"phone": "tel", "email": "email"}.get(asked.kind, "text"),
    }


def _error(why: str, blanks: Mapping[str, object]) -> str:
    if why == "choice":
        return say(_L, "desk.changes.choose")
    return say(_L, f"errors.{why}" if "." in why else f"errors.{why}.first", **blanks)


def _path(at: At) -> str:
    return f"/desk/r/{at.reference}/contact"


PAGES = (
    Page("/desk/r/{reference}/contact", "GET", "agree_change", show),
    Page("/desk/r/{reference}/contact", "POST", "work", ask),
    Page("/desk/r/{reference}/contact/decide", "POST", "agree_change", decide),
)
