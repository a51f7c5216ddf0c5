"""The page of metrics: for whoever has the token, and with nothing of any person in it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event

from bot.monitoring.exposition import release
from bot.monitoring.figures import read_figures
from bot.monitoring.measurements import BOUNDS, DurationHistogram, LedWork
from bot.serve import Program
from bot.web import health
from flows.vocabulary import Queue
from storage.chats import inbox
from storage.chats.inbox import Arrival
from storage.database import Database
from storage.referrals import lifecycle
from storage.revisions import newest_revision
from storage.tables import CHAT, DAILY_COUNTER, INBOX, OUTBOX, REFERRAL
from storage.vault import Vault
from tests.harness.app import build_app, held_up
from tests.harness.clock import FakeClock
from tests.harness.pages_app import PagesApp, open_pages
from tests.support.builders import HOUR, make_record

TOKEN = "a-token-of-a-test"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PATIENCE = 30.0
DANGER = "he is outside with a knife"
Samples = dict[tuple[str, tuple[str, ...]], float]


@pytest.fixture
async def pages(database: Database, clock: FakeClock) -> AsyncIterator[PagesApp]:
    """Give the pages of a program that has a token for its metrics."""
    async with open_pages(build_app(database, metrics_token=TOKEN), clock) as made:
        yield made


async def read_samples(pages: PagesApp) -> Samples:
    """Return each sample by its name and its labels' values, in the order of their names."""
    page = await pages.browser().get("/metrics", headers=BEARER)
    assert page.status_code == httpx.codes.OK
    assert page.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = [one for family in text_string_to_metric_families(page.text) for one in family.samples]
    return {
        (one.name, tuple(one.labels[label] for label in sorted(one.labels))): one.value
        for one in found
    }


async def test_without_a_token_there_is_no_page(database: Database, clock: FakeClock) -> None:
    async with open_pages(build_app(database), clock) as pages:
        answer = await pages.browser().get("/metrics", headers=BEARER)
        assert answer.status_code == httpx.codes.NOT_FOUND


@pytest.mark.parametrize(
    "given", [None, TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer é"]
)
async def test_only_who_has_the_token_is_told(pages: PagesApp, given: str | None) -> None:
    headers = {b"Authorization": given.encode()} if given else {}
    answer = await pages.browser().get("/metrics", headers=headers)
    assert (answer.status_code, answer.text) == (httpx.codes.UNAUTHORIZED, "")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_it_says_which_release_runs_on_which_database(pages: PagesApp) -> None:
    samples = await read_samples(pages)
    assert samples["rj_build_info", (release(),)] == 1
    engine = pages.database.backend.reader.dialect
    version = ".".join(map(str, engine.server_version_info or ()))
    assert version
    assert samples["rj_database_info", (engine.name, newest_revision(), version)] == 1
    assert samples["rj_database_up", ()] == 1


async def test_an_answer_is_measured_by_how_long_it_took(pages: PagesApp) -> None:
    assert (await read_samples(pages))["rj_answer_seconds_count", ()] == 0
    await pages.browser().post("/start")
    samples = await read_samples(pages)
    assert samples["rj_answer_seconds_count", ()] == 1
    assert samples["rj_answer_seconds_bucket", ("+Inf",)] == 1
    assert samples["rj_answer_seconds_sum", ()] > 0


async def test_what_waited_is_measured_from_when_it_came(pages: PagesApp) -> None:
    async with held_up(pages.running):
        with pages.database.unit() as unit:
            body = {"chat": "a chat", "say": "hello", "language": "en", "message": None}
            inbox.enqueue_arrivals(unit, "web", [Arrival("1", "a chat", body)])
        pages.clock.advance(seconds=20)
        waits = await read_samples(pages)
        assert waits["rj_inbox_waiting", ()] == 1
        assert waits["rj_inbox_oldest_age_seconds", ()] == 20
    async with asyncio.timeout(PATIENCE):
        while (await read_samples(pages))["rj_inbox_waiting", ()]:
            pass
    samples = await read_samples(pages)
    assert samples["rj_answer_seconds_bucket", ("10.0",)] == 0
    assert samples["rj_answer_seconds_bucket", ("30.0",)] == 1
    assert samples["rj_batch_seconds_count", ()] == 1
    assert samples["rj_inbox_oldest_age_seconds", ()] == 0


async def test_a_promise_runs_out_and_is_late(pages: PagesApp) -> None:
    assert ("rj_promise_seconds", ("adults",)) not in await read_samples(pages)
    with pages.database.unit() as unit:
        lifecycle.hand_over(unit, make_record("AAAA-CCCC", pages.clock() + HOUR), None)
    assert (await read_samples(pages))["rj_promise_seconds", ("adults",)] == 3600
    pages.clock.advance(hours=2)
    samples = await read_samples(pages)
    assert samples["rj_promise_seconds", ("adults",)] == -3600
    assert samples["rj_promises_overdue", ("adults",)] == 1
    assert samples["rj_promises_overdue", ("check",)] == 0


async def test_danger_is_counted_once_and_without_its_kind(pages: PagesApp) -> None:
    browser = pages.browser()
    await browser.post("/start")
    page = await browser.get("/chat")
    csrf = page.text.split('name="csrf" value="')[1].split('"')[0]
    await browser.post("/chat", data={"csrf": csrf, "say": DANGER, "words": DANGER, "once": "1"})
    samples = await read_samples(pages)
    assert samples["rj_signposts_today", ()] == 1
    pages.clock.advance(days=1)
    assert (await read_samples(pages))["rj_signposts_today", ()] == 0


async def test_every_label_is_one_of_a_closed_set(pages: PagesApp) -> None:
    browser = pages.browser()
    await browser.post("/start")
    text = (await browser.get("/metrics", headers=BEARER)).text
    channels = {*pages.running.runtime.channels}
    allowed: dict[str, set[str]] = {
        "channel": {"", *channels},
        "queue": set(Queue),
        "work": set(LedWork),
        "le": {*map(str, BOUNDS), "+Inf"},
        "engine": {"sqlite", "postgresql"},
        "schema": {newest_revision()},
    }
    labels = {
        label
        for family in text_string_to_metric_families(text)
        for one in family.samples
        for label in one.labels.items()
    }
    assert {label for label, _ in labels} == {*allowed, "version"}
    assert [one for one in labels if one[0] != "version" and one[1] not in allowed[one[0]]] == []


async def test_a_database_without_time_is_said_and_the_process_still_tells(
    pages: PagesApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "DATABASE_TIMEOUT", 0.0)
    samples = await read_samples(pages)
    assert samples["rj_database_up", ()] == 0
    assert ("rj_answer_seconds_count", ()) in samples
    assert not [name for name, _ in samples if name.startswith(("rj_inbox", "rj_promise"))]


def test_a_histogram_counts_each_duration_up_to_its_bound() -> None:
    measured = DurationHistogram()
    for seconds, times in ((0.0, 1), (0.005, 1), (0.006, 2), (1000.0, 1)):
        measured.observe(seconds, times)
    assert measured.bins == [2, 2, *[0] * (len(BOUNDS) - 2), 1]
    assert measured.total == pytest.approx(1000.017)


async def test_what_a_process_does_alone_is_told_while_it_does_it(
    database: Database, clock: FakeClock
) -> None:
    program: Program = build_app(database, metrics_token=TOKEN)
    async with open_pages(program, clock) as pages:
        await pages.browser().get("/health")
        samples = await read_samples(pages)
        assert samples["rj_leads", ("web", "deliver")] == 1
        assert samples["rj_leads", ("", "sweep")] == 0
        with program.runtime.measurements.leading(LedWork.SWEEP):
            assert (await read_samples(pages))["rj_leads", ("", "sweep")] == 1
    assert program.runtime.measurements.leads == set()


def test_no_statement_reads_a_table_that_grows_from_end_to_end(
    file: Path, vault: Vault, clock: FakeClock
) -> None:
    database, asked = Database(f"sqlite:///{file}", vault, clock), list[tuple[str, Any]]()

    @event.listens_for(database.backend.reader, "before_cursor_execute")
    def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        asked.append((statement, parameters))

    with database.reading() as unit:
        read_figures(unit)
        selected = [(text, given) for text, given in asked if text.startswith("SELECT")]
        plans = [
            str(row.detail)
            for text, given in selected
            for row in unit.conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given)
        ]
    database.close()
    for table in (INBOX, OUTBOX, CHAT, REFERRAL, DAILY_COUNTER):
        used = [plan for plan in plans if f" {table.name} " in f"{plan} "]
        assert used and all("INDEX" in plan and plan.startswith("SEARCH") for plan in used)
