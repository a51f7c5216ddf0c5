"""No page of the desk, and no sweep, reads a whole table: what SQLite says of each statement."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, Index, event

from bot.pipeline.sweep import sweep
from storage.database import Database
from storage.web_tables import METADATA
from tests.harness.app import build_runtime
from tests.harness.desk_fixtures import DeskApp
from tests.support.referral_builders import add_sent_referral

GROWING = frozenset(
    (
        *("answer", "chat", "contact_change", "conversation", "inbox", "message", "outbox"),
        *("officer", "referral", "response_time", "screen_message", "browser_session", "step"),
    )
)
"""The tables that have a row for each chat or referral, or for what happened in one."""
PARTIAL = frozenset(
    str(index.name)
    for table in METADATA.sorted_tables
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
)
"""The indexes that hold only what is due."""
DUE_FIRST = (
    *("ix_conversation_sent_at", "ix_conversation_kept", "ix_conversation_last_input_at"),
    *("ix_chat_released_at", "ix_chat_handed_off_to", "ix_contact_change_decided_at"),
    *("ix_inbox_stage_ended_at", "ix_outbox_stage_ended_at", "ix_message_at"),
    *("ix_referral_lease_until", "ix_referral_stage_owner_alert_count", "ix_referral_to_index"),
    *("ix_referral_stage_closed_at", "ix_referral_recount_since", "ix_screen_message_at"),
)
"""The indexes by which the sweep finds what is due: each has it first."""
REFERENCE = "AAAA-CCCC"
Statement = tuple[str, Any]


@contextmanager
def recorded(*engines: Engine) -> Iterator[list[Statement]]:
    """Give the statements that are executed meanwhile, with their parameters."""
    seen: list[Statement] = []

    def record(_: object, __: object, text: str, values: Any, ___: object, many: bool) -> None:
        seen.append((text, values[0] if many else values))

    for engine in engines:
        event.listen(engine, "before_cursor_execute", record)
    try:
        yield seen
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", record)


def plans(database: Database, statements: list[Statement]) -> Iterator[str]:
    """Give how SQLite runs each statement, a step at a time."""
    with database.backend.reader.connect() as connection:
        for text, values in statements:
            if text.lstrip().startswith(("SELECT", "UPDATE", "DELETE")):
                steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)
                yield from (row[3] for row in steps)


def scans(database: Database, statements: list[Statement]) -> Iterator[tuple[str, str, str]]:
    """Give each growing table that is read from end to end, its index or "", the statement."""
    with database.backend.reader.connect() as connection:
        for text, values in statements:
            if not text.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "INSERT", "WITH")):
                continue
            names = dict.fromkeys(re.findall(r"\b(\w+) AS (\w+)\b", text))
            tables = {alias: table for table, alias in names}
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values):
                found = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", row[3])
                table = tables.get(found[1], found[1]) if found else ""
                if found and table in GROWING:
                    yield table, found[2] or "", text


@pytest.fixture
def engine() -> str:
    """Ask SQLite alone: PostgreSQL plans by what it counted, and so reads small tables whole."""
    return "sqlite"


def test_a_sweep_reads_only_what_is_due(database: Database) -> None:
    runtime = build_runtime(database)
    with recorded(database.backend.writer) as statements, database.unit() as unit:
        sweep(unit, runtime)
    assert len(statements) > 20
    whole = [one for one in scans(database, statements) if one[1] not in PARTIAL]
    assert whole == []
    used = " ".join(plans(database, statements))
    assert [name for name in DUE_FIRST if name not in used] == []


async def test_a_page_of_the_desk_reads_no_table_from_end_to_end(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(desk, REFERENCE)
    engines = (desk.database.backend.reader, desk.database.backend.writer)
    with recorded(*engines) as statements:
        for path in ("/desk/queue?view=all", f"/desk/r/{REFERENCE}", "/desk/numbers"):
            assert (await mira.get(path)).status_code == 200
        for typed in ("maya", "0417", "sam.reed@kent.example"):
            assert (await mira.post("/desk/search", q=typed)).status_code == 200
    assert len(statements) > 40
    whole = [one for one in scans(desk.database, statements) if not one[1]]
    assert whole == []


def test_a_statement_that_reads_a_whole_table_is_named(database: Database) -> None:
    text = "SELECT id FROM referral WHERE provider = ?"
    assert list(scans(database, [(text, ("kent",))])) == [("referral", "", text)]
    assert {"ix_chat_released_at", "ix_referral_to_index"} <= PARTIAL
    assert isinstance(next(iter(METADATA.tables["chat"].indexes)), Index)
