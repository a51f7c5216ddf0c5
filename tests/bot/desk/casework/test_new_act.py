"""A new act of staff is one row and its words: the desk then knows it."""

from collections.abc import Iterator
from enum import StrEnum
from typing import cast

import pytest

from bot.proofreading.wording_keys import wording_keys
from flows import casework, content_files, wording
from flows.casework import HELD_STAGES, Act, ActForm, ActRule, ActTable, Contact, FollowUp
from tests.bot.desk.casework.test_acts import PAGE, entry, mira_with_referral, take_act
from tests.harness.desk_fixtures import DeskApp

pytest_plugins = ["tests.harness.desk_fixtures"]
WORDS = {
    "desk.acts.left_voicemail": "Left a voicemail",
    "desk.told_here.left_voicemail": "Noted: left a voicemail.",
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
    found = entry(desk)
    assert found.stage == "waiting"
    assert found.until is not None
