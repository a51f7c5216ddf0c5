"""Another system hears of each new referral: signed, nothing personal, and never lost unseen."""

import hashlib
import hmac
import json
import logging
import socketserver
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler

import pytest

from bot.channels import Refused
from bot.channels.webhook import WebhookChannel
from bot.pipeline.alerts import tell
from bot.pipeline.deliver import Delivery
from bot.runtime import House
from bot.settings import Settings
from storage import retention
from storage.chats import outbox
from storage.chats.outbox import Stuck
from storage.database import Database
from storage.vault import Vault
from tests.harness.desk_fixtures import AtTheDesk, settings_of_a_desk
from tests.harness.telegram_app import START
from tests.support.builders import a_record

SECRET = "a-long-random-word-of-a-test"


class Cases(socketserver.ThreadingTCPServer):
    """Another system that keeps what it is told; it answers with the codes it was given."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Ear)
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}/referrals"


class _Ear(BaseHTTPRequestHandler):
    server: Cases

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((dict(self.headers.items()), body))
        code = self.server.answers.pop(0) if self.server.answers else 204
        self.send_response(code)
        if code == 302:
            self.send_header("Location", self.server.url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Clock:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.time: datetime = START

    def __call__(self) -> datetime:
        return self.time


class Told:
    """The sending side of one test."""

    def __init__(self, database: Database, vault: Vault, settings: Settings) -> None:
        self.database, self.vault, self.clock = database, vault, Clock()
        channel = WebhookChannel(settings, self.clock)
        self.house = House(vault, {"webhook": channel})
        self.delivery = Delivery(database, self.house, self.clock)

    def referral(self, reference: str = "ACDE-3467") -> None:
        """Have a new referral."""
        with self.database.transaction() as conn:
            tell(conn, self.house, a_record(reference), self.clock())

    async def try_for(self, hours: float) -> int:
        """Let time pass, trying whenever something is due; return how often something went."""
        ends, tried = self.clock.time + timedelta(hours=hours), 0
        while self.clock.time < ends:
            sent = (await self.delivery.round())[0]
            tried += sent
            step = timedelta(minutes=15) if self.clock.time > START + timedelta(hours=1) else None
            self.clock.time += step or timedelta(seconds=20)
        return tried

    def dead(self) -> list[Stuck]:
        """Return what was given up."""
        with self.database.session() as session:
            return outbox.dead(session, self.vault, "webhook")

    def waiting(self) -> list[Stuck]:
        """Return what is still to be sent."""
        with self.database.session() as session:
            return outbox.waiting(session, self.vault, "webhook")


@pytest.fixture
def cases() -> Iterator[Cases]:
    with Cases() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def told(cases: Cases, database: Database, vault: Vault) -> Told:
    settings = settings_of_a_desk(webhook_url=cases.url, webhook_secret=SECRET)
    return Told(database, vault, settings)


def is_ours(headers: dict[str, str], body: bytes) -> bool:
    """Check a message as the README tells the other side to."""
    signed = headers["X-RJ-Timestamp"].encode() + b"." + body
    mac = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(headers["X-RJ-Signature"], f"sha256={mac}")


async def test_a_new_referral_is_told_signed_and_without_a_person(told: Told, cases: Cases) -> None:
    told.referral()
    assert (await told.delivery.round())[0] == 1
    ((headers, body),) = cases.heard
    assert is_ours(headers, body)
    assert not is_ours(headers, body + b" ")
    said = json.loads(body)
    assert said.keys() == {"event", "kind", "reference", "queue", "due"}
    assert (said["reference"], said["queue"], said["kind"]) == ("ACDE-3467", "adults", "referral")
    assert headers["X-RJ-Event"] == said["event"]
    assert headers["X-RJ-Timestamp"] == str(int(START.timestamp()))
    assert b"Amina" not in body
    assert (told.waiting(), told.dead()) == ([], [])


async def test_without_the_setting_nobody_is_told(database: Database, vault: Vault) -> None:
    with database.transaction() as conn:
        tell(conn, House(vault, {}), a_record("ACDE-3467"), START)
    with database.session() as session:
        assert outbox.waiting(session, vault, "webhook") == []


async def test_after_some_failures_it_arrives_once_with_the_same_event(
    told: Told, cases: Cases
) -> None:
    cases.answers = [500, 302, 404]
    told.referral()
    await told.try_for(hours=0.1)
    assert len(cases.heard) == 4
    assert len({headers["X-RJ-Event"] for headers, _ in cases.heard}) == 1
    assert len({body for _, body in cases.heard}) == 1
    assert all(is_ours(headers, body) for headers, body in cases.heard)
    assert (told.waiting(), told.dead()) == ([], [])


async def test_what_never_arrives_is_kept_where_it_is_seen_and_can_be_sent_again(
    told: Told, cases: Cases, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    cases.answers = [503] * 12
    told.referral()
    await told.try_for(hours=30)
    assert len(cases.heard) == 12
    (dead,) = told.dead()
    assert (dead.body["reference"], dead.tries, dead.why) == ("ACDE-3467", 12, "http_503")
    with told.database.transaction() as conn:
        retention.sweep(conn, told.vault, told.clock() + timedelta(days=3))
    assert len(told.dead()) == 1
    with told.database.transaction() as conn:
        assert outbox.again(conn, dead.id, told.clock())
        assert not outbox.again(conn, dead.id, told.clock())
    assert (await told.delivery.round())[0] == 1
    assert len({headers["X-RJ-Event"] for headers, _ in cases.heard}) == 1
    assert (told.waiting(), told.dead()) == ([], [])
    ours = "\n".join(one.getMessage() for one in caplog.records if one.name.startswith("rj"))
    everything = caplog.text
    assert "row_later" in ours
    assert SECRET not in everything
    assert "ACDE-3467" not in everything
    assert cases.heard[0][0]["X-RJ-Signature"] not in everything


async def test_what_is_dead_for_a_month_is_buried(told: Told, cases: Cases) -> None:
    cases.answers = [500] * 12
    told.referral()
    await told.try_for(hours=30)
    with told.database.transaction() as conn:
        retention.sweep(conn, told.vault, told.clock() + timedelta(days=31))
    assert told.dead() == []


async def test_a_system_that_is_away_is_tried_for_a_day(
    database: Database, vault: Vault, cases: Cases
) -> None:
    gone = cases.url.replace(str(cases.server_address[1]), "1")
    away = Told(database, vault, settings_of_a_desk(webhook_url=gone, webhook_secret=SECRET))
    away.referral()
    assert await away.try_for(hours=0.2) > 4
    (waiting,) = away.waiting()
    assert waiting.why == "ConnectError"
    await away.try_for(hours=30)
    assert [one.why for one in away.dead()] == ["ConnectError"]


async def test_it_says_nothing_else_and_hears_nothing(told: Told, cases: Cases) -> None:
    channel = told.house.channels["webhook"]
    with pytest.raises(Refused):
        await channel.send("", "say", {"text": "hello"})
    assert channel.translate({"say": "hello"}) is None
    assert cases.heard == []


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("https://cases.example", None),
        (None, SECRET),
        ("http://cases.example", SECRET),
        ("ftp://cases.example", SECRET),
    ],
)
def test_half_a_setting_or_an_open_line_is_refused(url: str | None, secret: str | None) -> None:
    with pytest.raises(ValueError, match="WEBHOOK"):
        settings_of_a_desk(webhook_url=url, webhook_secret=secret)


async def test_staff_see_what_did_not_arrive_and_send_it_again(desk: AtTheDesk) -> None:
    house = House(desk.vault, {"webhook": WebhookChannel(settings_of_a_desk(), desk.clock)})
    with desk.database.transaction() as conn:
        tell(conn, house, a_record("ACDE-3467"), START)
        tell(conn, house, a_record("ACDE-2222"), START)
    with desk.database.session() as session:
        first = outbox.waiting(session, desk.vault, "webhook")[0]
    with desk.database.transaction() as conn:
        outbox.died(conn, first.id, START, "http_500")
    carys = await desk.signed_in("coordinator", "carys")
    shown = await carys.get("/desk/webhook")
    assert "ACDE-3467" in shown.text
    assert "http_500" in shown.text
    pressed = await carys.presses("/desk/webhook", f"/desk/webhook/{first.id}/again")
    assert pressed.status_code == 303
    after = await carys.get(pressed.headers["location"])
    assert "/again" not in after.text
    mira = await desk.signed_in("mediator", "mira")
    assert (await mira.get("/desk/webhook")).status_code == 403
