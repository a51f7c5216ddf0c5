"""What a turn costs, counted: statements, transactions, seals and calls, which no machine changes.

One person alone pays for every look at the database; a hundred at once share nearly
all of them. tests/bench measures what that comes to in time.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import event

from bot.channels.telegram import TelegramChannel
from storage.database import Database
from storage.reports import daily_counters
from storage.vault import Vault
from tests.harness.telegram_app import TelegramApp
from tests.support.happy_path import SEND, PathStep, happy_path
from tests.telegram_server import TelegramServer, TelegramUser


@dataclass
class Costs:
    """What was counted since it was last taken."""

    statements: list[str] = field(default_factory=list)
    written: int = 0
    seals: int = 0
    unseals: int = 0

    def take(self) -> "Costs":
        """Return what was counted, and begin anew."""
        taken = replace(self, statements=[*self.statements])
        self.statements.clear()
        self.written = self.seals = self.unseals = 0
        return taken


@pytest.fixture
def costs(rig: TelegramApp, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Costs]:
    """Count what the database and the vault are asked to do; no limit on what is sent."""
    counted, begun = Costs(), 0
    seal, unseal = Vault.seal, Vault.unseal

    def on_statement(*told: object) -> None:
        statement = str(told[2])
        if not statement.startswith("BEGIN"):
            counted.statements.append(statement)

    def on_begin(_: object) -> None:
        nonlocal begun
        begun = len(counted.statements)

    def on_commit(_: object) -> None:
        mine = counted.statements[begun:]
        counted.written += any(not one.startswith("SELECT") for one in mine)

    def count_seal(self: Vault, text: str, context: str) -> bytes:
        counted.seals += 1
        return seal(self, text, context)

    def count_unseal(self: Vault, sealed: bytes, context: str) -> str:
        counted.unseals += 1
        return unseal(self, sealed, context)

    monkeypatch.setattr(TelegramChannel, "rate_limited", False)
    monkeypatch.setattr(Vault, "seal", count_seal)
    monkeypatch.setattr(Vault, "unseal", count_unseal)
    for engine in (database.backend.writer, database.backend.reader):
        event.listen(engine, "before_cursor_execute", on_statement)
        event.listen(engine, "begin", on_begin)
        event.listen(engine, "commit", on_commit)
    yield counted


def take_step(person: TelegramUser, step: PathStep) -> None:
    assert person.last_from_bot.text.startswith(step.shown), person.shown()
    if step.press:
        person.presses(step.press)
    else:
        person.says(step.say)


async def answer(rig: TelegramApp) -> None:
    """Receive and send as the program does: again only while it knows that something waits."""
    await rig.receive()
    while (await rig.delivery.deliver_batch())[1] == 0.0:
        pass


@dataclass
class Turn:
    """What one step of `people` at the same time cost, each."""

    statements: float
    written: int
    seals: float
    unseals: float
    calls: float
    replies: float
    sent_bytes: float


async def play(
    rig: TelegramApp, server: TelegramServer, costs: Costs, people: int
) -> dict[str, Turn]:
    """Return what each step of the happy path costs when so many take it at once."""
    everybody = [server.person(f"P{n}") for n in range(people)]
    for person in everybody:
        person.says("/start")
    await answer(rig)
    turns: dict[str, Turn] = {}
    for step in happy_path():
        for person in everybody:
            take_step(person, step)
        costs.take()
        before = len(server.calls)
        await answer(rig)
        spent = costs.take()
        calls = [call for call in server.calls[before:] if call.method != "getUpdates"]
        turns[step.question or step.press] = Turn(
            len(spent.statements) / people,
            spent.written,
            spent.seals / people,
            spent.unseals / people,
            len(calls) / people,
            sum(call.method != "answerCallbackQuery" for call in calls) / people,
            sum(len(json.dumps(call.parameters)) for call in calls) / people,
        )
    return turns


def test_nothing_is_counted_when_nothing_is_done(costs: Costs, database: Database) -> None:
    assert costs.take() == Costs()
    with database.unit() as unit:
        daily_counters.increment_counter(unit, "tap", "")
        unit.seal("context", "text")
    assert (costs.written, len(costs.statements), costs.seals) == (1, 1, 1)


async def test_one_person_alone_costs_few_statements_and_two_transactions(
    rig: TelegramApp, server: TelegramServer, costs: Costs
) -> None:
    turns = await play(rig, server, costs, people=1)
    plain = [one for key, one in turns.items() if one.replies == 1 and key != SEND]
    assert len(plain) >= len(happy_path()) - 2
    assert max(one.statements for one in plain) <= 10
    assert max(one.written for one in plain) <= 2
    # A number takes its keyboard away in a message of its own; Send hands the referral over.
    assert max(one.statements for one in turns.values()) <= 15
    assert max(one.written for one in turns.values()) <= 3


async def test_of_a_hundred_each_costs_less_than_a_statement(
    rig: TelegramApp, server: TelegramServer, costs: Costs
) -> None:
    turns = await play(rig, server, costs, people=100)
    sent = turns.pop(SEND)
    assert max(one.statements for one in turns.values()) <= 1
    assert sent.statements <= 10
    assert max(one.written for one in (*turns.values(), sent)) <= 4


async def test_each_turn_seals_opens_calls_and_says_little(
    rig: TelegramApp, server: TelegramServer, costs: Costs
) -> None:
    for turn in (await play(rig, server, costs, people=1)).values():
        assert turn.seals <= 7
        assert turn.unseals <= 5
        assert turn.calls <= 3
        assert turn.sent_bytes <= 2_000
