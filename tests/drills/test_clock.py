"""The clock of the machine jumps a day ahead, and is put right after a while."""

import asyncio
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot import serve
from bot.desk.guard import BROWSER_COOKIE, SESSION_COOKIE
from bot.peers.messages import PeerMessages
from bot.peers.presence import PresenceTracker
from bot.peers.rate_limit import RateLimiter
from flows.wording import say
from storage import heartbeat
from storage.chats import inbox
from storage.chats.inbox import Arrival
from storage.database import Database
from storage.referrals import acts, lifecycle
from storage.vault import Vault
from tests.drills.browsers import ChatVisitor, PatientBrowser, until
from tests.drills.fork_server import PATIENCE
from tests.drills.load import sign_in
from tests.harness.app import build_app
from tests.harness.clock import START, FakeClock
from tests.harness.installed_program import go_through, told_reference, wait_for_text
from tests.harness.serving import started
from tests.harness.telegram_app import telegram_settings
from tests.support.happy_path import happy_path, steps_before
from tests.support.ports import free_port
from tests.telegram_server import TelegramServer
from tests.telegram_server.server import ApiCall

BEFORE, LEFT = steps_before("name"), happy_path()[len(steps_before("name")) :]


@pytest.fixture
def ticking(file: Path, vault: Vault) -> Database:
    """Give a database whose clock ticks, from a Monday morning on."""
    clock = FakeClock(None)
    clock.advance(START - clock())
    return Database(f"sqlite:///{file}", vault, clock)


@pytest.mark.thorough
async def test_a_day_ahead_and_back(ticking: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "SWEEP_SECONDS", 0.1)
    clock = ticking.clock
    assert isinstance(clock, FakeClock)
    with TelegramServer(clock=clock) as server:
        port, ready = free_port(), asyncio.Event()
        program = build_app(ticking, port=port, **telegram_settings(server))
        async with started(program, ready.set):
            async with asyncio.timeout(PATIENCE):
                await ready.wait()
            await asyncio.to_thread(a_day_ahead_and_back, ticking, clock, server, port)
    ticking.close()


def a_day_ahead_and_back(
    database: Database, clock: FakeClock, server: TelegramServer, port: int
) -> None:
    """Tom has sent a request that Mira has claimed; Amina and Maya are half-way."""
    url = f"http://127.0.0.1:{port}"
    amina, tom, ben = (server.person(name) for name in ("Amina", "Tom", "Ben"))
    tom.opens_link()
    go_through(tom, happy_path("Tom", "07700 900124"))
    reference = told_reference(tom)
    with database.unit() as unit:
        acts.claim(unit, reference, "mira")
    token = sign_in(database, "mira", "mediator")
    cookies = {SESSION_COOKIE: token, BROWSER_COOKIE: "seat"}
    maya = ChatVisitor.numbered([url], 1, happy_path())
    with maya.browser, PatientBrowser([url], "203.0.113.5", cookies) as mira:
        amina.opens_link()
        go_through(amina, BEFORE)
        wait_for_text(amina, LEFT[0].shown)
        maya.start()
        for step in BEFORE:
            maya.do(step)

        clock.advance(days=1)
        until(lambda: swept_at(database) > START + timedelta(days=1))
        server.fail_next("sendMessage", 500, chat_id=ben.chat_id)
        ben.opens_link()
        until(lambda: ben.chat_id in map(chat_of, server.calls_of("sendMessage")))
        clock.advance(days=-1)

        wait_for_text(ben, say("en", "scenes.welcome.hello").splitlines()[0])
        for step in LEFT:
            maya.do(step)
        go_through(amina, LEFT)
        references = {maya.reference(), told_reference(amina)}
        page = mira.get(f"/desk/r/{reference}").page
        assert reference in page.text, "who had signed in before is signed in"
        until(lambda: swept_at(database) < START + timedelta(days=1))
    with database.reading() as unit:
        queue = {one.reference: one for one in lifecycle.list_queue(unit)}
        assert queue.keys() == {reference, *references}
        assert queue[reference].owner == "mira", "no claim has ended"
        assert len({one.due.date() for one in queue.values()}) == 1, "all are promised the same day"


def swept_at(database: Database) -> datetime:
    """Return when the sweep last ran."""
    with database.reading() as unit:
        return heartbeat.last_seen(unit) or START


def chat_of(call: ApiCall) -> int:
    """Return the chat that a call of the Bot API was for."""
    return int(call.parameters["chat_id"])


def test_a_retry_that_was_timed_by_a_clock_ahead_is_due(database: Database) -> None:
    with database.unit(START) as unit:
        inbox.enqueue_arrivals(unit, "telegram", [Arrival("1", "417", {"text": "hello"})])
    with database.unit(START + timedelta(days=1)) as unit:
        (row,) = inbox.due_inbox_items(unit, ["telegram"])
        inbox.record_failure(unit, row.id)
        assert inbox.due_inbox_items(unit, ["telegram"]) == [], "not before its time"
    with database.unit(START) as unit:
        assert [one.id for one in inbox.due_inbox_items(unit, ["telegram"])] == [row.id]


def test_what_was_counted_ahead_of_the_clock_limits_nobody(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter, real = RateLimiter(str, PeerMessages(vault)), time.time()
    monkeypatch.setattr(time, "time", lambda: real + 86_400)
    assert [limiter.allow("1/minute", "maya") for _ in range(2)] == [True, False]
    monkeypatch.setattr(time, "time", lambda: real)
    assert [limiter.allow("1/minute", "maya") for _ in range(2)] == [True, False]


def test_who_looked_while_the_clock_was_ahead_is_not_there_for_a_day(vault: Vault) -> None:
    clock = FakeClock(START + timedelta(days=1))
    present = PresenceTracker(clock, PeerMessages(vault))
    present.touch("ACDE-3467", "omar")
    clock.set(START)
    assert present.other_viewers("ACDE-3467", "mira") == []
