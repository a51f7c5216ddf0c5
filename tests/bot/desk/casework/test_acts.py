"""What staff do at the desk, told in order: claim, ring, try again, hand on; and mishaps."""

import asyncio
import re
from datetime import timedelta
from html import unescape

import pytest
from httpx import Response
from sqlalchemy import select

from flows.casework import Act
from flows.vocabulary import Flag, Journey, Source
from flows.wording import say
from storage import logbook
from storage.chats import conversations
from storage.referrals import acts, lifecycle
from storage.referrals.rows import QueueEntry
from storage.tables import INBOX, MESSAGE, OUTBOX
from storage.web_tables import SCREEN_MESSAGE
from tests.harness.clicks import ClickCounter
from tests.harness.desk_fixtures import DeskApp, DeskBrowser
from tests.support.cast import MAYA
from tests.support.page_parser import parse_page
from tests.support.referral_builders import (
    EXTRA_ANSWERS,
    OFFICER_ANSWERS,
    SELF_ANSWERS,
    add_sent_referral,
    finished_record,
)

ONE, TWO = "AAAA-CCCC", "DDDD-EEEE"
PAGE = f"/desk/r/{ONE}"


def entry(desk: DeskApp, reference: str = ONE) -> QueueEntry:
    """Return a referral as a line of the queue."""
    with desk.database.reading(desk.clock()) as unit:
        everything = lifecycle.list_queue(unit, include_closed=True)
    return next(one for one in everything if one.reference == reference)


def acts_on(desk: DeskApp, reference: str = ONE) -> list[tuple[str, str]]:
    """Return what was done, without the looks, the oldest first."""
    with desk.database.reading() as unit:
        steps = lifecycle.list_steps(unit, reference)
    return [(one.act, one.actor) for one in steps if one.act not in ("opened", "reveal")]


def notes(desk: DeskApp, reference: str = ONE) -> list[str]:
    """Return the notes, the oldest first."""
    with desk.database.reading() as unit:
        return [one.note for one in lifecycle.list_steps(unit, reference) if one.note]


async def page_version(browser: DeskBrowser, path: str = PAGE) -> str:
    """Return the mark of a page: how often something was done before it was made."""
    found = re.search(r'name="mark" value="(\d+)"', (await browser.get(path)).text)
    assert found is not None
    return found[1]


async def take_act(browser: DeskBrowser, act: str, form: str = "act", **fields: str) -> Response:
    """Open the page and send one of its forms."""
    return await browser.post(f"{PAGE}/{form}", act=act, mark=await page_version(browser), **fields)


async def mira_with_referral(
    desk: DeskApp,
    answers: dict[str, str] | None = None,
    journey: Journey = Journey.SELF,
    source: Source = Source.WEB,
) -> DeskBrowser:
    """Return Mira's browser, with a referral that she has claimed."""
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(desk, ONE, answers, journey, source)
    assert (await mira.post(f"{PAGE}/claim")).status_code == 303
    return mira


# A story


async def test_mira_claims_rings_tries_again_speaks_and_closes(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(desk, ONE, {**SELF_ANSWERS, **EXTRA_ANSWERS})
    done = await mira.submit_form("/desk/queue", "/desk/claim-next")
    assert done.headers["location"] == f"{PAGE}?told=claim"
    page = await mira.get(done.headers["location"])
    proposed = re.search(r'name="when_no_answer" value="([^"]+T[^"]+)"\s+checked', page.text)
    assert proposed is not None
    assert MAYA.phone in (await mira.submit_form(PAGE, f"{PAGE}/reveal")).text

    desk.clock.advance(minutes=5)
    await take_act(mira, "no_answer", note="Rang out", when_no_answer=unescape(proposed[1]))
    found = entry(desk)
    assert (found.stage, found.owner) == ("waiting", "mira")
    assert found.until is not None
    assert found.until.isoformat() == "2026-03-03T11:30:00+00:00"
    assert ONE not in (await mira.get("/desk/queue")).text
    assert ONE in (await mira.get("/desk/queue?view=snoozed")).text

    desk.clock.set(found.until + timedelta(minutes=1))
    mira = await desk.signed_in("mediator", "mira")
    back = await mira.get("/desk/queue")
    assert say("en", "desk.soon.again") in back.text
    await take_act(mira, "spoke", note="She wants to think")
    assert entry(desk).stage == "in_touch"
    ask = await take_act(mira, "close", note="She is well")
    assert ask.status_code == 200
    assert entry(desk).stage == "in_touch"
    last = await take_act(mira, "close", note="She is well", sure="yes")
    assert last.headers["location"] == f"/desk/queue?told=closed&about={ONE}"
    assert (entry(desk).stage, entry(desk).owner) == ("closed", None)
    assert acts_on(desk) == [
        ("handed_over", "person"),
        ("claim", "mira"),
        ("no_answer", "mira"),
        ("spoke", "mira"),
        ("close", "mira"),
    ]
    assert notes(desk) == ["Rang out", "She wants to think", "She is well"]


OUTCOMES = (
    *("spoke", "no_answer", "wrong_number", "not_now", "suitable"),
    *("not_suitable", "declined", "refer_on", "close"),
)
REFERENCES = [f"AAAA-CCC{letter}" for letter in "CDEFGHJKM"]


async def test_from_the_queue_to_a_recorded_outcome_is_three_clicks_or_four(desk: DeskApp) -> None:
    """Claim, choose and save, and once more where it asks. Five is the most that was promised."""
    mira = ClickCounter(await desk.signed_in("mediator", "mira"))
    taken = {}
    for act, reference in zip(OUTCOMES, REFERENCES, strict=True):
        add_sent_referral(desk, reference)
        await mira.open("/desk/queue")
        await mira.press(f"{say('en', 'desk.acts.claim')} {reference}")
        assert mira.path == f"/desk/r/{reference}"
        (offered,) = (form.choices["act"] for form in mira.page.forms if "act" in form.choices)
        assert tuple(offered) == OUTCOMES
        mira.choose("act", act)
        await mira.press(say("en", "desk.page.save"))
        if acts_on(desk, reference)[-1] == ("claim", "mira"):
            await mira.press(say("en", f"desk.sure.{act}.yes"))
        assert acts_on(desk, reference)[-1] == (act, "mira")
        taken[act] = mira.clicks
    asked_twice = {"not_suitable", "declined", "close"}
    assert taken == {act: 4 if act in asked_twice else 3 for act in OUTCOMES}


async def test_from_the_alert_to_claimed_is_one_click_and_from_the_queue_two(desk: DeskApp) -> None:
    """The alert's link opens the referral itself, where it is claimed without another page."""
    mira = ClickCounter(await desk.signed_in("mediator", "mira"))
    add_sent_referral(desk, ONE)
    await mira.open(PAGE)
    await mira.press(say("en", "desk.acts.claim"))
    assert (entry(desk).owner, mira.clicks) == ("mira", 1)
    add_sent_referral(desk, TWO)
    await mira.open("/desk/queue")
    await mira.follow(TWO)
    await mira.press(say("en", "desk.acts.claim"))
    assert (entry(desk, TWO).owner, mira.clicks) == ("mira", 2)


# Claiming


async def test_two_who_claim_at_once_have_one_winner_and_the_other_hears_who(
    desk: DeskApp,
) -> None:
    names = [f"staff{n}" for n in range(10)]
    browsers = [await desk.signed_in("mediator", name) for name in names]
    add_sent_referral(desk, ONE)
    results = await asyncio.gather(*(one.post(f"{PAGE}/claim") for one in browsers))
    winner = entry(desk).owner
    assert winner in names
    assert [one.status_code for one in results].count(303) == 1
    for result in results:
        if result.status_code != 303:
            assert result.status_code in (403, 409)
            assert str(winner) in result.text
    assert [act for act, _ in acts_on(desk)].count("claim") == 1


async def test_claiming_twice_only_opens_it(desk: DeskApp) -> None:
    mira = await mira_with_referral(desk)
    again = await mira.post(f"{PAGE}/claim")
    assert again.status_code == 303
    assert [act for act, _ in acts_on(desk)].count("claim") == 1


async def test_what_needs_a_check_is_claimed_only_by_who_checked(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(
        desk,
        ONE,
        {**OFFICER_ANSWERS, "agreed": "me_today", "offence": "domestic"},
        journey=Journey.OFFICER,
    )
    assert entry(desk).hold
    none = await mira.post("/desk/claim-next")
    assert none.headers["location"] == "/desk/queue?told=none_next"
    ask = await mira.post(f"{PAGE}/claim")
    assert ask.status_code == 200
    assert say("en", "desk.sure.claim.yes") in ask.text
    assert entry(desk).owner is None
    assert (await mira.post(f"{PAGE}/claim", sure="yes")).status_code == 303
    assert entry(desk).owner == "mira"


async def test_the_next_one_is_only_from_the_queues_that_one_works(desk: DeskApp) -> None:
    yusuf = await desk.signed_in("young_people", "yusuf")
    add_sent_referral(desk, ONE)
    add_sent_referral(desk, TWO, {**SELF_ANSWERS, "their_age": "young"})
    assert (await yusuf.post("/desk/claim-next")).headers["location"] == f"/desk/r/{TWO}?told=claim"
    assert (await yusuf.post("/desk/claim-next")).headers["location"].endswith("none_next")
    assert (await yusuf.post(f"{PAGE}/claim")).status_code == 403


# Putting off and handing on


async def test_what_is_put_off_comes_back_when_the_person_does_something(desk: DeskApp) -> None:
    mira = await mira_with_referral(desk)
    await take_act(
        mira, "snooze", when_snooze="2026-03-09", part_snooze="afternoon", note="On leave"
    )
    found = entry(desk)
    assert found.until is not None
    assert (found.owner, found.until.isoformat()) == ("mira", "2026-03-09T12:00:00+00:00")
    assert ONE not in (await mira.get("/desk/queue?view=mine")).text
    with desk.database.unit(desk.clock()) as unit:
        lifecycle.raise_flag(unit, ONE, Flag.SUICIDAL)
    shown = (await mira.get("/desk/queue?view=mine")).text
    assert ONE in shown
    assert say("en", "desk.marks.unseen") in shown
    await mira.get(PAGE)
    assert ONE in (await mira.get("/desk/queue?view=mine")).text


@pytest.mark.parametrize(
    ("when", "part"),
    [
        ("", "morning"),
        ("2026-03-01", "morning"),
        ("2026-03-07", "morning"),
        ("2030-01-01", "morning"),
        ("2026-03-04", ""),
        ("2026-03-04", "midnight"),
        ("tomorrow", "morning"),
        ("2026-03-02T08:00:00+00:00", "morning"),
        ("2026-03-04T10:00:00", "morning"),
        ("9999-12-31T23:59:59+00:00", "morning"),
        ("0001-01-01T00:00:00+14:00", "morning"),
        ("'; drop table referral; --", "\u202e"),
    ],
)
async def test_a_foreign_time_is_refused_with_the_reason_kept(
    desk: DeskApp, when: str, part: str
) -> None:
    mira = await mira_with_referral(desk)
    page = await take_act(mira, "snooze", when_snooze=when, part_snooze=part, note="On leave <b>")
    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert "On leave &lt;b&gt;" in page.text
    assert entry(desk).stage == "claimed"


async def test_after_the_third_try_nothing_more_is_proposed(desk: DeskApp) -> None:
    mira = await mira_with_referral(desk)
    for n in range(3):
        page = (await mira.get(PAGE)).text
        proposed = re.search(r'name="when_no_answer" value="([^"]*T[^"]*)"', page)
        assert bool(proposed) == (n < 2)
        assert (say("en", "desk.page.third_try") in page) == (n == 2)
        when = unescape(proposed[1]) if proposed else ""
        done = await take_act(mira, "no_answer", when_no_answer=when)
        desk.clock.advance(minutes=10)
    assert done.headers["location"].endswith("told=third_try")
    assert say("en", "desk.page_flash.third_try") in (await mira.get(done.headers["location"])).text


async def test_a_transfer_goes_to_a_colleague_who_sees_that_queue(desk: DeskApp) -> None:
    mira = await mira_with_referral(desk)
    for role, name in (("mediator", "omar"), ("young_people", "yusuf"), ("administrator", "ada")):
        desk.add_account(role, name)
    offered = re.findall(r"<option >([a-z]+)</option>", (await mira.get(PAGE)).text)
    assert "omar" in offered
    assert not {"yusuf", "ada", "mira"} & set(offered)
    for to in ("yusuf", "ada", "nobody", "", "x" * 5000, "\u202eomar"):
        wrong = await take_act(mira, "transfer", to=to, note="Please take her")
        assert wrong.status_code in (409, 422), to
        assert "Please take her" in wrong.text
        assert entry(desk).owner == "mira"
    done = await take_act(mira, "transfer", to="omar", note="Please take her")
    assert done.headers["location"] == f"/desk/queue?told=transfer&about={ONE}"
    assert (entry(desk).owner, entry(desk).stage) == ("omar", "claimed")
    omar = await desk.signed_in("mediator", "omar")
    assert "Please take her" in (await omar.get(PAGE)).text


async def test_a_coordinator_moves_what_its_owner_left(desk: DeskApp) -> None:
    await mira_with_referral(desk)
    carys = await desk.signed_in("coordinator", "carys")
    desk.add_account("mediator", "omar")
    page = await carys.post(f"{PAGE}/look", why="cover", words="")
    found = re.search(r'name="mark" value="(\d+)"', page.text)
    assert found is not None
    done = await carys.post(f"{PAGE}/reassign", to="omar", note="Mira is ill", mark=found[1])
    assert done.headers["location"] == f"/desk/queue?told=reassigned&about={ONE}"
    assert entry(desk).owner == "omar"
    assert ("transfer", "carys") in acts_on(desk)
    omar = await desk.signed_in("mediator", "omar")
    assert (await omar.post(f"{PAGE}/reassign", to="", mark="3")).status_code == 403


# Notes


async def test_a_note_never_reaches_the_persons_chat(desk: DeskApp) -> None:
    words = "She sounded afraid of her brother"
    with desk.database.unit(desk.clock()) as unit:
        recalled = conversations.load_conversation(unit, "telegram", "4711")
        conversation = recalled.conversation
        chat = conversations.save_conversation(unit, recalled, conversation)
        record = finished_record(ONE, desk.clock())
        lifecycle.hand_over(unit, record, chat.chat_id)
    mira = await desk.signed_in("mediator", "mira")
    await mira.post(f"{PAGE}/claim")
    await take_act(mira, "note", "note", note=words)
    for act in ("spoke", "no_answer", "not_now", "suitable"):
        await take_act(mira, act, note=words)
    await take_act(mira, "snooze", note=words, when_snooze="2026-03-04", part_snooze="morning")
    assert notes(desk) == [words] * 6
    with desk.database.reading(desk.clock()) as unit:
        for table in (OUTBOX, MESSAGE, INBOX, SCREEN_MESSAGE):
            assert unit.conn.execute(select(table)).all() == []
        kept = conversations.load_conversation(unit, "telegram", "4711")
    assert words not in repr(kept)


async def test_a_note_that_is_sent_again_is_there_once(desk: DeskApp) -> None:
    mira = await mira_with_referral(desk)
    for _ in range(2):
        form = next(
            one
            for one in parse_page((await mira.get(PAGE)).text).forms
            if one.action[-4:] == "note"
        )
        fields = {**form.fields, "note": "Rings on Friday"}
        assert [(await mira.post_raw(form.action, fields)).status_code for _ in range(2)] == [
            303
        ] * 2
    assert notes(desk) == ["Rings on Friday"] * 2, "each form once"


async def test_a_note_changes_nothing_else(desk: DeskApp) -> None:
    mira = await mira_with_referral(desk)
    before = entry(desk)
    done = await take_act(mira, "note", "note", note="One thing")
    assert done.headers["location"] == f"{PAGE}?told=note"
    assert entry(desk) == before
    for empty in ("", "   ", "\x00\x01"):
        page = await take_act(mira, "note", "note", note=empty)
        assert page.status_code == 422
        assert say("en", "desk.problems.note_missing") in page.text


@pytest.mark.parametrize(
    "note",
    [
        "<script>alert(1)</script>",
        '=HYPERLINK("http://example.com","x")',
        "\u202eright to left",
        "nul \x00 in it",
        "\U0001f600 \u0627\u0644\u0633\u0644\u0627\u0645",
        "'; drop table step; --",
        "{{ 7 * 7 }} {reference}",
    ],
)
async def test_whatever_is_typed_is_kept_as_words(desk: DeskApp, note: str) -> None:
    mira = await mira_with_referral(desk)
    assert (await take_act(mira, "spoke", note=note)).status_code == 303
    assert notes(desk) == [note.replace("\x00", "")]
    page = await mira.get(PAGE)
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "{{ 7" in page.text or "7 * 7" not in note


async def test_too_long_a_note_is_given_back_and_too_large_a_form_is_refused(
    desk: DeskApp,
) -> None:
    mira = await mira_with_referral(desk)
    page = await take_act(mira, "spoke", note="long " * 500)
    assert page.status_code == 422
    assert "long long" in page.text
    assert say("en", "desk.problems.note_long") in unescape(page.text)
    assert (await take_act(mira, "spoke", note="x" * 1_000_000)).status_code == 413
    assert entry(desk).stage == "claimed"


# Mishaps


@pytest.mark.parametrize("act", ["", "dance", "claim", "erase", "lease_ended", "reopen", "x" * 900])
async def test_an_act_that_is_not_offered_is_refused_with_the_note_kept(
    desk: DeskApp, act: str
) -> None:
    mira = await mira_with_referral(desk)
    page = await take_act(mira, act, note="Keep this")
    assert page.status_code == 422
    assert "Keep this" in page.text
    ids = re.findall(r'\sid="([^"]+)"', page.text)
    assert len(ids) == len(set(ids))
    for link in re.findall(r'<li><a href="#([^"]+)">', page.text):
        assert link in ids
    assert acts_on(desk)[-1] == ("claim", "mira")


async def test_the_back_button_does_nothing_twice(desk: DeskApp) -> None:
    mira = await mira_with_referral(desk)
    before = await page_version(mira)
    form = {"act": "no_answer", "note": "Rang out", "mark": before}
    assert (await mira.post(f"{PAGE}/act", **form)).status_code == 303
    again = await mira.post(f"{PAGE}/act", **form)
    assert again.status_code == 409
    assert say("en", "desk.problems.out_of_date") in again.text
    assert "Rang out" in again.text
    assert [act for act, _ in acts_on(desk)].count("no_answer") == 1


async def test_what_went_back_to_the_queue_keeps_the_words_and_says_what_to_do(
    desk: DeskApp,
) -> None:
    mira = await mira_with_referral(desk)
    before = await page_version(mira)
    with desk.database.unit(desk.clock() + timedelta(days=9)) as unit:
        acts.release_expired_leases(unit)
    late = await mira.post(f"{PAGE}/act", act="spoke", note="We spoke", mark=before)
    assert late.status_code == 409
    assert "We spoke" in late.text
    assert say("en", "desk.too_late.nobodys", reference=ONE) in late.text
    with desk.database.unit(desk.clock()) as unit:
        acts.claim(unit, ONE, "omar")
    later = await mira.post(f"{PAGE}/act", act="spoke", note="We spoke", mark=before)
    assert later.status_code == 409
    assert "omar" in later.text
    assert "We spoke" in later.text
    assert acts_on(desk)[-1] == ("claim", "omar")
    with desk.database.reading() as unit:
        refused = [one for one in logbook.list_logbook_lines(unit, ONE) if one.refused]
    assert {(one.actor, one.reason) for one in refused} == {("mira", "too_late")}


async def test_nobody_acts_on_what_is_not_theirs(desk: DeskApp) -> None:
    await mira_with_referral(desk)
    omar = await desk.signed_in("mediator", "omar")
    ada = await desk.signed_in("administrator", "ada")
    before = entry(desk)
    for browser in (omar, ada):
        for to in ("act", "settle", "note", "claim", "reassign"):
            for act in ("spoke", "close", "withdraw", "erase", "note"):
                page = await browser.post(
                    f"{PAGE}/{to}", act=act, note="x", mark="2", sure="yes", to="omar"
                )
                assert page.status_code in (403, 409), (browser.name, to, act)
    assert entry(desk) == before


# Settling


async def test_a_person_who_rings_to_stop_is_not_contacted_again(desk: DeskApp) -> None:
    mira = await mira_with_referral(desk)
    ask = await take_act(mira, "withdraw", "settle", note="She rang")
    assert ask.status_code == 200
    assert entry(desk).may_contact
    done = await take_act(mira, "withdraw", "settle", note="She rang", sure="yes")
    assert done.headers["location"] == f"/desk/queue?told=withdraw&about={ONE}"
    found = entry(desk)
    assert (found.stage, found.may_contact, found.owner) == ("withdrawn", False, None)
    assert acts_on(desk)[-2:] == [("note", "mira"), ("withdraw", "mira")]
    with desk.database.reading() as unit:
        told = [(one.actor, one.action) for one in logbook.list_logbook_lines(unit, ONE)]
    assert ("mira", "withdraw") in told
    assert (await mira.post(f"{PAGE}/reveal")).status_code == 403


async def test_what_was_withdrawn_is_closed_and_erased_each_asked_once_more(
    desk: DeskApp,
) -> None:
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(desk, ONE)
    with desk.database.unit(desk.clock()) as unit:
        lifecycle.stop_contact(unit, ONE, Act.WITHDRAW)
    assert ONE in (await mira.get("/desk/queue?view=check")).text
    for act, stage in (("close", "closed"), ("erase", "erased")):
        assert (await take_act(mira, act, "settle")).status_code == 200
        assert (await take_act(mira, act, "settle", sure="yes")).status_code == 303
        assert entry(desk).stage == stage
    gone = await mira.post(f"{PAGE}/settle", act="erase", mark="4", sure="yes")
    assert gone.status_code in (409, 422)
    assert (await mira.post(f"{PAGE}/note", note="x", mark="4")).status_code == 409


async def test_what_was_closed_can_be_opened_again(desk: DeskApp) -> None:
    mira = await mira_with_referral(desk)
    await take_act(mira, "declined", sure="yes")
    assert entry(desk).stage == "closed"
    assert (await take_act(mira, "reopen", "settle")).status_code == 303
    assert entry(desk).stage == "new"
