"""Nothing a person said or is called gets out: not in logs, alerts, counts or new messages."""

import asyncio
import inspect
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from bot import serve
from bot.channels.telegram import RawBot, TelegramChannel
from bot.channels.telegram import channel as telegram
from bot.pipeline import deliver, respond
from bot.pipeline import sweep as sweeping
from storage import retention
from storage.chats import conversations, inbox, message_ids, officers, outbox
from storage.database import Database
from storage.referrals import lifecycle
from storage.reports import daily_counters, missed_questions
from storage.tables import OUTBOX, TALLY
from storage.vault import Vault
from tests.harness.telegram_app import STAFF, Rig, goes, settings_for
from tests.support.happy_path import way
from tests.support.paths import ROOT
from tests.telegram_server import Person, TelegramServer

pytest_plugins = ("tests.harness.telegram_fixtures",)

DICE = Random(16)
PLACES = (
    "name",
    "email",
    "word",
    "note",
    "edit",
    "profile",
    "caption",
    "file",
    "leave",
    "command",
    "start",
    "button",
    "question",
    "answer",
    "officer",
    "agency",
    "reference",
    "contact",
    "group",
)
MARKS = {place: "".join(DICE.choices("bcdfghklmnprstvwz", k=16)).capitalize() for place in PLACES}
NUMBER = "07700 900417"
LINES = ("07700 900417", "07700900417", "+447700900417", "7700900417")
"""The number in the ways in which it could be written."""


def leaked(text: str, *, allowed: tuple[str, ...] = ()) -> list[str]:
    """Return where the marks in a text come from, the token among them."""
    low = text.lower()
    found = [place for place, mark in MARKS.items() if mark.lower() in low]
    found += ["number" for line in LINES if line in text]
    found += ["token"] if "rehearsal-token" in text else []
    return [place for place in found if place not in allowed]


async def everything(person: Person, step: Callable[[], Awaitable[object]]) -> None:
    """Do all that people do, with a mark in each place where words can go."""

    async def says(*texts: str) -> None:
        for text in texts:
            person.says(text)
            await step()

    async def presses(*ids: str) -> None:
        for id in ids:
            if any(message.from_bot for message in person.screen):
                person.presses_id(id)
                await step()

    await says(f"/start {MARKS['start']}", MARKS["question"], f"/{MARKS['command']} x")
    await presses(MARKS["button"], "pass_on~1")
    await says("1", "1", "1", "1", "2", "1", MARKS["name"])
    named = person.says(MARKS["answer"])
    await step()
    person.edits(named, MARKS["edit"])
    await step()
    for kind in ("photo", "document", "voice"):
        person.sends(kind, caption=MARKS["caption"])
        await step()
    person._attach(
        {"document": {"file_id": "a", "file_unique_id": "b", "file_name": MARKS["file"]}}
    )
    person.sends_contact_of_somebody_else()
    await step()
    await says("email", f"{MARKS['email']}@example.org", "2", "1", "morning", "no")
    await says(MARKS["word"], "ashford", "yes", "4", "1", "1", MARKS["note"])
    await presses("show~1", "change~1")
    await says(f"I will kill myself {MARKS['answer']}", f"/leave {MARKS['leave']}", "carry on")
    await says("send", MARKS["question"], "withdraw", "yes", "/refer", *["1"] * 9)
    await says(MARKS["officer"], MARKS["agency"], f"{MARKS['contact']}@kent.example")
    await says(f"{MARKS['reference']}/12345/26", "send", f"/delete {MARKS['command']}")


async def once(rig: Rig) -> None:
    """Receive, answer, send and sweep, each as the program runs it: whatever stops it is logged."""
    for part in (rig.receive, rig.answer, rig.deliver, rig.deliver, rig.sweep):
        await _steadily_once(part)


async def _steadily_once(part: Callable[[], Awaitable[object]]) -> None:
    ended = asyncio.Event()

    async def act() -> None:
        try:
            await part()
        except Exception:
            asyncio.get_running_loop().call_soon(ended.set)
            raise
        ended.set()
        await asyncio.sleep(3600)

    task = asyncio.create_task(serve._steadily("part", act))
    await ended.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def told_to_staff(server: TelegramServer) -> str:
    """Return all that went to the staff chat."""
    calls = server.calls_of("sendMessage")
    return "\n".join(c.parameters["text"] for c in calls if c.parameters["chat_id"] == STAFF)


def counted(database: Database) -> str:
    """Return what is kept in the clear about counts and about what could not be sent."""
    with database.session() as session:
        connection = session.connection()
        rows = connection.execute(select(TALLY.c.what, TALLY.c.key)).all()
        whys = connection.scalars(select(OUTBOX.c.why)).all()
    return f"{rows}{whys}"


def check(rig: Rig, database: Database, logged: str) -> None:
    """See that no mark got where it does not belong."""
    assert leaked(logged) == []
    assert leaked(told_to_staff(rig.server)) == []
    assert leaked(counted(database)) == []
    assert leaked(rig.server.log_text("new", "toast")) == []


async def test_all_that_people_can_do_lets_nothing_out(
    rig: Rig, server: TelegramServer, database: Database, logged: Callable[[], str]
) -> None:
    person = server.person(MARKS["profile"], last_name=MARKS["profile"])
    group = server.group(MARKS["group"])
    group.adds_the_bot(person)
    await goes(rig, server.person("Tom"), way(MARKS["name"], NUMBER))
    await everything(person, lambda: rig.settle())
    server.clock.advance(hours=100)
    await rig.sweep()
    await rig.settle()
    assert rig.inbox("set_aside") == 0
    assert "new request" in told_to_staff(server).lower()
    assert set(leaked(sent_on(rig, database))) >= {"name", "number", "email", "word", "note"}
    check(rig, database, logged())


def sent_on(rig: Rig, database: Database) -> str:
    """Return all that staff can read in their queue: there the words belong."""
    vault, now = rig.running.vault, rig.now()
    with database.session() as session:
        entries = lifecycle.queue(session, vault, now, include_closed=True)
    with database.transaction() as connection:
        return "".join(
            str(lifecycle.open_record(connection, vault, entry.reference, "Priya", now))
            for entry in entries
        )


INNER: tuple[tuple[Any, str], ...] = (
    (telegram, "translate"),
    (respond, "_answer"),
    (respond, "take_turn"),
    (respond, "_put_in_line"),
    (respond, "_carry_out"),
    (respond, "alert"),
    (respond, "_failed"),
    (respond, "_set_aside"),
    (inbox, "keep"),
    (inbox, "waiting"),
    (inbox, "done"),
    (inbox, "failed"),
    (inbox, "set_aside"),
    (conversations, "recall"),
    (conversations, "remember"),
    (officers, "redeem"),
    (officers, "remember_officer"),
    (message_ids, "note_message"),
    (message_ids, "messages_in"),
    (message_ids, "messages_older_than"),
    (missed_questions, "keep"),
    (outbox, "put"),
    (outbox, "ready"),
    (outbox, "sent"),
    (outbox, "later"),
    (outbox, "give_up"),
    (lifecycle, "hand_over"),
    (lifecycle, "stop_contact"),
    (lifecycle, "raise_flag"),
    (lifecycle, "return_unworked"),
    (retention, "sweep"),
    (sweeping, "_tidy_chats"),
    (daily_counters, "add"),
    (Vault, "seal"),
    (Vault, "unseal"),
    (Vault, "fingerprint"),
    (deliver.Delivery, "_send"),
    (deliver.Delivery, "_note"),
    (deliver.Delivery, "_deletable"),
    (TelegramChannel, "send"),
    (TelegramChannel, "_say"),
    (TelegramChannel, "_acknowledge"),
    (TelegramChannel, "_delete"),
    (RawBot, "raw_updates"),
    (RawBot, "send_message"),
    (RawBot, "edit_message_text"),
    (RawBot, "answer_callback_query"),
    (RawBot, "delete_messages"),
)


@pytest.mark.parametrize(("owner", "name"), INNER, ids=lambda one: getattr(one, "__name__", one))
async def test_whatever_fails_inside_says_nothing_outside(
    rig: Rig,
    server: TelegramServer,
    database: Database,
    logged: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
) -> None:
    words = " ".join((*MARKS.values(), NUMBER, server.token))
    act, calls, steps = getattr(owner, name), count(), count()

    def fails(*given: Any, **named: Any) -> Any:
        if next(calls) % 2:
            raise ValueError(words)
        return act(*given, **named)

    async def fails_later(*given: Any, **named: Any) -> Any:
        return await fails(*given, **named)

    async def now_and_then() -> None:
        if next(steps) % 8 == 0:
            await once(rig)

    monkeypatch.setattr(serve, "IDLE", 0.0)
    person = server.person(MARKS["profile"])
    later = inspect.iscoroutinefunction(act)
    monkeypatch.setattr(owner, name, fails_later if later else fails)
    await everything(person, now_and_then)
    for _ in range(3):
        server.clock.advance(minutes=2)
        await once(rig)
    monkeypatch.setattr(owner, name, act)
    check(rig, database, logged())


async def test_a_refused_token_is_not_repeated(server: TelegramServer, tmp_path: Path) -> None:
    server.fail_next("getMe", 401, times=None, description="Unauthorized")
    told = settings_for(server)
    Vault.open(tmp_path / "key.json", create=True)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "bot", "bot"],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "TELEGRAM_BOT_TOKEN": server.token,
            "TELEGRAM_API_URL": told.telegram_api_url,
            "DATABASE_URL": f"sqlite:///{tmp_path / 'rj.db'}",
            "VAULT_KEY_FILE": str(tmp_path / "key.json"),
            "LOG_LEVEL": "DEBUG",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert leaked(done.stdout + done.stderr) == []
    assert "Traceback" not in done.stderr
    assert "TELEGRAM_BOT_TOKEN" in done.stderr, "it says which setting to look at"
