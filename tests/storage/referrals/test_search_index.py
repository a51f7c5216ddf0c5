"""The index of the search finds what opening each record found, and loses it with the record."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from flows.casework import Act
from flows.referral.search_terms import SearchTerm
from flows.vocabulary import Queue
from storage import retention
from storage.database import Database
from storage.referrals import acts, contact_changes, lifecycle, search_index
from storage.referrals.contact_changes import ProposedContactChange
from storage.referrals.rows import unseal_answer_pairs
from storage.tables import REFERRAL
from storage.unit import Unit
from storage.web_tables import SEARCH_SHARD
from tests.support.builders import DAY, NOW, answered_line, make_record

QUEUES = (Queue.ADULTS, Queue.CHECK)
FIRST, LAST = ("Amina", "Ann", "Élodie", "Jo", "Min"), ("Khan", "O'Neill", "Smith", "Straße", "")
TYPED = ("an", "mina", "min smith", "STRASSE", "o'neill", "jo", "0417", "900 417", "zz", "a n")


def add_referral(unit: Unit, n: int, name: str, number: str, queue: Queue = Queue.ADULTS) -> str:
    """Have a referral come in `n` seconds before now; return its reference."""
    lines = (answered_line("name", name), answered_line("number", number))
    record = replace(make_record(f"R{n:03}"), lines=lines, sent_at=NOW - n * DAY / 86_400)
    lifecycle.hand_over(unit, replace(record, queue=queue), None)
    return record.reference


def add_some(unit: Unit, number: int) -> None:
    """Have made-up referrals come in."""
    chance = random.Random(5)
    for n in range(number):
        name = f"{chance.choice(FIRST)} {chance.choice(LAST)}".strip()
        queue = Queue.YOUNG_PEOPLE if n % 5 == 0 else Queue.ADULTS
        add_referral(unit, n, name, f"+44770090041{n % 10}", queue)


def found(unit: Unit, typed: str) -> list[tuple[str, str]]:
    """Return what a search finds: references, and what matched."""
    matches = search_index.search(unit, SearchTerm(typed), QUEUES).matches
    return [(one.reference, one.matched) for one in matches]


def found_by_opening(unit: Unit, typed: str) -> list[tuple[str, str]]:
    """Return the same from each record of these queues, without the index."""
    term = SearchTerm(typed)
    query = select(REFERRAL).where(REFERRAL.c.queue.in_(QUEUES), REFERRAL.c.body.is_not(None))
    rows = unit.conn.execute(query.order_by(REFERRAL.c.sent_at.desc())).all()
    matched = [(row.reference, term.match_in(unseal_answer_pairs(unit, row))) for row in rows]
    return [(reference, what) for reference, what in matched if what]


def no_index(unit: Unit) -> None:
    """Leave all to be opened, as after the migration."""


def half_an_index(unit: Unit) -> None:
    """Take some in, as a sweep does that had more to do."""
    assert search_index.index_new(unit, limit=20) == 20


def whole_index(unit: Unit) -> None:
    """Take all in."""
    while search_index.index_new(unit, limit=7):
        pass


@pytest.mark.parametrize("prepare", [no_index, half_an_index, whole_index])
def test_the_index_finds_what_opening_each_record_finds(
    unit: Unit, prepare: Callable[[Unit], None]
) -> None:
    add_some(unit, 45)
    prepare(unit)
    for typed in TYPED:
        assert found(unit, typed) == found_by_opening(unit, typed), typed
    assert len(found(unit, "an")) > 5


def test_what_comes_in_and_what_is_changed_is_found_at_once(unit: Unit) -> None:
    one = add_referral(unit, 1, "Amina Khan", "+447700900417")
    whole_index(unit)
    two = add_referral(unit, 2, "Amina Reed", "+447700900555")
    assert found(unit, "amina") == [(one, "name"), (two, "name")]
    acts.claim(unit, one, "ann")
    number = ProposedContactChange("number", "+447700900999", "07700 900999", "She rang")
    change = contact_changes.request_change(unit, one, number, "ann")
    contact_changes.decide_change(unit, one, change, True, "priya")
    for index in (no_index, whole_index):
        index(unit)
        assert (found(unit, "0417"), found(unit, "0999")) == ([], [(one, "number")])


def shard_texts(unit: Unit) -> str:
    """Return all that the index holds, unsealed."""
    rows = unit.conn.execute(select(SEARCH_SHARD)).all()
    return "\n".join(unit.unseal(f"search/{row.id}", row.body) for row in rows)


def test_what_is_erased_is_in_no_shard(unit: Unit) -> None:
    one = add_referral(unit, 1, "Amina Khan", "+447700900417")
    two = add_referral(unit, 2, "Beth Reed", "+447700900555")
    whole_index(unit)
    assert "amina khan" in shard_texts(unit)
    for act in (Act.CLAIM, Act.CLOSE, Act.ERASE):
        acts.perform_act(unit, one, act, "ann")
    assert (found(unit, "amina"), found(unit, "beth")) == ([], [(two, "name")])
    assert "amina" not in shard_texts(unit)
    assert search_index.index_new(unit) == 0, "what is erased is not taken in again"


def test_retention_takes_it_out_of_the_index(database: Database) -> None:
    with database.unit(NOW) as unit:
        one = add_referral(unit, 1, "Amina Khan", "+447700900417")
        whole_index(unit)
        lifecycle.open_record(unit, one, "ann")
        for act in (Act.CLAIM, Act.CLOSE):
            acts.perform_act(unit, one, act, "ann")
    with database.unit(NOW + 30 * DAY) as unit:
        assert retention.sweep(unit).referrals == 1
        assert unit.conn.scalar(select(func.count()).select_from(SEARCH_SHARD)) == 0


def test_a_damaged_shard_is_made_anew(unit: Unit) -> None:
    one = add_referral(unit, 1, "Amina Khan", "+447700900417")
    whole_index(unit)
    unit.conn.execute(update(SEARCH_SHARD).values(body=b"spoiled"))
    unit.conn.execute(update(REFERRAL).values(indexed_at=None))
    whole_index(unit)
    assert found(unit, "amina") == [(one, "name")]
    unit.conn.execute(update(SEARCH_SHARD).values(body=b"spoiled"))
    for act in (Act.CLAIM, Act.CLOSE, Act.ERASE):
        acts.perform_act(unit, one, act, "ann")
    assert found(unit, "amina") == []


def test_a_record_that_cannot_be_opened_keeps_no_other_from_the_index(unit: Unit) -> None:
    add_referral(unit, 1, "Amina Khan", "+447700900417")
    unit.conn.execute(update(REFERRAL).values(body=b"spoiled"))
    two = add_referral(unit, 2, "Amina Reed", "+447700900555")
    whole_index(unit)
    assert found(unit, "amina") == [(two, "name")]


def test_only_the_newest_are_found_and_that_is_said(
    unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "MAX_FOUND", 3)
    for n in range(4):
        add_referral(unit, n, "Amina", "+447700900417")
    whole_index(unit)
    result = search_index.search(unit, SearchTerm("amina"), QUEUES)
    assert [one.reference for one in result.matches] == ["R000", "R001", "R002"]
    assert result.truncated
    assert not search_index.search(unit, SearchTerm("zoe"), QUEUES).truncated
