"""The API for another system: only with a token, only what it is for, every read written down."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from bot.peers.rate_limit import RateLimiter
from bot.web.forms import BODY_MAX
from flows.casework import Act
from storage import logbook
from storage.accounts import api_keys
from storage.accounts.api_keys import SCOPES
from storage.database import Database
from storage.logbook import LogbookLine
from storage.referrals import acts, lifecycle
from tests.harness.app import build_app
from tests.harness.clock import START
from tests.harness.desk_fixtures import DeskApp
from tests.support.builders import make_record

OUR_OWN_RULES = [positive_data_acceptance]
"""A cursor of ours and a time to come are more than the description can say."""
SECRET = "a person's own words that must never come back"


def token_for(database: Database, *scopes: str, name: str = "Cases") -> str:
    """Return a token for some scopes, all of them if none is named."""
    with database.unit(START) as unit:
        return api_keys.issue_api_key(unit, name, scopes or SCOPES, "ada")


def add_referrals(database: Database, *references: str) -> None:
    """Have some referrals, each sent a minute after the one before."""
    with database.unit(START) as unit:
        for n, reference in enumerate(references):
            record = replace(make_record(reference), sent_at=START + timedelta(minutes=n))
            lifecycle.hand_over(unit, record, None)


def logbook_entries(desk: DeskApp) -> list[LogbookLine]:
    """Return the logbook, the newest line first."""
    with desk.database.reading() as unit:
        return logbook.list_logbook_lines(unit)


async def api_client(desk: DeskApp, *scopes: str, token: str | None = None) -> httpx.AsyncClient:
    """Return the other system, with a token of its own."""
    own = token or token_for(desk.database, *scopes)
    browser = await desk.signed_out("other system")
    browser.client.headers["Authorization"] = f"Bearer {own}"
    return browser.client


async def test_without_a_token_there_is_nothing(desk: DeskApp) -> None:
    add_referrals(desk.database, "ACDE-3467")
    browser = await desk.signed_out()
    for path in ("health", "referrals", "referrals/ACDE-3467", "openapi.json", "docs", "nothing"):
        for sent in (
            b"",
            b"Bearer",
            b"Bearer wrong",
            b"Basic abc",
            b"bearer \xe9",
        ):
            headers = {b"Authorization": sent} if sent else {}
            runtime = desk.running.runtime
            runtime.limiter = RateLimiter(runtime.vault.fingerprint, runtime.peers)
            answer = await browser.client.get(f"/api/v1/{path}", headers=headers)
            assert answer.status_code == 401
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["code"] == "token"
    assert {(one.actor, one.action, one.refused) for one in logbook_entries(desk)} == {
        ("nobody", "api", True)
    }


async def test_the_list_is_paged_and_says_nothing_of_people(desk: DeskApp) -> None:
    names = [f"ACDE-{n}{n}{n}{n}" for n in range(2, 9)]
    add_referrals(desk.database, *names)
    cases = await api_client(desk, "read:queue")
    found: list[str] = []
    cursor = ""
    while True:
        page = await cases.get("/api/v1/referrals", params={"limit": 3, "cursor": cursor})
        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-store"
        assert "Amina" not in page.text
        assert "1622496000" not in page.text.replace(" ", "")
        found += [one["reference"] for one in page.json()["referrals"]]
        cursor = page.json()["next"] or ""
        if not cursor:
            break
    assert found == names
    assert [one.action for one in logbook_entries(desk)] == ["api_list"] * 3
    assert logbook_entries(desk)[0].actor == "api:Cases"


async def test_the_list_is_filtered(desk: DeskApp) -> None:
    add_referrals(desk.database, "ACDE-2222", "ACDE-3333")
    with desk.database.unit(START) as unit:
        acts.claim(unit, "ACDE-3333", "mira")
    cases = await api_client(desk)
    for asked, expected in (
        ({"stage": "claimed"}, ["ACDE-3333"]),
        ({"queue": "young_people"}, []),
        ({"queue": "adults"}, ["ACDE-2222", "ACDE-3333"]),
        ({"since": "2999-01-01"}, []),
        ({"since": "0001-01-01", "closed": "true"}, ["ACDE-2222", "ACDE-3333"]),
    ):
        answer = await cases.get("/api/v1/referrals", params=asked)
        assert [one["reference"] for one in answer.json()["referrals"]] == expected


async def test_a_record_is_read_and_that_is_written_down(desk: DeskApp) -> None:
    add_referrals(desk.database, "ACDE-3467")
    cases = await api_client(desk)
    answer = await cases.get("/api/v1/referrals/acde-3467")
    assert answer.status_code == 200
    told = answer.json()
    assert told["reference"] == "ACDE-3467"
    assert [one["label"] for one in told["lines"]] == ["Amina", "01622 496 000"]
    assert told["acts"] == ["claim"]
    assert [one["act"] for one in told["steps"]] == ["handed_over", "opened"]
    assert (logbook_entries(desk)[0].action, logbook_entries(desk)[0].target) == (
        "api_read",
        "ACDE-3467",
    )


async def test_where_contact_is_barred_the_record_says_so(desk: DeskApp) -> None:
    record = make_record("ACDE-3467")
    assert [line.value for line in record.lines if line.question == "number"] == ["01622 496 000"]
    with desk.database.unit(START) as unit:
        lifecycle.hand_over(unit, record, None)
        lifecycle.stop_contact(unit, "ACDE-3467", Act.WITHDRAW)
    answer = await (await api_client(desk)).get("/api/v1/referrals/ACDE-3467")
    told = answer.json()
    assert (told["may_contact"], told["stage"]) == (False, "withdrawn")
    numbers = [one for one in told["lines"] if one["question"] == "number"]
    assert [(one["given"], one["value"], one["label"]) for one in numbers] == [("said", "", "")]
    assert "1622496000" not in answer.text.replace(" ", "")


async def test_what_was_erased_or_never_there_is_not_found(desk: DeskApp) -> None:
    add_referrals(desk.database, "ACDE-3467")
    with desk.database.unit(START) as unit:
        lifecycle.stop_contact(unit, "ACDE-3467", Act.WITHDRAW)
        acts.erase(unit, "ACDE-3467", "mira")
    cases = await api_client(desk)
    for reference, code in (("ACDE-3467", "erased"), ("ZZZZ-9999", "missing")):
        answer = await cases.get(f"/api/v1/referrals/{reference}")
        assert (answer.status_code, answer.json()["code"]) == (404, code)
    assert [(one.reason, one.target, one.refused) for one in logbook_entries(desk)] == [
        ("missing", "", True),
        ("erased", "ACDE-3467", True),
    ]


async def test_a_token_is_only_for_what_it_is_for(desk: DeskApp) -> None:
    add_referrals(desk.database, "ACDE-3467")
    asks = {
        "read:queue": ("GET", "/api/v1/referrals", None),
        "read:records": ("GET", "/api/v1/referrals/ACDE-3467", None),
        "write:steps": ("POST", "/api/v1/referrals/ACDE-3467/steps", {"act": "claim"}),
    }
    for mine in SCOPES:
        token = token_for(desk.database, mine, name=mine)
        cases = await api_client(desk, token=token)
        for scope, (method, path, body) in asks.items():
            answer = await cases.request(method, path, json=body)
            if scope == mine:
                assert answer.status_code in (200, 201)
            else:
                assert (answer.status_code, answer.json()["code"]) == (403, "scope")
                assert (logbook_entries(desk)[0].reason, logbook_entries(desk)[0].refused) == (
                    "scope",
                    True,
                )


async def test_a_step_is_the_tokens_own_and_follows_the_same_rules(desk: DeskApp) -> None:
    add_referrals(desk.database, "ACDE-3467", "ACDE-2222")
    with desk.database.unit(START) as unit:
        acts.claim(unit, "ACDE-2222", "mira")
    cases = await api_client(desk)
    steps = "/api/v1/referrals/ACDE-3467/steps"
    until = (START + timedelta(days=3)).isoformat()
    assert (await cases.post(steps, json={"act": "spoke"})).json()["code"] == "not_now"
    assert (await cases.post(steps, json={"act": "claim"})).json()["stage"] == "claimed"
    later = {"act": "not_now", "note": "next week", "until": until}
    assert (await cases.post(steps, json=later)).json()["stage"] == "waiting"
    taken = await cases.post("/api/v1/referrals/ACDE-2222/steps", json={"act": "spoke"})
    assert (taken.status_code, taken.json()["code"]) == (409, "not_yours")
    with desk.database.reading() as unit:
        done = lifecycle.list_steps(unit, "ACDE-3467")
    assert [(one.act, one.actor, one.note) for one in done[1:]] == [
        ("claim", "api:Cases", ""),
        ("not_now", "api:Cases", "next week"),
    ]


async def test_an_error_never_says_again_what_was_sent(desk: DeskApp) -> None:
    add_referrals(desk.database, "ACDE-3467")
    cases = await api_client(desk)
    steps = "/api/v1/referrals/ACDE-3467/steps"
    for body in (
        {"act": SECRET},
        {"act": "claim", SECRET: 1},
        {"act": "claim", "note": SECRET * 100},
        {"act": "claim", "until": SECRET},
        {"act": "not_now", "until": "0001-01-01T00:00:00+14:00"},
        {"act": "not_now", "until": "9999-12-31T23:59:59-14:00"},
        {"act": "not_now", "until": "2026-11-25T00:00:00"},
        [SECRET],
        SECRET,
    ):
        answer = await cases.post(steps, json=body)
        assert answer.status_code == 422
        assert SECRET not in answer.text
        assert answer.json()["code"] == "wrong"
    raw = await cases.post(steps, content=b'{"act": "\xff ' + SECRET.encode())
    assert (raw.status_code, SECRET in raw.text) == (422, False)
    asked = {
        "cursor": SECRET[:40],
        "queue": SECRET,
        "stage": SECRET,
        "limit": SECRET,
        "since": SECRET,
    }
    for name, value in asked.items():
        answer = await cases.get("/api/v1/referrals", params={name: value})
        assert (answer.status_code, answer.json()["fields"]) == (422, [name])
        assert SECRET[:40] not in answer.text
    for path in (f"referrals/{SECRET}", f"{SECRET}", "referrals/%00%00%00%00-0000"):
        answer = await cases.get(f"/api/v1/{path}")
        assert answer.status_code in (404, 422)
        assert SECRET[:20] not in answer.text


async def test_too_much_is_not_even_read(desk: DeskApp) -> None:
    cases = await api_client(desk)
    answer = await cases.post("/api/v1/referrals/ACDE-3467/steps", content=b"x" * (BODY_MAX + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_token_that_was_ended_stops_at_once(desk: DeskApp) -> None:
    cases = await api_client(desk)
    assert (await cases.get("/api/v1/health")).json()["key"] == "Cases"
    with desk.database.reading() as unit:
        (key,) = api_keys.list_api_keys(unit)
    assert key.last_used_at == START.replace(hour=0, minute=0, second=0, microsecond=0)
    with desk.database.unit(START) as unit:
        assert api_keys.revoke_api_key(unit, key.id) == "Cases"
        assert api_keys.revoke_api_key(unit, key.id) is None
    assert (await cases.get("/api/v1/health")).status_code == 401


async def test_one_token_cannot_ask_for_ever_and_wrong_ones_hold_nobody_up(
    desk: DeskApp,
) -> None:
    cases = await api_client(desk)
    said = {
        (await cases.get("/api/v1/health", headers={"Authorization": "x"})).status_code
        for _ in range(25)
    }
    assert said == {401, 429}
    assert len([one for one in logbook_entries(desk) if one.refused]) == 20
    codes = [(await cases.get("/api/v1/health")).status_code for _ in range(121)]
    assert codes == [200] * 120 + [429]
    answer = await cases.get("/api/v1/health")
    assert (answer.headers["retry-after"], answer.json()["code"]) == ("60", "often")


async def test_the_description_says_all_and_asks_nobody_else(desk: DeskApp) -> None:
    told = (await (await api_client(desk)).get("/api/v1/openapi.json")).json()
    for path in told["paths"].values():
        for one in path.values():
            assert one["description"]
            assert {"401", "429"} <= one["responses"].keys()
    step = told["paths"]["/referrals/{reference}/steps"]["post"]["responses"]
    assert {"201", "401", "403", "404", "409", "422", "429"} == step.keys()
    assert list(step["422"]["content"]) == ["application/problem+json"]


async def test_an_administrator_makes_and_ends_tokens(desk: DeskApp) -> None:
    ada = await desk.signed_in("administrator", "ada")
    path = "/desk/api-keys"
    wrong = await ada.submit_form(path, path, name="")
    assert wrong.status_code == 422
    made = await ada.submit_form(path, path, name="Cases", read_queue="yes")
    token = made.text.split('<code class="rj-code">')[1].split("<")[0]
    assert token not in (await ada.get(path)).text, "it is shown once"
    cases = await api_client(desk, token=token)
    assert (await cases.get("/api/v1/health")).json()["scopes"] == ["read:queue"]
    assert (await ada.submit_form(path, path, name="Cases", read_queue="yes")).status_code == 409
    with desk.database.reading() as unit:
        (key,) = api_keys.list_api_keys(unit)
    ended = await ada.submit_form(path, f"{path}/{key.id}/end")
    assert ended.status_code == 303
    assert (await cases.get("/api/v1/health")).status_code == 401
    assert [one.action for one in logbook_entries(desk) if one.actor == "ada"] == [
        "api_key_ended",
        "api_key_made",
    ]
    carys = await desk.signed_in("coordinator", "carys")
    assert (await carys.get(path)).status_code == 403


def test_nothing_that_can_be_sent_breaks_it(database: Database) -> None:
    """What schemathesis makes of the description, 25 requests of each kind."""
    add_referrals(database, "ACDE-3467", "ACDE-2222")
    running = build_app(database)
    running.runtime.limiter.allow = lambda *_: True  # type: ignore[method-assign]
    mine = {"Authorization": f"Bearer {token_for(database)}"}
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", running.pages(), headers=mine)
    tried: list[int] = []
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), "the description holds an operation that cannot be read"
        operation = found.ok()

        @settings(
            max_examples=25,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            answer = case.call_and_validate(headers=mine, excluded_checks=OUR_OWN_RULES)
            tried.append(answer.status_code)

        ask()
    assert len(tried) >= 100
    assert max(tried) < 500
