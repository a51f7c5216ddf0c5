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
from bot.monitoring.figures import read_figures
from bot.pipeline import deliver, effects, respond
from bot.pipeline import sweep as sweeping
from storage import retention
from storage.chats import conversations, inbox, message_ids, officers, outbox
from storage.chats.inbox import InboxStage
from storage.database import Database
from storage.referrals import acts, lifecycle
from storage.reports import daily_counters, missed_questions
from storage.tables import DAILY_COUNTER, OUTBOX
from storage.vault import Vault
from tests.harness.telegram_app import STAFF_CHAT_ID, TelegramApp, follow_path
from tests.support.happy_path import happy_path
from tests.support.paths import ROOT
from tests.telegram_server import TelegramServer, TelegramUser

DICE = Random(16)
CANARY_PLACES = (
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
CANARIES = {
    place: "".join(DICE.choices("bcdfghklmnprstvwz", k=16)).capitalize() for place in CANARY_PLACES
}
NUMBER = "07700 900417"
NUMBER_FORMS = ("07700 900417", "07700900417", "+447700900417", "7700900417")
"""The number in the ways in which it could be written."""


def leaked(text: str, *, allowed: tuple[str, ...] = ()) -> list[str]:
    """Return where the marks in a text come from, the token among them."""
    low = text.lower()
    found = [place for place, mark in CANARIES.items() if mark.lower() in low]
    found += ["number" for line in NUMBER_FORMS if line in text]
    found += ["token"] if "rehearsal-token" in text else []
    return [place for place in found if place not in allowed]


async def exercise_everything(person: TelegramUser, step: Callable[[], Awaitable[object]]) -> None:
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

    await says(f"/start {CANARIES['start']}", CANARIES["question"], f"/{CANARIES['command']} x")
    await presses(CANARIES["button"], "pass_on~1")
    await says("1", "1", "1", "1", "2", "1", CANARIES["name"])
    named = person.says(CANARIES["answer"])
    await step()
    person.edits(named, CANARIES["edit"])
    await step()
    for kind in ("photo", "document", "voice"):
        person.sends(kind, caption=CANARIES["caption"])
        await step()
    person._attach(
        {"document": {"file_id": "a", "file_unique_id": "b", "file_name": CANARIES["file"]}}
    )
    person.sends_contact_of_somebody_else()
    await step()
    await says("email", f"{CANARIES['email']}@example.org", "2", "1", "morning", "no")
    await says(CANARIES["word"], "ashford", "yes", "4", "1", "1", CANARIES["note"])
    await presses("show~1", "change~1")
    await says(
        f"I will kill myself {CANARIES['answer']}", f"/leave {CANARIES['leave']}", "carry on"
    )
    await says("send", CANARIES["question"], "withdraw", "yes", "/refer", *["1"] * 9)
    await says(CANARIES["officer"], CANARIES["agency"], f"{CANARIES['contact']}@kent.example")
    await says(f"{CANARIES['reference']}/12345/26", "send", f"/delete {CANARIES['command']}")


async def run_once(rig: TelegramApp) -> None:
    """Receive, answer, send and sweep, each as the program runs it: whatever stops it is logged."""
    for part in (rig.receive, rig.respond, rig.deliver, rig.deliver, rig.sweep):
        await _run_steadily_once(part)


async def _run_steadily_once(part: Callable[[], Awaitable[object]]) -> None:
    ended = asyncio.Event()

    async def act() -> None:
        try:
            await part()
        except Exception:
            asyncio.get_running_loop().call_soon(ended.set)
            raise
        ended.set()
        await asyncio.sleep(3600)

    task = asyncio.create_task(serve._supervise("part", act))
    await ended.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def staff_messages(server: TelegramServer) -> str:
    """Return all that went to the staff chat."""
    calls = server.calls_of("sendMessage")
    return "\n".join(
        c.parameters["text"] for c in calls if c.parameters["chat_id"] == STAFF_CHAT_ID
    )


def clear_text_counters(database: Database) -> str:
    """Return what is told in the clear: counts, figures, and why something could not be sent."""
    with database.reading() as unit:
        connection = unit.conn
        rows = connection.execute(select(DAILY_COUNTER.c.event, DAILY_COUNTER.c.key)).all()
        whys = connection.scalars(select(OUTBOX.c.reason)).all()
        figures = read_figures(unit)
    return f"{rows}{whys}{figures}"


def assert_no_leaks(rig: TelegramApp, database: Database, logged: str) -> None:
    """See that no mark got where it does not belong."""
    assert leaked(logged) == []
    assert leaked(staff_messages(rig.server)) == []
    assert leaked(clear_text_counters(database)) == []
    assert leaked(rig.server.log_text("new", "toast")) == []


async def test_all_that_people_can_do_lets_nothing_out(
    rig: TelegramApp, server: TelegramServer, database: Database, logged: Callable[[], str]
) -> None:
    person = server.person(CANARIES["profile"], last_name=CANARIES["profile"])
    group = server.group(CANARIES["group"])
    group.adds_the_bot(person)
    await follow_path(rig, server.person("Tom"), happy_path(CANARIES["name"], NUMBER))
    await exercise_everything(person, lambda: rig.settle())
    server.clock.advance(hours=100)
    await rig.sweep()
    await rig.settle()
    assert rig.inbox_count(InboxStage.SET_ASIDE) == 0
    assert "new request" in staff_messages(server).lower()
    assert set(leaked(handed_over_text(rig, database))) >= {
        "name",
        "number",
        "email",
        "word",
        "note",
    }
    assert_no_leaks(rig, database, logged())


def handed_over_text(rig: TelegramApp, database: Database) -> str:
    """Return all that staff can read in their queue: there the words belong."""
    now = rig.now()
    with database.reading(now) as unit:
        entries = lifecycle.list_queue(unit, include_closed=True)
    with database.unit(now) as unit:
        return "".join(
            str(lifecycle.open_record(unit, entry.reference, "Priya")) for entry in entries
        )


FAILING_FUNCTIONS: tuple[tuple[Any, str], ...] = (
    (telegram, "translate"),
    (respond, "_handle_inbound"),
    (respond, "take_turn"),
    (respond, "_enqueue_turn"),
    (respond, "apply_effect"),
    (effects, "alert"),
    (conversations, "read_ahead"),
    (respond, "_record_failure"),
    (inbox, "store_answered"),
    (inbox, "enqueue_arrivals"),
    (inbox, "due_inbox_items"),
    (inbox, "mark_answered"),
    (inbox, "record_failure"),
    (inbox, "set_aside"),
    (conversations, "load_conversation"),
    (conversations, "save_conversation"),
    (officers, "redeem_officer_invitation"),
    (officers, "save_officer"),
    (message_ids, "add_message_id"),
    (message_ids, "message_ids_since"),
    (message_ids, "message_ids_before"),
    (missed_questions, "add_missed_question"),
    (outbox, "enqueue"),
    (outbox, "due_outbox_items"),
    (outbox, "mark_sent"),
    (outbox, "schedule_retry"),
    (outbox, "give_up"),
    (lifecycle, "hand_over"),
    (lifecycle, "stop_contact"),
    (lifecycle, "raise_flag"),
    (acts, "release_expired_leases"),
    (retention, "sweep"),
    (sweeping, "_delete_old_messages"),
    (daily_counters, "increment_counter"),
    (Vault, "seal"),
    (Vault, "unseal"),
    (Vault, "fingerprint"),
    (deliver.Delivery, "_send"),
    (deliver.Delivery, "_record_outcomes"),
    (TelegramChannel, "send"),
    (TelegramChannel, "_say"),
    (TelegramChannel, "_acknowledge"),
    (TelegramChannel, "_delete"),
    (RawBot, "raw_updates"),
    (RawBot, "call"),
    (RawBot, "send_message"),
    (RawBot, "delete_messages"),
)


@pytest.mark.parametrize(
    ("owner", "name"), FAILING_FUNCTIONS, ids=lambda one: getattr(one, "__name__", one)
)
async def test_whatever_fails_inside_says_nothing_outside(
    rig: TelegramApp,
    server: TelegramServer,
    database: Database,
    logged: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
) -> None:
    words = " ".join((*CANARIES.values(), NUMBER, server.token))
    act, calls, steps = getattr(owner, name), count(), count()

    def fails(*given: Any, **named: Any) -> Any:
        if next(calls) % 2:
            raise ValueError(words)
        return act(*given, **named)

    async def fails_later(*given: Any, **named: Any) -> Any:
        return await fails(*given, **named)

    async def now_and_then() -> None:
        if next(steps) % 8 == 0:
            await run_once(rig)

    monkeypatch.setattr(serve, "IDLE_SECONDS", 0.0)
    person = server.person(CANARIES["profile"])
    later = inspect.iscoroutinefunction(act)
    monkeypatch.setattr(owner, name, fails_later if later else fails)
    await exercise_everything(person, now_and_then)
    for _ in range(3):
        server.clock.advance(minutes=2)
        await run_once(rig)
    monkeypatch.setattr(owner, name, act)
    assert_no_leaks(rig, database, logged())


async def test_a_refused_token_is_not_repeated(server: TelegramServer, tmp_path: Path) -> None:
    server.fail_next("getMe", 401, times=None, description="Unauthorized")
    Vault.open(tmp_path / "key.json", create=True)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "bot", "bot"],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "TELEGRAM_BOT_TOKEN": server.token,
            "TELEGRAM_API_URL": server.api_url.removesuffix("/bot"),
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
