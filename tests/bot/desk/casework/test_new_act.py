"""A new act of staff is one row and its words: desk, API, report and command line then know it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import cast

import pytest
from typer.testing import CliRunner

from bot.__main__ import app
from bot.bootstrap import open_store
from bot.desk.reports import figures
from bot.pipeline.promises import opening_time
from bot.proofreading.wording_keys import wording_keys
from bot.settings import Settings, read_settings
from flows import casework, content_files, wording
from flows.casework import HELD_STAGES, Act, ActForm, ActRule, ActTable, Contact, FollowUp
from storage.referrals import lifecycle
from storage.reports import response_times, statistics
from tests.bot.desk.api.test_api import api_client
from tests.bot.desk.casework.test_acts import PAGE, acts_on, entry, mira_with_referral, take_act
from tests.harness.desk_fixtures import DeskApp
from tests.support.builders import make_record

pytest_plugins = ["tests.harness.desk_fixtures"]
WORDS = {
    "desk.acts.left_voicemail": "Left a voicemail",
    "desk.page_flash.left_voicemail": "Noted: left a voicemail.",
    "desk.numbers.times.first_left_voicemail": "First try: left a voicemail",
    "desk.numbers.came.left_voicemail": "Left a voicemail last",
}


class NewAct(StrEnum):
    """Stands for one more name in Act: no class can add to an enum that has members."""

    LEFT_VOICEMAIL = "left_voicemail"


LEFT_VOICEMAIL = ActRule(
    cast(Act, NewAct.LEFT_VOICEMAIL),
    HELD_STAGES,
    casework.ReferralStage.WAITING,
    form=ActForm.OUTCOME,
    follow_up=FollowUp.OPTIONAL,
    api=True,
    contact=Contact.TRIED,
    result=True,
)


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the new row in the table."""
    monkeypatch.setattr(casework, "ACTS", ActTable((*casework.ACTS.rules, LEFT_VOICEMAIL)))


@pytest.fixture
def new_act(row: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the new row in the table, and its words with the others."""
    for key, text in WORDS.items():
        *path, name = key.split(".")
        branch = content_files.load_language("en")
        for part in path:
            branch = branch[part]
        monkeypatch.setitem(branch, name, text)
    wording._lookup.cache_clear()
    yield
    monkeypatch.undo()
    wording._lookup.cache_clear()


def test_the_check_of_the_words_names_each_that_a_new_act_lacks(row: None) -> None:
    lacking = {key for key in wording_keys().required if not wording.has("en", key)}
    wording._lookup.cache_clear()
    assert lacking == WORDS.keys()


async def test_the_desk_offers_and_records_it(new_act: None, desk: DeskApp) -> None:
    mira = await mira_with_referral(desk)
    page = (await mira.get(PAGE)).text
    assert 'id="act-left_voicemail"' in page
    assert 'name="when_left_voicemail"' in page
    done = await take_act(
        *(mira, "left_voicemail"),
        note="Said who I am",
        when_left_voicemail="2026-03-09",
        part_left_voicemail="afternoon",
    )
    assert done.headers["location"] == f"{PAGE}?told=left_voicemail"
    page = (await mira.get(done.headers["location"])).text
    assert WORDS["desk.page_flash.left_voicemail"] in page
    assert page.count(WORDS["desk.acts.left_voicemail"]) >= 2, "in the form and on the timeline"
    found = entry(desk)
    assert (found.stage, found.owner) == ("waiting", "mira")
    assert found.until is not None
    assert acts_on(desk)[-1] == ("left_voicemail", "mira")
    assert "AAAA-CCCC" in (await mira.get("/desk/queue?view=snoozed")).text


async def test_another_system_records_it(new_act: None, desk: DeskApp) -> None:
    cases = await api_client(desk)
    desk.add_referral("AAAA-CCCC")
    steps = "/api/v1/referrals/AAAA-CCCC/steps"
    described = (await cases.get("/api/v1/openapi.json")).json()["components"]["schemas"]
    assert "left_voicemail" in described["StepRequest"]["properties"]["act"]["enum"]
    assert (await cases.post(steps, json={"act": "claim"})).status_code == 201
    done = await cases.post(steps, json={"act": "left_voicemail"})
    assert (done.status_code, done.json()["stage"]) == (201, "waiting")


async def test_the_report_counts_it(new_act: None, desk: DeskApp) -> None:
    mira = await mira_with_referral(desk)
    desk.clock.advance(minutes=5)
    await take_act(mira, "left_voicemail")
    since, until = desk.clock() - timedelta(days=9), desk.clock() + timedelta(days=1)
    with desk.database.unit() as unit:
        assert response_times.recount(unit, opening_time) == 1
        times = response_times.response_times(unit, since, until, desk.clock())
        results = statistics.counts_by_queue_and_outcome(unit, since, until)
    assert (times.first_tries["left_voicemail"].count, times.spoke.took.count) == (1, 0)
    assert results == {("adults", "left_voicemail"): 1}
    rows = [row[0] for row in figures.time_table(times).rows]
    assert WORDS["desk.numbers.times.first_left_voicemail"] in rows
    assert WORDS["desk.numbers.came.left_voicemail"] in figures.by_route(results).headings


def test_the_command_line_records_it(
    new_act: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    with open_store(read_settings()) as database, database.unit(datetime.now(UTC)) as unit:
        lifecycle.hand_over(unit, make_record("ACDE-3467"), None)

    def rj(*words: str) -> str:
        done = CliRunner().invoke(app, ["queue", *words, "--as", "Priya"])
        assert done.exit_code == 0, done.output
        return done.stdout

    rj("claim", "ACDE-3467")
    told = rj("step", "ACDE-3467", "left_voicemail")
    assert WORDS["desk.acts.left_voicemail"] in told
    assert wording.say("en", "desk.stages.waiting") in told
    steps = json.loads(rj("open", "ACDE-3467", "--json"))["steps"]
    assert steps[-2]["act"] == "left_voicemail"
