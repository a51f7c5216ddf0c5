"""A one-time link: good once, for a while, for one chat; guessed ones all meet the same answer."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from storage.chats import one_time_links
from storage.chats.one_time_links import LinkKind, LinkPayload
from storage.database import Database
from storage.web_tables import LINK
from tests.support.builders import NOW

ADDRESS = "4917000900417"
"""Too long to stand in a row of random characters by chance."""


def make(database: Database, kind: LinkKind = LinkKind.PRIVATE_PAGE, **more: object) -> str:
    with database.unit() as unit:
        body = {"lines": ["46/12345/26"]}
        return one_time_links.issue_link(
            unit,
            kind,
            "telegram",
            ADDRESS,
            15,
            body,
            **more,  # type: ignore[arg-type]
        )


def redeem(
    database: Database, code: str, minutes: int = 1, kind: LinkKind = LinkKind.PRIVATE_PAGE
) -> LinkPayload | None:
    with database.unit(NOW + timedelta(minutes=minutes)) as unit:
        return one_time_links.redeem_link(unit, kind, code)


def peek(database: Database, code: str, minutes: int = 1) -> bool:
    with database.reading(NOW + timedelta(minutes=minutes)) as unit:
        return one_time_links.is_link_valid(unit, LinkKind.PRIVATE_PAGE, code)


def test_a_link_works_once(database: Database) -> None:
    code = make(database)
    assert len(code) == 32
    assert peek(database, code)
    assert peek(database, code)
    assert redeem(database, code) == LinkPayload("telegram", ADDRESS, {"lines": ["46/12345/26"]})
    assert not peek(database, code)
    assert redeem(database, code) is None


def test_a_link_ends_after_its_minutes(database: Database) -> None:
    code = make(database)
    assert not peek(database, code, minutes=15)
    assert redeem(database, code, minutes=15) is None
    assert redeem(database, code, minutes=14) is not None


def test_a_link_is_good_for_one_thing_only(database: Database) -> None:
    code = make(database, kind=LinkKind.INTRODUCTION)
    assert redeem(database, code, kind=LinkKind.PRIVATE_PAGE) is None
    assert redeem(database, code, kind=LinkKind.INTRODUCTION) is not None


def test_a_code_may_be_the_callers_own(database: Database) -> None:
    assert make(database, code="ACDE-3467-FGHJ") == "ACDE-3467-FGHJ"
    assert redeem(database, "ACDE-3467-FGHJ") is not None


def test_neither_code_nor_address_is_kept_in_the_clear(database: Database) -> None:
    code = make(database)
    with database.unit() as unit:
        row = repr(tuple(unit.conn.execute(select(LINK)).one()))
    assert code not in row
    assert ADDRESS not in row
    assert "46/12345/26" not in row
    redeem(database, code)
    with database.unit() as unit:
        assert unit.conn.scalars(select(LINK.c.body)).all() == [None]


def test_a_thousand_wrong_codes_open_nothing(database: Database) -> None:
    used, expired, foreign = make(database), make(database), make(database)
    assert redeem(database, used) is not None
    wrong = [used, expired, foreign[:-1], foreign.swapcase(), "", "\0", "x" * 1_000_000]
    tried = [wrong[n % len(wrong)] if n % 2 else f"guess-{n}" for n in range(1000)]
    with database.unit() as unit:
        late = NOW + timedelta(minutes=20)
        opened = [
            one_time_links.redeem_link(replace(unit, now=late), LinkKind.PRIVATE_PAGE, code)
            for code in tried
        ]
    assert opened == [None] * 1000
    assert redeem(database, foreign) is not None


def test_eight_at_once_and_one_gets_in(database: Database) -> None:
    code, start = make(database), threading.Barrier(8)

    def run(_: int) -> LinkPayload | None:
        start.wait()
        return redeem(database, code)

    with ThreadPoolExecutor(8) as threads:
        assert sum(found is not None for found in threads.map(run, range(8))) == 1
