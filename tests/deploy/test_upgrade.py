"""An upgrade and the way back, with the real program and people in the middle of a conversation."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, column, func, inspect, literal_column, select, table

from bot.channels.telegram.receive import arrival_of
from bot.pipeline.respond import answer_batch
from storage import migrations
from storage.chats import inbox
from storage.chats.inbox import InboxStage
from storage.chats.outbox import OutboxStage
from storage.database import Database
from storage.tables import INBOX, OUTBOX
from storage.vault import Vault
from tests.harness.app import build_app
from tests.harness.installed_program import (
    InstalledProgram,
    go_through,
    told_reference,
    wait_for_text,
)
from tests.harness.programs.postgresql import POSTGRESQL, SQLITE, PostgresqlServer
from tests.support.happy_path import expected_answers, happy_path
from tests.telegram_server import TelegramServer

NEWEST, BEFORE = migrations.revisions()[-1], migrations.revisions()[-2]
WAY = happy_path()
Rows = dict[str, list[tuple[Any, ...]]]


@pytest.fixture
def url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database that has no table yet."""
    if engine == POSTGRESQL:
        server: PostgresqlServer = request.getfixturevalue("postgresql_server")
        return server.url(server.create())
    return f"sqlite:///{tmp_path / 'rj.db'}"


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param(SQLITE, marks=pytest.mark.slow),
        pytest.param(POSTGRESQL, marks=[pytest.mark.thorough, pytest.mark.postgresql]),
    ],
    indirect=True,
)
def test_nobody_notices_an_upgrade_and_the_way_back_keeps_every_answer(
    url: str, tmp_path: Path
) -> None:
    with TelegramServer() as server:
        machine = InstalledProgram(tmp_path, server, "polling", DATABASE_URL=url)
        amina, ben = server.person("Amina"), server.person("Ben")
        with machine.running("serve"):
            for person, steps in ((amina, 7), (ben, 3)):
                person.opens_link()
                go_through(person, WAY[:steps])
                wait_for_text(person, WAY[steps].shown)
                person.settled()
        # What the release before leaves behind: a reply that is not sent, words not answered.
        for person, steps in ((amina, 7), (ben, 3)):
            person.says(WAY[steps].say)
            store_pending(server, url, tmp_path, is_answered=person is amina)
        assert f"revision {BEFORE}." in machine.rj("migrate", "--back-to", BEFORE)
        assert waiting(url) == (1, 1)

        with machine.running("serve"):
            for person, steps in ((amina, 8), (ben, 4)):
                go_through(person, WAY[steps:])
            references = [told_reference(amina), told_reference(ben)]
        assert waiting(url) == (0, 0)
        assert sorted(one["reference"] for one in machine.rj_json("queue")) == sorted(references)

        upgraded = rows_at(url, NEWEST)
        assert f"revision {BEFORE}." in machine.rj("migrate", "--back-to", BEFORE)
        before = rows_at(url, BEFORE)
        assert before["answer"] == upgraded["answer"]
        assert len(before["referral"]) == len(references)
        assert {name: len(rows) for name, rows in before.items()} == {
            name: len(rows) for name, rows in upgraded.items() if name in before
        }
        assert f"revision {NEWEST}." in machine.rj("migrate")
        for reference in references:
            record = machine.rj_json("queue", "open", reference, "--as", "Priya")
            told = [(line["question"], line["value"]) for line in record["lines"]]
            assert told == expected_answers(WAY)


def store_pending(server: TelegramServer, url: str, home: Path, is_answered: bool) -> None:
    """Store what waits at Telegram as a stopped program would have: answered and not sent, or not.

    Telegram still has it, and gives it again to the program that is started next.
    """
    database = Database(url, Vault.open(home / "key.json", create=False))
    program = build_app(database, telegram_bot_token=server.token, telegram_api_url=server.api_url)
    with database.unit() as unit:
        arrivals = [arrival_of(server.pending[-1])]
        assert inbox.enqueue_arrivals(unit, "telegram", arrivals) == 1
    if is_answered:
        assert len(asyncio.run(answer_batch(program.runtime))) == 1
    database.close()


def waiting(url: str) -> tuple[int, int]:
    """Return how much waits in the inbox and in the outbox, at whatever revision they are."""
    database = Database(url)
    with database.transaction() as connection:

        def count(name: str, stage: str) -> int:
            rows = select(func.count()).select_from(table(name)).where(column("stage") == stage)
            return int(connection.execute(rows).scalar_one())

        found = count(INBOX.name, InboxStage.WAITING), count(OUTBOX.name, OutboxStage.WAITING)
    database.close()
    return found


def rows_at(url: str, revision: str) -> Rows:
    """Return every row of every table of a database that is at a revision."""
    database = Database(url)
    assert database.revision() == revision
    with database.transaction() as connection:

        def rows(name: str) -> list[tuple[Any, ...]]:
            every: Select[Any] = select(literal_column("*")).select_from(table(name))
            return sorted((tuple(row) for row in connection.execute(every)), key=repr)

        names = [one for one in inspect(connection).get_table_names() if one != "alembic_version"]
        found = {name: rows(name) for name in names}
    database.close()
    return found
