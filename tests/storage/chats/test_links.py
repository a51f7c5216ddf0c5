"""A one-time link: good once, for a while, for one chat; guessed ones all meet the same answer."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import select

from storage.chats import one_time_links
from storage.chats.one_time_links import LinkPayload
from storage.database import Database
from storage.vault import Vault
from storage.web_tables import LINK
from tests.support.builders import NOW


def make(database: Database, vault: Vault, kind: str = "quiet", **more: object) -> str:
    with database.transaction() as conn:
        body = {"lines": ["46/12345/26"]}
        return one_time_links.issue_link(
            conn,
            vault,
            kind,
            "telegram",
            "417",
            NOW,
            15,
            body,
            **more,  # type: ignore[arg-type]
        )


def redeem(
    database: Database, vault: Vault, code: str, minutes: int = 1, kind: str = "quiet"
) -> LinkPayload | None:
    with database.transaction() as conn:
        return one_time_links.redeem_link(conn, vault, kind, code, NOW + timedelta(minutes=minutes))


def peek(database: Database, vault: Vault, code: str, minutes: int = 1) -> bool:
    with database.session() as session:
        return one_time_links.is_link_valid(
            session, vault, "quiet", code, NOW + timedelta(minutes=minutes)
        )


def test_a_link_works_once(database: Database, vault: Vault) -> None:
    code = make(database, vault)
    assert len(code) == 32
    assert peek(database, vault, code)
    assert peek(database, vault, code)
    assert redeem(database, vault, code) == LinkPayload(
        "telegram", "417", {"lines": ["46/12345/26"]}
    )
    assert not peek(database, vault, code)
    assert redeem(database, vault, code) is None


def test_a_link_ends_after_its_minutes(database: Database, vault: Vault) -> None:
    code = make(database, vault)
    assert not peek(database, vault, code, minutes=15)
    assert redeem(database, vault, code, minutes=15) is None
    assert redeem(database, vault, code, minutes=14) is not None


def test_a_link_is_good_for_one_thing_only(database: Database, vault: Vault) -> None:
    code = make(database, vault, kind="two_key")
    assert redeem(database, vault, code, kind="quiet") is None
    assert redeem(database, vault, code, kind="two_key") is not None


def test_a_code_may_be_the_callers_own(database: Database, vault: Vault) -> None:
    assert make(database, vault, code="ACDE-3467-FGHJ") == "ACDE-3467-FGHJ"
    assert redeem(database, vault, "ACDE-3467-FGHJ") is not None


def test_neither_code_nor_address_is_kept_in_the_clear(database: Database, vault: Vault) -> None:
    code = make(database, vault)
    with database.transaction() as conn:
        row = repr(tuple(conn.execute(select(LINK)).one()))
    assert code not in row
    assert "417" not in row
    assert "46/12345/26" not in row
    redeem(database, vault, code)
    with database.transaction() as conn:
        assert conn.scalars(select(LINK.c.body)).all() == [None]


def test_a_thousand_wrong_codes_open_nothing(database: Database, vault: Vault) -> None:
    used, expired, foreign = make(database, vault), make(database, vault), make(database, vault)
    assert redeem(database, vault, used) is not None
    wrong = [used, expired, foreign[:-1], foreign.swapcase(), "", "\0", "x" * 1_000_000]
    tried = [wrong[n % len(wrong)] if n % 2 else f"guess-{n}" for n in range(1000)]
    with database.transaction() as conn:
        late = NOW + timedelta(minutes=20)
        opened = [one_time_links.redeem_link(conn, vault, "quiet", code, late) for code in tried]
    assert opened == [None] * 1000
    assert redeem(database, vault, foreign) is not None


def test_eight_at_once_and_one_gets_in(database: Database, vault: Vault) -> None:
    code, start = make(database, vault), threading.Barrier(8)

    def run(_: int) -> LinkPayload | None:
        start.wait()
        return redeem(database, vault, code)

    with ThreadPoolExecutor(8) as threads:
        assert sum(found is not None for found in threads.map(run, range(8))) == 1
