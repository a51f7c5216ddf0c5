"""What staff do on a referral's page: claim, record what happened, put off, hand on, settle."""

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection
from sqlmodel import Session
from starlette.responses import Response

from bot.desk.casework import act_forms
from bot.desk.casework.act_forms import CERTAIN, HANDS, HAPPENED, SETTLES, Forms, Wanted
from bot.desk.casework.referral import forms_of, whose
from bot.desk.guard import At, Page
from bot.desk.labels import day_words
from bot.desk.permissions import Whose
from flows import casework
from storage import logbook
from storage.accounts import staff
from storage.referrals import acts, lifecycle, queue_views, steps
from storage.referrals.lifecycle import Entry, NotYours

_LEAVES = {
    **dict.fromkeys(("close", "not_suitable", "declined", "refer_on"), "closed"),
    **{act: act for act in ("hand_back", "transfer", "erase", "withdraw")},
}
"""Acts after which there is nothing more to do on the page; what the queue then says."""


class OutOfDate(RuntimeError):
    """Something was done with the referral after the page was made."""


class NoSuchPerson(LookupError):
    """A referral cannot go to this name."""


async def claim(at: At) -> Response:
    """Claim a referral and open it; what is on hold or needs a check asks first."""
    if whose(at) == Whose.OWN:
        return at.go(f"/desk/r/{at.reference}")
    entry = await _entry(at)
    if "claim" not in casework.allowed(entry.stage):
        return await _again(at, Wanted("claim", problems={"act": "not_allowed"}), 409)
    if (entry.hold or entry.queue == "check") and at.form.get("sure") != "yes":
        return at.page("sure.html", wanted=Wanted("claim"), entry=entry, to="claim")
    if await at.write(lambda conn: lifecycle.claim(conn, at.reference, at.who, at.now)):
        return at.go(f"/desk/r/{at.reference}?told=claim")
    return await _too_late(at, Wanted("claim"))


async def work(at: At) -> Response:
    """Record what happened on one's own referral."""
    asked = act_forms.wanted(at.form, at.now)
    if whose(at) != Whose.OWN:
        return await _too_late(at, asked)
    return await _take(at, asked, (*HAPPENED, *HANDS, "snooze"), "act", _work(at, asked))


async def settle(at: At) -> Response:
    """Settle what nobody holds; or stop contact because the person rang and asked for that."""
    asked = act_forms.wanted(at.form, at.now)
    if whose(at) == Whose.OTHERS:
        return await _too_late(at, asked)
    acts = (*SETTLES, "withdraw") if whose(at) == Whose.NOBODYS else ("withdraw",)
    done = _withdraw(at, asked) if asked.act == "withdraw" else _work(at, asked)
    return await _take(at, asked, acts, "settle", done)


async def reassign(at: At) -> Response:
    """Give a referral to somebody else, or back to the queue, when its owner is away."""
    asked = act_forms.wanted(at.form, at.now)
    asked = replace(asked, act="transfer" if asked.to else "hand_back")
    return await _take(at, asked, HANDS, "reassign", _reassign(at, asked))


async def note(at: At) -> Response:
    """Add a note that only staff can read."""
    asked = replace(act_forms.wanted(at.form, at.now), act="note")
    if whose(at) == Whose.OTHERS and not at.may("reassign", whose(at), _queue(at)):
        return await _too_late(at, asked)
    if not asked.note:
        asked = replace(asked, problems={**asked.problems, "note": "note_missing"})
    vault = at.desk.vault

    def noted(conn: Connection) -> None:
        acts.write_note(conn, vault, at.reference, at.who, at.now, asked.note)

    return await _take(at, asked, ("note",), "note", noted)


async def _take(
    at: At, asked: Wanted, acts: tuple[str, ...], to: str, do: Callable[[Connection], None]
) -> Response:
    """Do it, or say what is wrong with the note kept; some acts are asked once more."""
    if asked.act not in acts:
        problem = "act_unknown" if asked.act else "act_missing"
        asked = replace(asked, problems={**asked.problems, "act": problem})
    if asked.problems:
        return await _again(at, asked, 422)
    if asked.act in CERTAIN and not asked.sure:
        return at.page("sure.html", wanted=asked, entry=await _entry(at), to=to)
    try:
        await at.write(do)
    except NotYours:
        return await _too_late(at, asked)
    except OutOfDate:
        return await _again(at, replace(asked, problems={"act": "out_of_date"}), 409)
    except NoSuchPerson:
        return await _again(at, replace(asked, problems={"to": "to_unknown"}), 422)
    except casework.NotAllowed:
        return await _again(at, replace(asked, problems={"act": "not_allowed"}), 409)
    return at.go(await _next(at, asked, to))


async def _next(at: At, asked: Wanted, to: str) -> str:
    """Return where to go once it is done."""
    told = "reassigned" if to == "reassign" else _LEAVES.get(asked.act, "")
    if told:
        return f"/desk/queue?told={told}&about={at.reference}"
    third = asked.act == "no_answer" and not asked.until
    return f"/desk/r/{at.reference}?told={'third_try' if third else asked.act}"


def _work(at: At, asked: Wanted) -> Callable[[Connection], None]:
    vault, reference = at.desk.vault, at.reference

    def worked(conn: Connection) -> None:
        _check(conn, at, asked)
        lifecycle.take_step(
            *(conn, vault, reference, asked.act, at.who, at.now),
            note=asked.note,
            until=asked.until,
            to=asked.to if asked.act == "transfer" else "",
        )
        if asked.act == "erase":
            logbook.write(conn, vault, at.who, "erase", at.now, reference)

    return worked


def _withdraw(at: At, asked: Wanted) -> Callable[[Connection], None]:
    vault, reference = at.desk.vault, at.reference

    def withdrawn(conn: Connection) -> None:
        _check(conn, at, asked)
        if asked.note:
            acts.write_note(conn, vault, reference, at.who, at.now, asked.note)
        lifecycle.stop_contact(conn, reference, "withdraw", at.now, at.who)
        logbook.write(conn, vault, at.who, "withdraw", at.now, reference)

    return withdrawn


def _reassign(at: At, asked: Wanted) -> Callable[[Connection], None]:
    vault, reference = at.desk.vault, at.reference

    def reassigned(conn: Connection) -> None:
        _check(conn, at, asked)
        acts.reassign(conn, vault, reference, at.who, at.now, asked.note, asked.to)
        logbook.write(conn, vault, at.who, "reassign", at.now, reference)

    return reassigned


def _check(conn: Connection, at: At, asked: Wanted) -> None:
    """Raise OutOfDate for an old page, NoSuchPerson for a transfer to nobody of ours."""
    if asked.mark != str(steps.turns(conn, at.reference)):
        raise OutOfDate(at.reference)
    if asked.act == "transfer":
        one = staff.find(Session(conn), asked.to)
        here = one is not None and one.joined_at is not None and one.disabled_at is None
        if one is None or not here or not act_forms.may_go_to(one.role, _queue(at)):
            raise NoSuchPerson(asked.to)


async def _again(at: At, asked: Wanted, status: int) -> Response:
    """Show the forms once more, with what is wrong and all that was typed."""
    vault, entry = at.desk.vault, await _entry(at)

    def forms(session: Session) -> Forms:
        history = lifecycle.history(session, vault, at.reference)
        return forms_of(session, at, entry, history, None)

    found = await at.read(forms)
    if "T" in at.form.get(f"when_{asked.act}", ""):
        found = replace(found, proposed=asked.until)
    kept = {"entry": entry, "forms": found, "wanted": asked, "form": at.form}
    return at.page("again.html", status, day_words=day_words, **kept)


async def _too_late(at: At, asked: Wanted) -> Response:
    """Say who has it now; what was typed is shown so that it is not lost."""
    await at.note(asked.act or "work", at.reference, "too_late", refused=True)
    entry = await _entry(at)
    return at.page("too_late.html", 409, entry=entry, wanted=asked)


async def _entry(at: At) -> Entry:
    vault = at.desk.vault
    entry = await at.read(lambda session: queue_views.entry(session, vault, at.reference, at.now))
    if entry is None:
        raise lifecycle.Unknown(at.reference)
    return entry


def _queue(at: At) -> str:
    return at.standing.queue if at.standing else ""


PAGES = (
    Page("/desk/r/{reference}/claim", "POST", "claim", claim),
    Page("/desk/r/{reference}/act", "POST", "work", work, others="too_late"),
    Page("/desk/r/{reference}/settle", "POST", "settle", settle, others="too_late"),
    Page("/desk/r/{reference}/reassign", "POST", "reassign", reassign),
    Page("/desk/r/{reference}/note", "POST", "note", note, others="too_late"),
)
