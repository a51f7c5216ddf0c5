"""The matrix: every route of the desk, asked by everyone, about everybody's referrals."""

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import httpx
import pytest
from sqlalchemy import func, select, update
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from bot.desk.guard import SIGNED, At, Page
from bot.desk.permissions import RULES, Role, Rule, Whose
from bot.desk.routes import PAGES
from storage.accounts import sign_ins, staff
from storage.tables import METADATA, REFERRAL, STEP
from storage.web_tables import LOGGED, STAFF
from tests.harness.desk_fixtures import SITE, AtTheDesk, Browser

REFERENCE = "AAAA-CCCC"
EVEN_FOR_OTHERS = {"note": ("reassign",)}
"""Whoever may give a referral to somebody else may write a note about a colleague's as well."""
STREAMS = {"/desk/live"}
"""What is answered for as long as somebody listens."""
SAID = ("Amina", "01622 496 000")
"""What the person of the referral said."""
CAST = {
    "mira": Role.MEDIATOR,
    "yusuf": Role.YOUNG_PEOPLE,
    "carys": Role.COORDINATOR,
    "ada": Role.ADMINISTRATOR,
    "nobody": None,
    "zoe, disabled": None,
}
QUEUES = ("adults", "young_people")


@dataclass(frozen=True, slots=True)
class Case:
    """One request: by whom, of what, about whose referral in which queue."""

    page: Page
    who: str
    whose: Whose | None = None
    queue: str = ""

    def __str__(self) -> str:
        """Return the case in a line."""
        return f"{self.page.method} {self.path} {self.who} {self.whose or ''} {self.queue}"

    @property
    def path(self) -> str:
        """Return the address, with something for each blank in it."""
        return (
            self.page.path.replace("{reference}", REFERENCE)
            .replace("{id}", "x1")
            .replace("{table}", "weeks")
        )

    @property
    def about_a_referral(self) -> bool:
        """Return whether the page is about one referral."""
        return "{reference}" in self.page.path

    def expected(self) -> str:
        """Return served, refused or sent to sign in, worked out from the table of rules alone."""
        role = CAST[self.who]
        if RULES[self.page.rule].anyone:
            return "served"
        if role is None:
            return "sent to sign in"
        rules = [self.page.rule, *([self.page.others] if self.page.others else [])]
        return "served" if any(self._fits(RULES[one], role) for one in rules) else "refused"

    def comes_too_late(self) -> bool:
        """Return whether the form is only told that it can do nothing now."""
        role = CAST[self.who]
        if role is None or self.page.others != "too_late" or self.expected() != "served":
            return False
        rules = [self.page.rule, *EVEN_FOR_OTHERS.get(self.page.rule, ())]
        return not any(self._fits(RULES[one], role) for one in rules)

    def _fits(self, rule: Rule, role: Role) -> bool:
        if role not in rule.roles:
            return False
        if not self.about_a_referral:
            return not rule.whose
        known = {
            Role.COORDINATOR: QUEUES,
            Role.MEDIATOR: ("adults",),
            Role.YOUNG_PEOPLE: ("young_people",),
            Role.ADMINISTRATOR: (),
        }
        return self.whose in rule.whose and self.queue in known[role]


def cases() -> Iterator[Case]:
    """Give every case there is."""
    for page, who in product(PAGES, CAST):
        if "{reference}" in page.path:
            yield from (Case(page, who, *more) for more in product(Whose, QUEUES))
        else:
            yield Case(page, who)


class Visitors:
    """The cast in front of one desk; before each case they and the referral are as new."""

    def __init__(self, desk: AtTheDesk) -> None:
        self.desk = desk
        desk.referral(REFERENCE)
        with desk.database.transaction() as conn:
            self.referral = dict(conn.execute(select(REFERRAL)).one()._mapping)
        self.ids = {who: desk.account(role, who) for who, role in CAST.items() if role}
        self.ids["zoe, disabled"] = desk.account("mediator", "zoe")
        self.browsers: dict[str, Browser] = {}
        self.read = 0

    async def come(self, case: Case) -> Browser:
        """Return the browser of whoever asks, with the referral as the case has it."""
        if case.who not in self.browsers:
            self.browsers[case.who] = await self.desk.nobody(f"seat of {case.who}")
        browser = self.browsers[case.who]
        with self.desk.database.transaction() as conn:
            if case.about_a_referral:
                conn.execute(update(REFERRAL).values(**self._referral(case)))
            conn.execute(update(STAFF).values(disabled_at=None, shortcuts=True))
            for who, role in CAST.items():
                if role:
                    conn.execute(update(STAFF).where(STAFF.c.name == who).values(role=role))
            token = ""
            if case.who in self.ids:
                id, now = self.ids[case.who], self.desk.clock()
                token = sign_ins.begin(conn, self.desk.vault, id, "password", now)
                signed = sign_ins.who(conn, self.desk.vault, token, now)
                assert signed is not None
                browser.sign_in = signed.id
            if case.who == "zoe, disabled":
                staff.disable(conn, "zoe", self.desk.clock())
                browser.sign_in = ""
        browser.client.cookies.set(SIGNED, token, domain="desk.test", path="/")
        return browser

    def _referral(self, case: Case) -> dict[str, object]:
        owner = {Whose.NOBODYS: None, Whose.OWN: case.who, Whose.OTHERS: "omar"}
        assert case.whose is not None
        standing = {"queue": case.queue, "owner": owner[case.whose]}
        stage = "new" if case.whose == Whose.NOBODYS else "claimed"
        return {**self.referral, **standing, "stage": stage}

    def refusals(self) -> list[tuple[str, str, str]]:
        """Return the lines about refusals since this was last asked: who, what, about what."""
        with self.desk.database.session() as session:
            rows = select(LOGGED.c.n, LOGGED.c.who, LOGGED.c.did, LOGGED.c.about)
            new = rows.where(LOGGED.c.n > self.read, LOGGED.c.refused).order_by(LOGGED.c.n)
            found = session.connection().execute(new).all()
        self.read = found[-1].n if found else self.read
        return [(row.who, row.did, row.about) for row in found]


async def asked(case: Case, browser: Browser, **fields: str) -> httpx.Response | None:
    """Send the request; None when the answer is a stream that goes on."""
    if case.page.method == "POST":
        return await browser.post(case.path, **fields)
    if case.page.path not in STREAMS:
        return await browser.get(case.path)
    try:
        return await asyncio.wait_for(browser.get(case.path), 0.3)
    except TimeoutError:
        return None


def answered(answer: httpx.Response | None) -> str:
    """Return what became of a request."""
    if answer is None:
        return "served"
    if answer.status_code == 303 and answer.headers["location"].startswith("/desk/sign-in"):
        is_in = "sign-out" in answer.request.url.path or "organisation" in answer.request.url.path
        return "served" if is_in else "sent to sign in"
    return "refused" if answer.status_code == 403 else "served"


async def test_every_route_for_everyone_about_every_referral(desk: AtTheDesk) -> None:
    visitors, wrong, counted = Visitors(desk), [], 0
    for case in cases():
        counted += 1
        answer = await asked(case, await visitors.come(case))
        lines = visitors.refusals()
        if not went_as_expected(case, answer, lines):
            status = answer.status_code if answer is not None else "a stream"
            wrong.append(f"{case}: {case.expected()} expected; {status}, {lines}")
        if (case.expected() != "served" or case.comes_too_late()) and answer is not None:
            wrong += [f"{case} shows {said}" for said in SAID if said in answer.text]
    print(f"{counted} requests: {len(PAGES)} routes, {len(CAST)} visitors")  # noqa: T201
    assert not wrong, "\n".join(wrong)
    assert counted > 300


def went_as_expected(
    case: Case, answer: httpx.Response | None, lines: list[tuple[str, str, str]]
) -> bool:
    """Return whether the frame let a request through, or not, as the table says.

    A page that was let through may still say no for a reason of its own, with a line of its own.
    """
    line = (case.who, case.page.rule, REFERENCE if case.about_a_referral else "")
    expected = case.expected()
    if expected == "refused":
        return answered(answer) == expected and lines == [line]
    if expected == "sent to sign in":
        return answered(answer) == expected and not lines
    if case.comes_too_late():
        told = [(who, about) for who, _, about in lines] == [(case.who, REFERENCE)]
        return answer is not None and answer.status_code == 409 and told
    if answer is not None and answer.status_code >= 500:
        return False
    if RULES[case.page.rule].anyone:
        return True
    return line not in lines and (answered(answer) == "served" or bool(lines))


async def test_an_administrator_opens_no_record(desk: AtTheDesk) -> None:
    visitors, opened = Visitors(desk), 0
    for case in cases():
        if case.who == "ada":
            answer = await asked(case, await visitors.come(case))
            if answer is not None:
                opened += any(said in answer.text for said in SAID)
    with desk.database.session() as session:
        steps = select(func.count()).where(STEP.c.who == "ada")
        assert session.connection().execute(steps).scalar_one() == 0
    assert opened == 0


def test_every_route_has_a_rule_and_every_rule_a_route() -> None:
    named = {rule for page in PAGES for rule in (page.rule, page.others) if rule}
    assert named - set(RULES) == set()
    assert set(RULES) - named == set()
    assert len({(page.method, page.path) for page in PAGES}) == len(PAGES)


def test_no_page_of_the_desk_is_served_round_the_frame(desk: AtTheDesk) -> None:
    framed = {f"{page.method} {page.path}" for page in PAGES}
    site = desk.running.pages()
    found = [one for one in site.routes if getattr(one, "path", "").startswith("/desk")]
    assert {one.name if isinstance(one, Route) else str(one) for one in found} == framed


async def test_a_route_whose_rule_is_unknown_is_refused(desk: AtTheDesk) -> None:
    async def show(at: At) -> Response:
        raise AssertionError("nobody comes here")

    page = Page("/desk/new-page", "GET", "a rule that nobody wrote", show)
    desk.site = Starlette(routes=[page.route(desk.running.desk)])
    for role in Role:
        browser = await desk.signed_in(role, f"some-{role.replace('_', '-')}")
        assert (await browser.get("/desk/new-page")).status_code == 403
    assert (await (await desk.nobody()).get("/desk/new-page")).status_code == 403


async def test_every_answer_carries_the_headers(desk: AtTheDesk) -> None:
    visitors, checked = Visitors(desk), 0
    for case in cases():
        if case.whose in (None, Whose.OWN) and case.queue in ("", "adults"):
            answer = await asked(case, await visitors.come(case))
            if answer is not None:
                check_headers(answer)
                checked += 1
    assert checked > 100


def check_headers(answer: httpx.Response) -> None:
    """Check that an answer lets nothing inline run, is framed by nobody and kept nowhere."""
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "data:" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    for inline in (" style=", "<style", " onclick=", "javascript:"):
        assert inline not in answer.text or not answer.headers["content-type"].startswith("text/h")


POSTS = [page for page in PAGES if page.method == "POST"]
FORGED = {
    "no csrf": ({}, {}),
    "somebody else's csrf": ({"csrf": "foreign"}, {}),
    "another site": ({"csrf": "own"}, {"Sec-Fetch-Site": "cross-site"}),
    "a neighbour's site": ({"csrf": "own"}, {"Sec-Fetch-Site": "same-site"}),
    "another origin": ({"csrf": "own"}, {"Origin": "https://example.com"}),
    "an origin that hides": ({"csrf": "own"}, {"Origin": "null"}),
}


@pytest.mark.parametrize("how", FORGED)
async def test_a_forged_form_is_refused_and_changes_nothing(desk: AtTheDesk, how: str) -> None:
    visitors = Visitors(desk)
    foreign = await desk.signed_in("mediator", "omar")
    given, headers = FORGED[how]
    for page in POSTS:
        case = someone_who_may(page)
        browser = await visitors.come(case)
        own = {"own": browser.csrf, "foreign": foreign.csrf}
        fields = {name: own[value] for name, value in given.items()}
        kept = all_that_is_kept(desk)
        answer = await browser.client.post(case.path, data=fields, headers=headers)
        assert answer.status_code == 403, (page.path, how)
        assert all_that_is_kept(desk) == kept, (page.path, how)


def someone_who_may(page: Page) -> Case:
    """Return a case in which this page is served."""
    return next(case for case in cases() if case.page == page and case.expected() == "served")


def all_that_is_kept(desk: AtTheDesk) -> str:
    """Return a mark of every row of every table."""
    mark = hashlib.sha256()
    with desk.database.session() as session:
        for table in METADATA.sorted_tables:
            for row in session.connection().execute(select(table).order_by(*table.primary_key)):
                mark.update(repr(tuple(row)).encode())
    return mark.hexdigest()


# --- how long somebody is signed in


async def test_a_sign_in_ends_after_15_idle_minutes(desk: AtTheDesk) -> None:
    mira = await desk.signed_in("mediator", "mira")
    for minutes in (14.9, 14.9, 15):
        assert (await mira.get("/desk/account")).status_code == 200
        desk.clock.advance(minutes=minutes)
    assert (await mira.get("/desk/account")).headers["location"].startswith("/desk/sign-in")


async def test_a_sign_in_ends_after_8_hours_of_work(desk: AtTheDesk) -> None:
    mira = await desk.signed_in("mediator", "mira")
    for _ in range(8 * 6):
        assert (await mira.get("/desk/account")).status_code == 200
        desk.clock.advance(minutes=10)
    shown = await mira.get("/desk/account")
    assert shown.headers["location"] == "/desk/sign-in?next=/desk/account"
    assert "Your sign-in has ended" in (await mira.get(shown.headers["location"])).text


async def test_after_disabling_none_of_100_requests_is_served(desk: AtTheDesk) -> None:
    visitors = Visitors(desk)
    mira = await desk.signed_in("mediator", "mira")
    with desk.database.transaction() as conn:
        staff.disable(conn, "mira", desk.clock())
    mine = [case for case in cases() if case.who == "mira" and case.page.rule != "sign_in"]
    served = 0
    for case in (mine * 3)[:100]:
        served += answered(await asked(case, mira)) == "served"
    assert served == 0
    assert visitors.referral["reference"] == REFERENCE


async def test_a_made_up_token_is_nobody(desk: AtTheDesk) -> None:
    browser = await desk.nobody()
    for token in ("x", "", "a" * 5000, "%27; drop table staff"):
        browser.client.cookies.set(SIGNED, token, domain="desk.test", path="/")
        assert (await browser.get("/desk/account")).status_code == 303


# --- the JSON API knows no cookie


async def test_a_member_of_staff_is_nobody_to_the_api(desk: AtTheDesk) -> None:
    carys = await desk.signed_in("coordinator", "carys")
    for path in ("referrals", f"referrals/{REFERENCE}", "health", "x"):
        assert (await carys.get(f"/api/v1/{path}")).status_code in (401, 404)
    answer = await carys.client.post(
        f"/api/v1/referrals/{REFERENCE}/steps", json={}, headers={"Origin": SITE}
    )
    assert answer.status_code == 401
