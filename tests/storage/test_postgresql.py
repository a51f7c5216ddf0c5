"""Several processes on one PostgreSQL database: who waits for whom, who is told, who leads."""

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from storage.backends import Backend, open_backend
from storage.chats import conversations, inbox
from storage.chats.inbox import Arrival
from storage.database import Database
from storage.tables import INBOX
from storage.unit import Unit
from storage.vault import Vault
from tests.harness.clock import FakeClock
from tests.harness.programs.postgresql import PostgresqlServer, server_programs

pytestmark = pytest.mark.postgresql
SECONDS = 20.0
"""How long what must happen may take on a busy machine."""


@pytest.fixture
def both(
    postgresql_url: str, vault: Vault, clock: FakeClock
) -> Iterator[tuple[Database, Database]]:
    """Give one database as two processes have it."""
    here, there = (Database(postgresql_url, vault, clock) for _ in range(2))
    yield here, there
    here.close()
    there.close()


@contextlib.asynccontextmanager
async def task(work: Awaitable[None]) -> AsyncIterator[asyncio.Future[None]]:
    """Run something beside a test, and end it with the block."""
    begun = asyncio.ensure_future(work)
    try:
        yield begun
    finally:
        begun.cancel()
        await asyncio.gather(begun, return_exceptions=True)


def read_chat(unit: Unit, address: str) -> None:
    """Read a chat, as whoever answers it does first."""
    conversations.load_conversation(unit, "telegram", address)


def held_by(
    database: Database, address: str, by_chat: bool
) -> tuple[threading.Event, threading.Thread]:
    """Have a thread read a chat in a unit of work; return what says that it has, and the thread."""
    has_it = threading.Event()

    def write() -> None:
        with database.unit(by_chat=by_chat) as unit:
            read_chat(unit, address)
            has_it.set()

    thread = threading.Thread(target=write)
    thread.start()
    return has_it, thread


@pytest.mark.parametrize(
    ("address", "by_chat", "waits"),
    [("another", True, False), ("the same", True, True), ("another", False, True)],
)
def test_another_chat_goes_on_beside_and_the_same_chat_waits(
    both: tuple[Database, Database], address: str, by_chat: bool, waits: bool
) -> None:
    here, there = both
    with here.unit(by_chat=True) as unit:
        read_chat(unit, "the same")
        has_it, thread = held_by(there, address, by_chat)
        assert has_it.wait(0.5 if waits else SECONDS) is not waits
    assert has_it.wait(SECONDS)
    thread.join()


@pytest.mark.parametrize("same", [True, False], ids=["the same input", "a later one"])
def test_what_comes_in_from_a_chat_waits_for_what_came_before(
    both: tuple[Database, Database], same: bool
) -> None:
    """The first is being saved to be answered apart, in a process that has not committed yet."""
    here, there = both
    first, second = (
        Arrival(f"update {n}", "417", {"text": "hello"}) for n in (1, 1 if same else 2)
    )
    outcomes: list[object] = []

    def save_second() -> None:
        try:
            with there.unit(by_chat=True) as unit:
                act = inbox.enqueue_arrivals if same else inbox.store_answered
                outcomes.append(act(unit, "telegram", [second]))
        except inbox.EarlierInputWaits as waits:
            outcomes.append(type(waits))

    with here.unit(by_chat=True) as unit:
        assert inbox.enqueue_arrivals(unit, "telegram", [first]) == 1
        thread = threading.Thread(target=save_second)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
    thread.join(SECONDS)
    assert outcomes == [0 if same else inbox.EarlierInputWaits]


async def test_who_leads_stops_when_the_server_says_nothing(
    both: tuple[Database, Database],
) -> None:
    here, _ = both
    began, lost = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            lost.set()

    async with task(here.backend.lead("sweep", work)):
        await asyncio.wait_for(began.wait(), SECONDS)
        with here.transaction() as connection:
            process_id = connection.exec_driver_sql(
                "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
            ).scalar_one()
        os.kill(process_id, signal.SIGSTOP)
        try:
            await asyncio.wait_for(lost.wait(), SECONDS)
        finally:
            os.kill(process_id, signal.SIGCONT)


async def test_what_is_committed_is_told_to_the_other_processes(
    both: tuple[Database, Database],
) -> None:
    here, there = both
    ready, told = asyncio.Event(), asyncio.Queue[set[str]]()
    own: list[set[str]] = []
    here.on_commit = own.append
    async with task(there.backend.listen(ready.set, told.put_nowait, print)):
        await asyncio.wait_for(ready.wait(), SECONDS)
        await here.write(lambda unit: unit.signals.update({"inbox", "desk"}))
        await there.write(lambda unit: unit.signals.add("not told to itself"))
        await here.write(lambda unit: unit.signals.add("last"))
        found = [await asyncio.wait_for(told.get(), SECONDS) for _ in range(3)]
    assert found == [{"desk"}, {"inbox"}, {"last"}]
    assert own == [{"inbox", "desk"}, {"last"}]


async def test_nothing_is_told_that_was_not_committed(both: tuple[Database, Database]) -> None:
    here, there = both

    def fail(unit: Unit) -> None:
        unit.signals.add("never")
        raise ZeroDivisionError

    ready, told = asyncio.Event(), asyncio.Queue[set[str]]()
    async with task(there.backend.listen(ready.set, told.put_nowait, print)):
        await asyncio.wait_for(ready.wait(), SECONDS)
        with pytest.raises(ZeroDivisionError):
            await here.write(fail)
        await here.write(lambda unit: unit.signals.add("after"))
        assert await asyncio.wait_for(told.get(), SECONDS) == {"after"}


def leading(backend: Backend, began: asyncio.Event) -> Awaitable[None]:
    """Return what leads for ever, and says when it has begun to."""

    async def work() -> None:
        began.set()
        await asyncio.Event().wait()

    return backend.lead("sweep", work)


async def test_one_process_leads_and_the_next_takes_over(
    both: tuple[Database, Database],
) -> None:
    here, there = both
    first, second = asyncio.Event(), asyncio.Event()
    async with task(leading(here.backend, first)):
        await asyncio.wait_for(first.wait(), SECONDS)
        async with task(leading(there.backend, second)) as waiting:
            await asyncio.sleep(1.5)
            assert not second.is_set()
            with here.transaction() as connection:
                # As if its process were gone: the holder's connection is the longest there.
                connection.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks "
                    "WHERE locktype = 'advisory' AND pid <> pg_backend_pid() AND granted"
                )
            await asyncio.wait_for(second.wait(), SECONDS)
            assert not waiting.done()


async def test_who_no_longer_leads_stops_and_says_so(both: tuple[Database, Database]) -> None:
    here, _ = both
    began, stopped = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    lost = asyncio.ensure_future(here.backend.lead("sweep", work))
    await asyncio.wait_for(began.wait(), SECONDS)
    with here.transaction() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks "
            "WHERE locktype = 'advisory' AND pid <> pg_backend_pid() AND granted"
        )
    with pytest.raises(Exception, match="terminat"):
        await asyncio.wait_for(lost, SECONDS)
    assert stopped.is_set()


async def test_work_that_fails_is_raised(both: tuple[Database, Database]) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await both[0].backend.lead("sweep", fail)


def test_a_server_that_was_started_anew_costs_nobody_an_error(
    vault: Vault, clock: FakeClock
) -> None:
    programs = server_programs()
    assert programs
    server = PostgresqlServer(programs)
    database = Database(server.url(server.create()), vault, clock)
    try:
        database.migrate()
        with database.unit() as unit:
            read_chat(unit, "417")
        server.stop("fast")
        with pytest.raises(OperationalError), database.unit():
            pass
        server.start()
        with database.unit() as unit, database.reading() as other:
            read_chat(unit, "417")
            read_chat(other, "417")
        assert database.check() == []
        database.backend.erase_free_space()
    finally:
        database.close()
        server.remove()


def test_a_url_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="name a database"):
        open_backend(make_url("postgresql+psycopg://somebody@127.0.0.1"))


def test_a_nul_character_in_a_look_up_breaks_nothing(both: tuple[Database, Database]) -> None:
    with both[0].reading() as unit:
        assert conversations.load_conversation(unit, "telegram\0", "4\0").new


async def test_schemas_of_one_database_neither_wait_for_nor_hear_nor_lead_each_other(
    postgresql_url: str, vault: Vault, clock: FakeClock
) -> None:
    kent, sussex = (
        Database(f"{postgresql_url}?schema={name}", vault, clock) for name in ("kent", "sussex")
    )
    for one in (kent, sussex):
        assert not one.is_current()
        one.migrate()
        assert one.is_current()
    ready, told = asyncio.Event(), asyncio.Queue[set[str]]()
    led = asyncio.Event(), asyncio.Event()
    async with (
        task(sussex.backend.listen(ready.set, told.put_nowait, print)),
        task(leading(kent.backend, led[0])),
        task(leading(sussex.backend, led[1])),
    ):
        await asyncio.wait_for(ready.wait(), SECONDS)
        for event in led:
            await asyncio.wait_for(event.wait(), SECONDS)
        with kent.unit() as unit:
            inbox.enqueue_arrivals(unit, "telegram", [Arrival("1", "7", {"text": "private"})])
            await sussex.write(lambda other: other.signals.add("while Kent writes"))
        await kent.write(lambda other: other.signals.add("inbox"))
        await sussex.write(lambda other: other.signals.add("last"))
    assert told.empty(), "what it published itself and what Kent did are not told"
    with kent.reading() as unit:
        assert unit.exists(INBOX.c.channel == "telegram")
    with sussex.reading() as unit:
        assert not unit.exists(INBOX.c.channel == "telegram")
    kent.close()
    sussex.close()
