"""A change of contact details: whoever holds the referral asks, a second person agrees."""

from starlette.responses import Response

from bot.desk.frame import At, Page, refused, whose_is
from bot.desk.rules import Whose
from flows import contact, kinds
from flows.kinds import Read
from flows.questionnaire import question
from flows.wording import FIRST_LANGUAGE, say
from storage import contact_changes
from storage.contact_changes import Decided, NotAlone, Waits, Wanted
from storage.referral_rows import Erased
from storage.referral_steps import NotYours

_L = FIRST_LANGUAGE
WHY_MAX = 300
CHOICES = {key: question(key).options for key in contact.CHANGEABLE}


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
    why = kinds.tidy(at.form.get("why", ""))
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
    await at.note("contact_change_asked", at.reference, which)
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
