"""When a page cannot be had: a busy database, an address that is not ours, an error of ours."""

import re
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from flows.wording import say
from storage.backends.sqlite_driver import journal_mode
from storage.database import Database
from storage.referrals import acts, lifecycle
from tests.harness.desk_fixtures import DeskApp
from tests.support.builders import make_record

REF = "ACDE-3467"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, file: Path, database: Database) -> Database:
    """Give a database that is waited for only a moment."""
    for engine in (database.backend.writer, database.backend.reader):
        with engine.connect() as connection:
            connection.execute(text("PRAGMA busy_timeout=50"))
    return database


async def test_a_busy_database_loses_nothing_that_was_typed(
    desk: DeskApp, impatient: Database
) -> None:
    mira = await desk.signed_in("mediator", "mira")
    with desk.database.unit(desk.clock()) as unit:
        lifecycle.hand_over(unit, make_record(REF), None)
        acts.claim(unit, REF, "mira")
    with LockedDatabase(desk.database):
        answer = await mira.post(f"/desk/r/{REF}/note", note="Rings on Friday", mark="1")
    assert answer.status_code == 503
    assert say("en", "desk.busy.text") in answer.text
    assert "Rings on Friday" in answer.text
    found = re.search(r'action="([^"]+)"', answer.text.split("<main")[1])
    assert found is not None and found[1] == f"/desk/r/{REF}/note"
    with desk.database.reading() as unit:
        assert "note" not in [one.act for one in lifecycle.list_steps(unit, REF)]


async def test_the_desk_can_be_read_while_nothing_can_be_written(
    desk: DeskApp, impatient: Database
) -> None:
    mira = await desk.signed_in("mediator", "mira")
    desk.clock.advance(minutes=5)
    with LockedDatabase(desk.database):
        answer = await mira.get("/desk/queue")
    assert answer.status_code == (200 if journal_mode() == "wal" else 503)


async def test_a_password_is_not_shown_again(desk: DeskApp, impatient: Database) -> None:
    nobody = await desk.signed_out()
    with LockedDatabase(desk.database):
        answer = await nobody.post("/desk/sign-in", name="mira", password="marigold", code="1")
    assert answer.status_code in (403, 503)
    assert "marigold" not in answer.text


@pytest.mark.parametrize(
    "path", ["/nothing", "/desk/nothing", "/officer/nothing", "/static/no.css"]
)
async def test_an_address_that_is_not_ours(desk: DeskApp, path: str) -> None:
    answer = await (await desk.signed_out()).get(path)
    assert answer.status_code == 404
    assert say("en", "web.site.not_here.text") in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_an_error_of_ours_says_nothing_of_itself(
    desk: DeskApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("secretmarigold")

    monkeypatch.setattr("bot.desk.casework.queue.queue_views.queue_page", fails)
    mira = await desk.signed_in("mediator", "mira")
    mira.client._transport.raise_app_exceptions = False  # type: ignore[attr-defined]
    answer = await mira.get("/desk/queue")
    assert answer.status_code == 500
    assert say("en", "web.site.broken.text") in answer.text
    assert "marigold" not in answer.text


class LockedDatabase:
    """Holds the whole database, as another program might."""

    def __init__(self, database: Database) -> None:
        self._database, self._go, self._has = database, threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep_lock)

    def __enter__(self) -> None:
        self._thread.start()
        self._has.wait(5)

    def __exit__(self, *_: object) -> None:
        self._go.set()
        self._thread.join(5)

    def _keep_lock(self) -> None:
        other = Database(str(self._database.backend.writer.url))
        plain = other.backend.writer.raw_connection()
        cursor = plain.cursor()
        cursor.execute("BEGIN EXCLUSIVE")
        self._has.set()
        self._go.wait(20)
        cursor.execute("ROLLBACK")
        plain.close()
        other.close()
