"""The queue at the desk: what stands first, views and filters in the address, and the search."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from httpx import Response
from starlette.requests import Request

from bot.desk.casework.queue import FLAGS, parse_reference
from bot.desk.event_stream import live_state
from bot.desk.guard import DeskRequest
from bot.desk.labels import due_status
from flows.casework import Act
from flows.vocabulary import Flag, Journey
from flows.wording import say
from storage import logbook
from storage.accounts.sign_ins import SignedInStaff
from storage.referrals import acts, lifecycle, queue_views
from storage.referrals.queue_views import VIEWS
from tests.harness.desk_fixtures import DeskApp, DeskBrowser
from tests.support.cast import MAYA
from tests.support.referral_builders import (
    CALLBACK_ANSWERS,
    EXTRA_ANSWERS,
    OFFICER_ANSWERS,
    SELF_ANSWERS,
    add_sent_referral,
)

ONE, TWO, THREE = "AAAA-CCCC", "DDDD-EEEE", "FFFF-GGGG"


def listed_references(page: Response) -> list[str]:
    """Return the references of a page's list, in its order."""
    return re.findall(r'<tr[^>]* data-reference="([A-Z0-9-]+)"', page.text)


def view_count(page: Response, view: str) -> int:
    """Return how many a view holds, as its link says."""
    name = re.escape(say("en", f"desk.views.{view}"))
    found = re.search(rf'>{name} <span class="rj-views__count">(\d+)</span>', page.text)
    assert found is not None
    return int(found[1])


async def test_without_javascript_there_is_a_way_to_everything(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    assert (await mira.get("/desk/")).headers["location"] == "/desk/queue"
    page = await mira.get("/desk/queue")
    assert page.status_code == 200
    assert say("en", "desk.queue.empty") in page.text
    assert 'action="/desk/claim-next"' in page.text


async def test_the_list_names_nobody_and_says_nothing_that_was_said(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(desk, ONE, {**SELF_ANSWERS, **EXTRA_ANSWERS})
    add_sent_referral(desk, TWO, CALLBACK_ANSWERS, journey=Journey.CALLBACK)
    add_sent_referral(desk, THREE, OFFICER_ANSWERS, journey=Journey.OFFICER)
    listed = set[str]()
    for view in VIEWS:
        page = await mira.get(f"/desk/queue?view={view}")
        listed |= set(listed_references(page))
        shown = re.sub(r'value="[^"]{32,}"', "", page.text)  # any four digits may be in a token
        for said in ("Maya", "Tamsin", "Sam Reed", "bluebell", "0417", "example"):
            assert said not in shown
    assert listed == {ONE, TWO, THREE}


async def test_first_the_unseen_then_what_came_back_the_urgent_and_the_due(
    desk: DeskApp,
) -> None:
    mira = await desk.signed_in("mediator", "mira")
    for n, reference in enumerate((ONE, TWO, THREE, "HHHH-JJJJ")):
        desk.clock.advance(minutes=n)
        add_sent_referral(desk, reference)
    add_sent_referral(desk, "KKKK-MMMM", {**SELF_ANSWERS, "wish": "pushed"})
    now = desk.clock()
    with desk.database.unit(now) as unit:
        lifecycle.raise_flag(unit, THREE, Flag.SUICIDAL)
        acts.claim(unit, TWO, "mira")
        again = now + timedelta(minutes=1)
        acts.perform_act(unit, TWO, "no_answer", "mira", until=again)
    desk.clock.advance(minutes=2)
    assert listed_references(await mira.get("/desk/queue")) == [
        THREE,
        TWO,
        "KKKK-MMMM",
        ONE,
        "HHHH-JJJJ",
    ]


async def test_each_view_lists_and_counts_what_it_says(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(desk, ONE)
    add_sent_referral(desk, TWO)
    add_sent_referral(desk, THREE)
    add_sent_referral(desk, "HHHH-JJJJ", {**SELF_ANSWERS, "age": "rather_not_say"})
    add_sent_referral(desk, "KKKK-MMMM")
    now = desk.clock()
    with desk.database.unit(now) as unit:
        for reference, who in ((ONE, "mira"), (TWO, "omar"), (THREE, "mira")):
            acts.claim(unit, reference, who)
        later = now + timedelta(days=5)
        acts.perform_act(unit, THREE, "snooze", "mira", "On leave", later)
        acts.perform_act(unit, TWO, "declined", "omar")
        lifecycle.stop_contact(unit, "KKKK-MMMM", Act.WITHDRAW)
    holds = {
        "open": {ONE, "HHHH-JJJJ", "KKKK-MMMM"},
        "mine": {ONE},
        "new": {"HHHH-JJJJ"},
        "due": set[str](),
        "snoozed": {THREE},
        "check": {"HHHH-JJJJ", "KKKK-MMMM"},
        "all": {ONE, THREE, "HHHH-JJJJ", "KKKK-MMMM"},
        "done": {TWO},
    }
    for view, references in holds.items():
        page = await mira.get(f"/desk/queue?view={view}")
        assert set(listed_references(page)) == references, view
        assert view_count(page, view) == len(references), view


async def test_a_date_says_in_words_how_soon_it_is(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(desk, ONE)
    soon = {0: "", 1: "tomorrow", 2: "today", 3: "late"}
    for days, word in soon.items():
        with desk.database.reading() as unit:
            at = desk.clock() + timedelta(days=days)
            found = queue_views.find_entry(replace(unit, now=at), ONE)
        assert found is not None
        assert due_status(found, at) == word
    desk.clock.advance(days=2)
    mira = await desk.signed_in("mediator", "mira")
    page = await mira.get("/desk/queue?view=due")
    assert listed_references(page) == [ONE]
    assert say("en", "desk.soon.today") in page.text


async def test_filters_stand_in_the_address_and_each_can_be_taken_off(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(desk, ONE, {**SELF_ANSWERS, **EXTRA_ANSWERS})
    add_sent_referral(desk, TWO, CALLBACK_ANSWERS, journey=Journey.CALLBACK)
    add_sent_referral(desk, THREE, {**SELF_ANSWERS, "wish": "pushed"})
    for asked, found in (
        ("flag=needs", {ONE}),
        ("flag=pressure", {THREE}),
        ("flag=urgent", {THREE}),
        ("flag=no_contact", set[str]()),
        ("from=callback", {TWO}),
        ("from=self&flag=needs", {ONE}),
        ("queue=adults", {ONE, TWO, THREE}),
        ("queue=specialist", set[str]()),
    ):
        page = await mira.get(f"/desk/queue?{asked}")
        assert set(listed_references(page)) == found, asked
    page = await mira.get("/desk/queue?from=self&flag=needs&view=new")
    off = [
        unescape(one) for one in re.findall(r'class="moj-filter__tag" href="([^"]+)"', page.text)
    ]
    assert off == ["/desk/queue?view=new&from=self", "/desk/queue?view=new&flag=needs"]
    for flag in FLAGS:
        assert (await mira.get(f"/desk/queue?flag={flag}")).status_code == 200


@pytest.mark.parametrize("hostile", ["<script>", "'--", "\u202e", "%00", "x" * 5000, "=1+1", "-1"])
async def test_an_address_may_hold_anything(desk: DeskApp, hostile: str) -> None:
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(desk, ONE)
    for name in ("view", "queue", "flag", "from", "page", "q", "told", "about"):
        page = await mira.get(f"/desk/queue?{name}={hostile}")
        assert page.status_code == 200, name
        assert listed_references(page) == [ONE]
        assert "<script>" not in page.text


async def test_fifty_stand_on_a_page_and_a_page_too_far_is_the_last(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    letters = "ACDEFGHJKMNPQRTWXY34679"
    for n in range(51):
        add_sent_referral(desk, f"AAAA-AA{letters[n // 20]}{letters[n % 20]}")
    first = await mira.get("/desk/queue")
    assert len(listed_references(first)) == 50
    assert 'href="/desk/queue?page=2"' in first.text
    assert len(listed_references(await mira.get("/desk/queue?page=2"))) == 1
    assert (await mira.get("/desk/queue?page=99")).headers["location"] == "/desk/queue?page=2"


async def test_each_role_sees_its_own_queues(desk: DeskApp) -> None:
    add_sent_referral(desk, ONE)
    add_sent_referral(desk, TWO, {**SELF_ANSWERS, "their_age": "young"})
    for role, name, sees in (
        ("mediator", "mira", [ONE]),
        ("young_people", "yusuf", [TWO]),
        ("coordinator", "carys", [ONE, TWO]),
    ):
        browser = await desk.signed_in(role, name)
        page = await browser.get("/desk/queue")
        assert sorted(listed_references(page)) == sees
        assert view_count(page, "new") == len(sees)
        assert listed_references(await browser.get("/desk/queue?queue=young_people")) == (
            [TWO] if TWO in sees else [ONE]
        )
    ada = await desk.signed_in("administrator", "ada")
    assert (await ada.get("/desk/queue")).status_code == 403
    assert (await ada.get("/desk/")).status_code == 303


# The search


@pytest.mark.parametrize("typed", ["AAAA-CCCC", "aaaa-cccc", "aaaacccc", " AAAA CCCC "])
async def test_a_reference_leads_straight_to_it(desk: DeskApp, typed: str) -> None:
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(desk, ONE)
    assert parse_reference(typed) == ONE
    assert (await mira.post("/desk/search", q=typed)).headers["location"] == f"/desk/r/{ONE}"
    assert (await mira.get(f"/desk/queue?q={typed}")).headers["location"] == f"/desk/r/{ONE}"


@pytest.mark.parametrize(
    ("typed", "matched"),
    [
        ("maya", "name"),
        ("MAY", "name"),
        ("07700 900417", "number"),
        ("+44 7700 900 417", "number"),
        ("0417", "number"),
        ("900417", "number"),
    ],
)
async def test_a_name_or_a_number_is_found_and_not_shown(
    desk: DeskApp, typed: str, matched: str
) -> None:
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(desk, ONE)
    add_sent_referral(desk, TWO, {**SELF_ANSWERS, "name": "Zoe", "number": "+447700900555"})
    page = await mira.post("/desk/search", q=typed)
    assert listed_references(page) == [ONE]
    assert say("en", f"desk.matched.{matched}") in page.text
    told = page.text.replace(f'value="{typed}"', "")
    assert "Maya" not in told
    assert MAYA.phone not in told
    with desk.database.reading() as unit:
        line = logbook.list_logbook_lines(unit)[0]
    assert (line.actor, line.action, line.target, line.reason) == ("mira", "search", "", "")


async def test_an_officer_is_found_by_their_address(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(desk, ONE, OFFICER_ANSWERS, journey=Journey.OFFICER)
    assert listed_references(await mira.post("/desk/search", q="sam.reed@kent.example")) == [ONE]
    assert listed_references(await mira.post("/desk/search", q="reed")) == [ONE]


async def test_nobody_finds_what_their_role_may_not_know_of(desk: DeskApp) -> None:
    add_sent_referral(desk, ONE, {**SELF_ANSWERS, "their_age": "young"})
    mira = await desk.signed_in("mediator", "mira")
    yusuf = await desk.signed_in("young_people", "yusuf")
    ada = await desk.signed_in("administrator", "ada")
    page = await mira.post("/desk/search", q="maya")
    assert listed_references(page) == []
    assert say("en", "desk.search.nothing") in page.text
    unknown = await mira.post("/desk/search", q=ONE)
    foreign = await mira.post("/desk/search", q="ZZZZ-ZZZZ")
    assert unknown.text.replace(ONE, "") == foreign.text.replace("ZZZZ-ZZZZ", "")
    assert listed_references(await yusuf.post("/desk/search", q="maya")) == [ONE]
    assert (await ada.post("/desk/search", q="maya")).status_code == 403


@pytest.mark.parametrize("typed", ["", "m", "12", "   ", "\x00", "..", "\u202e"])
async def test_too_little_to_look_for_is_said_so(desk: DeskApp, typed: str) -> None:
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(desk, ONE)
    page = await mira.post("/desk/search", q=typed)
    assert page.status_code == 422
    assert say("en", "desk.search.short") in page.text
    assert listed_references(page) == []


@pytest.mark.parametrize("typed", ["<script>alert(1)</script>", "%%", "maya' or 1=1", "x" * 20_000])
async def test_hostile_searches_find_nothing(desk: DeskApp, typed: str) -> None:
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(desk, ONE)
    page = await mira.post("/desk/search", q=typed)
    assert page.status_code in (200, 422)
    assert listed_references(page) == []
    assert "<script>alert" not in page.text


async def test_what_is_erased_is_not_found(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(desk, ONE)
    with desk.database.unit(desk.clock()) as unit:
        for act in ("claim", "close", "erase"):
            acts.perform_act(unit, ONE, act, "mira")
    assert listed_references(await mira.post("/desk/search", q="maya")) == []


# What is new while a page is open


def live_event(desk: DeskApp, browser: DeskBrowser) -> dict[str, object]:
    """Return what an open page of somebody is told now."""
    member = desk.add_account(browser.role, browser.name)
    now = desk.clock()
    signed = SignedInStaff(
        browser.sign_in, member, browser.name, browser.role, "password", now, now, True
    )
    request = Request({"type": "http", "headers": [], "query_string": b"", "path": "/desk/live"})
    with desk.database.reading(now) as unit:
        here = DeskRequest(
            runtime=desk.running.runtime,
            http=request,
            now=now,
            browser_id="seat",
            staff_session=signed,
        )
        return live_state(unit, here)


async def test_an_open_page_hears_what_is_new_and_who_took_what(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(desk, ONE)
    add_sent_referral(desk, TWO)
    add_sent_referral(desk, THREE, {**SELF_ANSWERS, "their_age": "young"})
    with desk.database.unit(desk.clock()) as unit:
        acts.claim(unit, TWO, "omar")
    assert live_event(desk, mira) == {"new": [ONE], "taken": [(TWO, "omar")]}


async def test_listening_keeps_nobody_signed_in(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(desk, ONE)
    for _ in range(16):
        desk.clock.advance(minutes=1)
        heard = live_event(desk, mira)
    assert heard == {"out": True}
    page = await mira.get("/desk/queue")
    assert page.headers["location"].startswith("/desk/sign-in")
