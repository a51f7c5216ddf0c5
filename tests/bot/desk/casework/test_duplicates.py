"""Referrals of the same person are found by staff; nobody else can tell a second from a first."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, select

from bot.desk.casework.duplicates import duplicate_references, duplicates_for
from bot.web.templates import render_template
from flows.casework import Act
from flows.record import Record
from flows.referral.match_keys import match_keys_of
from flows.vocabulary import Queue
from storage.database import Database
from storage.referrals import acts, lifecycle
from storage.referrals.duplicates import PossibleDuplicate
from storage.tables import REFERRAL
from storage.unit import Unit
from storage.vault import Vault
from storage.web_tables import MATCH_KEY
from tests.story_runner.flow_player import FlowPlayer
from tests.story_runner.player import Store
from tests.support.builders import NOW, answered_line, make_record
from tests.support.cast import MAYA, TOM, Persona

QUEUES = ("adults", "young_people")


def record_with(reference: str, **answers: str) -> Record:
    """Return a record in which these questions were answered."""
    line = answered_line("name", "")
    lines = tuple(replace(line, question=key, value=value) for key, value in answers.items())
    return replace(make_record(reference), lines=lines)


def hand_over(database: Database, *records: Record) -> None:
    """Have records handed over."""
    with database.unit(NOW) as unit:
        for record in records:
            assert lifecycle.hand_over(unit, record, None)


def duplicates_of(
    database: Database, reference: str, role: str = "coordinator"
) -> dict[str, tuple[str, ...]]:
    """Return the references that staff see as alike, and in what."""
    with database.reading() as unit:
        standing = lifecycle.referral_status(unit, reference)
        assert standing is not None
        return {
            one.reference: one.matching_kinds for one in duplicates_for(unit, role, standing.id)
        }


def test_what_gives_a_match_key_and_in_which_form() -> None:
    record = record_with(
        "ACDE-3467",
        number="+447700900417",
        email="Maya@EXAMPLE.com",
        line="46/12345-26",
        name="Dr. Zoë  O'Neil",
        birth_year="1990",
    )
    assert dict(match_keys_of(record)) == {
        "phone": "+447700900417",
        "email": "maya@example.com",
        "reference": "461234526",
        "name": "zoeoneil/1990",
    }


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"name": "Maya"},
        {"name": "Maya", "birth_year": "soon"},
        {"name": "Dr", "birth_year": "1990"},
        {"number": "not a number"},
        {"number": "\x00\ud800" * 9},
        {"line": "1/2"},
        {"officer_contact": "+447700900101", "officer_name": "PC Sam Reed"},
    ],
)
def test_what_gives_no_match_key(answers: dict[str, str]) -> None:
    assert match_keys_of(record_with("ACDE-3467", **answers)) == ()


def test_what_was_not_answered_gives_no_match_key() -> None:
    record = record_with("ACDE-3467", number="+447700900417")
    skipped = tuple(replace(line, status="skipped") for line in record.lines)
    assert match_keys_of(replace(record, lines=skipped)) == ()


REFERENCES = ("ACDE-3467", "ACDE-3468", "ACDE-3469")


def test_duplicates_by_number_and_reference(database: Database) -> None:
    hand_over(
        database,
        record_with("ACDE-3467", number="+447700900417", line="46/12345/26"),
        record_with("ACDE-3468", victim_contact="07700 900417", line="46-12345-26"),
        record_with("ACDE-3469", number="+447700900733"),
    )
    assert duplicates_of(database, "ACDE-3467") == {"ACDE-3468": ("phone", "reference")}
    assert duplicates_of(database, "ACDE-3469") == {}
    with database.reading() as unit:
        assert duplicate_references(unit, "mediator", REFERENCES) == {"ACDE-3467", "ACDE-3468"}
        assert duplicate_references(unit, "mediator", REFERENCES[:1]) == {"ACDE-3467"}
        assert duplicate_references(unit, "mediator", []) == frozenset()


def test_nobody_learns_of_a_queue_that_is_not_theirs(database: Database) -> None:
    hand_over(
        database,
        record_with("ACDE-3467", number="+447700900417"),
        replace(record_with("ACDE-3468", number="+447700900417"), queue=Queue.YOUNG_PEOPLE),
    )
    assert duplicates_of(database, "ACDE-3467", "mediator") == {}
    assert duplicates_of(database, "ACDE-3467", "coordinator") == {"ACDE-3468": ("phone",)}
    with database.reading() as unit:
        assert duplicate_references(unit, "mediator", REFERENCES) == frozenset()
        assert duplicate_references(unit, "administrator", REFERENCES) == frozenset()
        assert duplicate_references(unit, "coordinator", REFERENCES) == {"ACDE-3467", "ACDE-3468"}


def test_only_keyed_hashes_are_kept_and_erasing_deletes_them(database: Database) -> None:
    hand_over(database, record_with("ACDE-3467", number="+447700900417"))
    with database.unit(NOW) as unit:
        (row,) = unit.conn.execute(select(MATCH_KEY)).all()
        assert "7700900417" not in row.fingerprint
        lifecycle.stop_contact(unit, "ACDE-3467", Act.WITHDRAW)
        acts.erase(unit, "ACDE-3467", "mira")
        assert unit.conn.execute(select(MATCH_KEY)).all() == []


def test_another_installation_has_other_hashes(database: Database, tmp_path: Path) -> None:
    other = Vault.open(tmp_path / "other.json", create=True)
    hand_over(database, record_with("ACDE-3467", number="+447700900417"))
    with database.unit() as unit:
        second = record_with("ACDE-3468", number="+447700900417")
        lifecycle.hand_over(replace(unit, vault=other), second, None)
    assert duplicates_of(database, "ACDE-3467") == {}


@contextmanager
def statements(unit: Unit) -> Iterator[list[str]]:
    """Give the list of what is executed inside."""
    seen: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        seen.append(statement)

    event.listen(unit.conn, "before_cursor_execute", note)
    yield seen
    event.remove(unit.conn, "before_cursor_execute", note)


def test_a_second_referral_is_the_same_work_as_a_first(database: Database) -> None:
    seen = []
    for reference in ("ACDE-3467", "ACDE-3468"):
        with database.unit(NOW) as unit, statements(unit) as done:
            lifecycle.hand_over(unit, record_with(reference, number="+447700900417"), None)
        seen.append(done)
    assert seen[0] == seen[1]


ASK_LABELS = ("Talk to a person", "Ask us to call you", "Rather not say")
SEND_LABELS = ("Leave no message", "Send to the service")


async def replies_to(player: FlowPlayer, who: Persona) -> list[str]:
    """Have somebody ask for a call on Maya's number; return all they saw, but the reference."""
    player.says(who, "/start")
    await player.settle()
    for label in ASK_LABELS:
        player.presses(who, label)
        await player.settle()
    player.says(who, "07700 900417")
    await player.settle()
    for label in SEND_LABELS:
        player.presses(who, label)
        await player.settle()
    return [re.sub(r"[A-Z0-9]{4}-[A-Z0-9]{4}", "", one.text) for one in player.take_events(who)]


async def test_nobody_is_told_of_a_second_referral(file: Path) -> None:
    player = FlowPlayer(Store(f"sqlite:///{file}", file.with_suffix(".key")))
    await player.open()
    first, second = await replies_to(player, MAYA), await replies_to(player, TOM)
    with player.database.reading() as unit:
        references = list(unit.conn.scalars(select(REFERRAL.c.reference)))
        alike = duplicate_references(unit, "mediator", references)
    await player.close()
    assert first == second
    assert len(references) == 2
    assert alike == set(references)


def test_what_staff_see_names_the_other_and_what_is_the_same() -> None:
    found = [PossibleDuplicate("ACDE-3468", "adults", "claimed", "omar", ("phone", "name"))]
    page = render_template("desk/duplicates.html", {"duplicates": found})
    assert "ACDE-3468" in page
    assert "the same number, the same name and year of birth" in " ".join(page.split())
    assert "with omar" in page
    assert render_template("desk/duplicates.html", {"duplicates": []}).strip() == ""
