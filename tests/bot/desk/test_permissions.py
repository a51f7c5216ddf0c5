"""The matrix: every route of the desk, asked by everyone, about everybody's referrals."""

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import httpx
import pytest
from sqlalchemy import func, select, update
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from bot.desk.guard import SESSION_COOKIE, DeskRequest, DeskRoute
from bot.desk.permissions import PERMISSIONS, Ownership, Permission, Role
from bot.desk.routes import ROUTES
from storage.accounts import sign_ins, staff
from storage.accounts.sign_ins import SignInMethod
from storage.tables import METADATA, REFERRAL, STEP
from storage.web_tables import LOGBOOK, STAFF
from tests.harness.desk_fixtures import DESK_URL, DeskApp, DeskBrowser

REFERENCE = "AAAA-CCCC"
EVEN_FOR_OTHERS = {"note": ("reassign",)}
"""Whoever may give a referral to somebody else may write a note about a colleague's as well."""
STREAMS = {"/desk/live"}
"""What is answered for as long as somebody listens."""
PRIVATE_TEXTS = ("Amina", "01622 496 000")
"""What the person of the referral said."""
ROLE_OF = {
    "mira": Role.MEDIATOR,
    "yusuf": Role.YOUNG_PEOPLE,
    "carys": Role.COORDINATOR,
    "ada": Role.ADMINISTRATOR,
    "nobody": None,
    "zoe, disabled": None,
}
QUEUES = ("adults", "young_people")


@dataclass(frozen=True, slots=True)
class AccessCase:
    """One request: by whom, of what, about whose referral in which queue."""

    page: DeskRoute
    visitor: str
    ownership: Ownership | None = None
    queue: str = ""

    def __str__(self) -> str:
        """Return the case in a line."""
        return f"{self.page.method} {self.path} {self.visitor} {self.ownership or ''} {self.queue}"

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
        role = ROLE_OF[self.visitor]
        if PERMISSIONS[self.page.permission].public:
            return "served"
        if role is None:
            return "sent to sign in"
        rules = [
            self.page.permission,
            *([self.page.others_permission] if self.page.others_permission else []),
        ]
        return "served" if any(self._fits(PERMISSIONS[one], role) for one in rules) else "refused"

    def is_too_late(self) -> bool:
        """Return whether the form is only told that it can do nothing now."""
        role = ROLE_OF[self.visitor]
        if role is None or self.page.others_permission != "too_late" or self.expected() != "served":
            return False
        rules = [self.page.permission, *EVEN_FOR_OTHERS.get(self.page.permission, ())]
        return not any(self._fits(PERMISSIONS[one], role) for one in rules)

    def _fits(self, rule: Permission, role: Role) -> bool:
        if role not in rule.roles:
            return False
        if not self.about_a_referral:
            return not rule.ownership
        known = {
            Role.COORDINATOR: QUEUES,
            Role.MEDIATOR: ("adults",),
            Role.YOUNG_PEOPLE: ("young_people",),
            Role.ADMINISTRATOR: (),
        }
        return self.ownership in rule.ownership and self.queue in known[role]


def access_cases() -> Iterator[AccessCase]:
    """Give every case there is."""
    for page, who in product(ROUTES, ROLE_OF):
        if "{reference}" in page.path:
            yield from (AccessCase(page, who, *more) for more in product(Ownership, QUEUES))
        else:
            yield AccessCase(page, who)


class SignedInCast:
    """The cast in front of one desk; before each case they and the referral are as new."""

    def __init__(self, desk: DeskApp) -> None:
        self.desk = desk
        desk.add_referral(REFERENCE)
        with desk.database.unit() as unit:
            self.referral = dict(unit.conn.execute(select(REFERRAL)).one()._mapping)
        self.ids = {who: desk.add_account(role, who) for who, role in ROLE_OF.items() if role}
        self.ids["zoe, disabled"] = desk.add_account("mediator", "zoe")
        self.browsers: dict[str, DeskBrowser] = {}
        self.last_logged = 0

    async def browser_for(self, case: AccessCase) -> DeskBrowser:
        """Return the browser of whoever asks, with the referral as the case has it."""
        if case.visitor not in self.browsers:
            self.browsers[case.visitor] = await self.desk.signed_out(f"seat of {case.visitor}")
        browser = self.browsers[case.visitor]
        with self.desk.database.unit(self.desk.clock()) as unit:
            if case.about_a_referral:
                unit.conn.execute(update(REFERRAL).values(**self._referral(case)))
            unit.conn.execute(update(STAFF).values(disabled_at=None, shortcuts=True))
            for who, role in ROLE_OF.items():
                if role:
                    unit.conn.execute(update(STAFF).where(STAFF.c.name == who).values(role=role))
            token = ""
            if case.visitor in self.ids:
                id, now = self.ids[case.visitor], self.desk.clock()
                token = sign_ins.begin_sign_in(replace(unit, now=now), id, SignInMethod.PASSWORD)
                signed = sign_ins.signed_in_staff(replace(unit, now=now), token)
                assert signed is not None
                browser.sign_in = signed.id
            if case.visitor == "zoe, disabled":
                staff.disable_account(unit, "zoe")
                browser.sign_in = ""
        browser.client.cookies.set(SESSION_COOKIE, token, domain="desk.test", path="/")
        return browser

    def _referral(self, case: AccessCase) -> dict[str, object]:
        owner = {Ownership.UNASSIGNED: None, Ownership.OWN: case.visitor, Ownership.OTHERS: "omar"}
        assert case.ownership is not None
        standing = {"queue": case.queue, "owner": owner[case.ownership]}
        stage = "new" if case.ownership == Ownership.UNASSIGNED else "claimed"
        return {**self.referral, **standing, "stage": stage}

    def new_refusals(self) -> list[tuple[str, str, str]]:
        """Return the lines about refusals since this was last asked: who, what, about what."""
        with self.desk.database.reading() as unit:
            rows = select(LOGBOOK.c.n, LOGBOOK.c.actor, LOGBOOK.c.action, LOGBOOK.c.target)
            new = rows.where(LOGBOOK.c.n > self.last_logged, LOGBOOK.c.refused).order_by(
                LOGBOOK.c.n
            )
            found = unit.conn.execute(new).all()
        self.last_logged = found[-1].n if found else self.last_logged
        return [(row.actor, row.action, row.target) for row in found]


async def send_request(
    case: AccessCase, browser: DeskBrowser, **fields: str
) -> httpx.Response | None:
    """Send the request; None when the answer is a stream that goes on."""
    if case.page.method == "POST":
        return await browser.post(case.path, **fields)
    if case.page.path not in STREAMS:
        return await browser.get(case.path)
    try:
        return await asyncio.wait_for(browser.get(case.path), 0.3)
    except TimeoutError:
        return None


def outcome_of(answer: httpx.Response | None) -> str:
    """Return what became of a request."""
    if answer is None:
        return "served"
    if answer.status_code == 303 and answer.headers["location"].startswith("/desk/sign-in"):
        is_in = "sign-out" in answer.request.url.path or "organisation" in answer.request.url.path
        return "served" if is_in else "sent to sign in"
    return "refused" if answer.status_code == 403 else "served"


async def test_every_route_for_everyone_about_every_referral(desk: DeskApp) -> None:
    """Who is served what; on the way, each answer has the headers and ada opens no record."""
    visitors, wrong, counted = SignedInCast(desk), [], 0
    for case in access_cases():
        counted += 1
        answer = await send_request(case, await visitors.browser_for(case))
        if answer is not None:
            check_headers(answer)
        lines = visitors.new_refusals()
        if not matches_permissions(case, answer, lines):
            status = answer.status_code if answer is not None else "a stream"
            wrong.append(f"{case}: {case.expected()} expected; {status}, {lines}")
        hidden = case.expected() != "served" or case.is_too_late() or case.visitor == "ada"
        if hidden and answer is not None:
            wrong += [f"{case} shows {said}" for said in PRIVATE_TEXTS if said in answer.text]
    print(f"{counted} requests: {len(ROUTES)} routes, {len(ROLE_OF)} visitors")  # noqa: T201
    assert not wrong, "\n".join(wrong)
    assert counted > 300
    with desk.database.reading() as unit:
        steps = select(func.count()).where(STEP.c.actor == "ada")
        assert unit.conn.execute(steps).scalar_one() == 0


def matches_permissions(
    case: AccessCase, answer: httpx.Response | None, lines: list[tuple[str, str, str]]
) -> bool:
    """Return whether the frame let a request through, or not, as the table says.

    A page that was let through may still say no for a reason of its own, with a line of its own.
    """
    line = (case.visitor, case.page.permission, REFERENCE if case.about_a_referral else "")
    expected = case.expected()
    if expected == "refused":
        return outcome_of(answer) == expected and lines == [line]
    if expected == "sent to sign in":
        return outcome_of(answer) == expected and not lines
    if case.is_too_late():
        told = [(who, about) for who, _, about in lines] == [(case.visitor, REFERENCE)]
        return answer is not None and answer.status_code == 409 and told
    if answer is not None and answer.status_code >= 500:
        return False
    if PERMISSIONS[case.page.permission].public:
        return True
    return line not in lines and (outcome_of(answer) == "served" or bool(lines))


def test_every_route_has_a_rule_and_every_rule_a_route() -> None:
    named = {rule for page in ROUTES for rule in (page.permission, page.others_permission) if rule}
    assert named - set(PERMISSIONS) == set()
    assert set(PERMISSIONS) - named == set()
    assert len({(page.method, page.path) for page in ROUTES}) == len(ROUTES)


def test_no_desk_page_bypasses_the_guard(desk: DeskApp) -> None:
    framed = {f"{page.method} {page.path}" for page in ROUTES}
    site = desk.running.pages()
    found = [one for one in site.routes if getattr(one, "path", "").startswith("/desk")]
    assert {one.name if isinstance(one, Route) else str(one) for one in found} == framed


async def test_a_route_whose_rule_is_unknown_is_refused(desk: DeskApp) -> None:
    async def show(at: DeskRequest) -> Response:
        raise AssertionError("nobody comes here")

    page = DeskRoute("/desk/new-page", "GET", "a rule that nobody wrote", show)
    desk.app = Starlette(routes=[page.starlette_route(desk.running.runtime)])
    for role in Role:
        browser = await desk.signed_in(role, f"some-{role.replace('_', '-')}")
        assert (await browser.get("/desk/new-page")).status_code == 403
    assert (await (await desk.signed_out()).get("/desk/new-page")).status_code == 403


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


POSTS = [page for page in ROUTES if page.method == "POST"]
FORGED = {
    "no csrf": ({}, {}),
    "somebody else's csrf": ({"csrf": "foreign"}, {}),
    "another site": ({"csrf": "own"}, {"Sec-Fetch-Site": "cross-site"}),
    "a neighbour's site": ({"csrf": "own"}, {"Sec-Fetch-Site": "same-site"}),
    "another origin": ({"csrf": "own"}, {"Origin": "https://example.com"}),
    "an origin that hides": ({"csrf": "own"}, {"Origin": "null"}),
}


@pytest.mark.parametrize("how", FORGED)
async def test_a_forged_form_is_refused_and_changes_nothing(desk: DeskApp, how: str) -> None:
    visitors = SignedInCast(desk)
    foreign = await desk.signed_in("mediator", "omar")
    given, headers = FORGED[how]
    for page in POSTS:
        case = someone_who_may(page)
        browser = await visitors.browser_for(case)
        own = {"own": browser.csrf, "foreign": foreign.csrf}
        fields = {name: own[value] for name, value in given.items()}
        kept = database_digest(desk)
        answer = await browser.client.post(case.path, data=fields, headers=headers)
        assert answer.status_code == 403, (page.path, how)
        assert database_digest(desk) == kept, (page.path, how)


def someone_who_may(page: DeskRoute) -> AccessCase:
    """Return a case in which this page is served."""
    return next(
        case for case in access_cases() if case.page == page and case.expected() == "served"
    )


EVERY_ROW = [str(table.select().order_by(*table.primary_key)) for table in METADATA.sorted_tables]
"""The rows of each table as SQLite keeps them, in SQL that is made only once."""


def database_digest(desk: DeskApp) -> str:
    """Return a mark of every row of every table."""
    mark = hashlib.sha256()
    with desk.database.reading() as unit:
        for every_row in EVERY_ROW:
            for row in unit.conn.exec_driver_sql(every_row):
                mark.update(repr(tuple(row)).encode())
    return mark.hexdigest()


# --- how long somebody is signed in


async def test_a_sign_in_ends_after_15_idle_minutes(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    for minutes in (14.9, 14.9, 15):
        assert (await mira.get("/desk/account")).status_code == 200
        desk.clock.advance(minutes=minutes)
    assert (await mira.get("/desk/account")).headers["location"].startswith("/desk/sign-in")


async def test_a_sign_in_ends_after_8_hours_of_work(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    for _ in range(8 * 6):
        assert (await mira.get("/desk/account")).status_code == 200
        desk.clock.advance(minutes=10)
    shown = await mira.get("/desk/account")
    assert shown.headers["location"] == "/desk/sign-in?next=/desk/account"
    assert "Your sign-in has ended" in (await mira.get(shown.headers["location"])).text


async def test_after_disabling_none_of_100_requests_is_served(desk: DeskApp) -> None:
    visitors = SignedInCast(desk)
    mira = await desk.signed_in("mediator", "mira")
    with desk.database.unit(desk.clock()) as unit:
        staff.disable_account(unit, "mira")
    mine = [
        case
        for case in access_cases()
        if case.visitor == "mira" and case.page.permission != "sign_in"
    ]
    served = 0
    for case in (mine * 3)[:100]:
        served += outcome_of(await send_request(case, mira)) == "served"
    assert served == 0
    assert visitors.referral["reference"] == REFERENCE


async def test_an_invented_token_signs_nobody_in(desk: DeskApp) -> None:
    browser = await desk.signed_out()
    for token in ("x", "", "a" * 5000, "%27; drop table staff"):
        browser.client.cookies.set(SESSION_COOKIE, token, domain="desk.test", path="/")
        assert (await browser.get("/desk/account")).status_code == 303


# --- the JSON API knows no cookie


async def test_a_member_of_staff_is_nobody_to_the_api(desk: DeskApp) -> None:
    carys = await desk.signed_in("coordinator", "carys")
    for path in ("referrals", f"referrals/{REFERENCE}", "health", "x"):
        assert (await carys.get(f"/api/v1/{path}")).status_code in (401, 404)
    answer = await carys.client.post(
        f"/api/v1/referrals/{REFERENCE}/steps", json={}, headers={"Origin": DESK_URL}
    )
    assert answer.status_code == 401
