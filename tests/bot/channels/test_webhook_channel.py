"""Another system hears of each new referral: signed, nothing personal, and never lost unseen."""

import hashlib
import hmac
import json
import logging
import socketserver
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler

import pytest

from bot.channel_interface import PermanentFailure
from bot.channels.webhook import WebhookChannel
from bot.pipeline.alerts import notify_systems
from bot.pipeline.deliver import Delivery
from bot.settings import Settings
from flows.vocabulary import OutboxKind
from storage import retention
from storage.chats import dead_letters
from storage.chats.dead_letters import UndeliveredItem
from storage.database import Database
from storage.vault import Vault
from tests.harness.app import build_runtime, build_settings
from tests.harness.clock import START, FakeClock
from tests.harness.desk_fixtures import DeskApp
from tests.support.builders import make_record

SECRET = "a-long-random-word-of-a-test"


class FakeCaseSystem(socketserver.ThreadingTCPServer):
    """Another system that keeps what it is told; it answers with the codes it was given."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _RequestRecorder)
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}/referrals"


class _RequestRecorder(BaseHTTPRequestHandler):
    server: FakeCaseSystem

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((dict(self.headers.items()), body))
        code = self.server.statuses.pop(0) if self.server.statuses else 204
        self.send_response(code)
        if code == 302:
            self.send_header("Location", self.server.url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class WebhookHarness:
    """The sending side of one test."""

    def __init__(self, database: Database, vault: Vault, settings: Settings) -> None:
        self.database, self.vault, self.clock = database, vault, FakeClock()
        database.clock = self.clock
        channel = WebhookChannel(settings, self.clock)
        self.house = build_runtime(database, {"webhook": channel})
        self.delivery = Delivery(self.house)

    def add_referral(self, reference: str = "ACDE-3467") -> None:
        """Have a new referral."""
        with self.database.unit(self.clock()) as unit:
            notify_systems(unit, self.house, make_record(reference))

    async def run_for(self, hours: float) -> int:
        """Let time pass, trying whenever something is due; return how often something went."""
        ends, tried = self.clock() + timedelta(hours=hours), 0
        while self.clock() < ends:
            sent = (await self.delivery.deliver_batch())[0]
            tried += sent
            step = timedelta(minutes=15) if self.clock() > START + timedelta(hours=1) else None
            self.clock.advance(step or timedelta(seconds=20))
        return tried

    def dead(self) -> list[UndeliveredItem]:
        """Return what was given up."""
        with self.database.reading() as unit:
            return dead_letters.list_dead_letters(unit)

    def waiting(self) -> list[UndeliveredItem]:
        """Return what is still to be sent."""
        with self.database.reading() as unit:
            return dead_letters.list_undelivered(unit)


@pytest.fixture
def cases() -> Iterator[FakeCaseSystem]:
    with FakeCaseSystem() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def told(cases: FakeCaseSystem, database: Database, vault: Vault) -> WebhookHarness:
    settings = build_settings(webhook_url=cases.url, webhook_secret=SECRET)
    return WebhookHarness(database, vault, settings)


def has_valid_signature(headers: dict[str, str], body: bytes) -> bool:
    """Check a message as the README tells the other side to."""
    signed = headers["X-RJ-Timestamp"].encode() + b"." + body
    mac = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(headers["X-RJ-Signature"], f"sha256={mac}")


async def test_a_new_referral_is_told_signed_and_without_a_person(
    told: WebhookHarness, cases: FakeCaseSystem
) -> None:
    told.add_referral()
    assert (await told.delivery.deliver_batch())[0] == 1
    ((headers, body),) = cases.requests
    assert has_valid_signature(headers, body)
    assert not has_valid_signature(headers, body + b" ")
    said = json.loads(body)
    assert said.keys() == {"event", "kind", "reference", "queue", "due"}
    assert (said["reference"], said["queue"], said["kind"]) == ("ACDE-3467", "adults", "referral")
    assert headers["X-RJ-Event"] == said["event"]
    assert headers["X-RJ-Timestamp"] == str(int(START.timestamp()))
    assert b"Amina" not in body
    assert (told.waiting(), told.dead()) == ([], [])


async def test_without_the_setting_nobody_is_told(database: Database, vault: Vault) -> None:
    with database.unit(START) as unit:
        notify_systems(unit, build_runtime(database, {}), make_record("ACDE-3467"))
    with database.reading() as unit:
        assert dead_letters.list_undelivered(unit) == []


async def test_after_some_failures_it_arrives_once_with_the_same_event(
    told: WebhookHarness, cases: FakeCaseSystem
) -> None:
    cases.statuses = [500, 302, 404]
    told.add_referral()
    await told.run_for(hours=0.1)
    assert len(cases.requests) == 4
    assert len({headers["X-RJ-Event"] for headers, _ in cases.requests}) == 1
    assert len({body for _, body in cases.requests}) == 1
    assert all(has_valid_signature(headers, body) for headers, body in cases.requests)
    assert (told.waiting(), told.dead()) == ([], [])


async def test_what_never_arrives_is_kept_where_it_is_seen_and_can_be_sent_again(
    told: WebhookHarness, cases: FakeCaseSystem, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    cases.statuses = [503] * 12
    told.add_referral()
    await told.run_for(hours=30)
    assert len(cases.requests) == 12
    (dead,) = told.dead()
    assert (dead.body["reference"], dead.attempts, dead.reason) == ("ACDE-3467", 12, "http_503")
    with told.database.unit(told.clock() + timedelta(days=3)) as unit:
        retention.sweep(unit)
    assert len(told.dead()) == 1
    with told.database.unit(told.clock()) as unit:
        assert dead_letters.requeue(unit, dead.id)
        assert not dead_letters.requeue(unit, dead.id)
    assert (await told.delivery.deliver_batch())[0] == 1
    assert len({headers["X-RJ-Event"] for headers, _ in cases.requests}) == 1
    assert (told.waiting(), told.dead()) == ([], [])
    ours = "\n".join(one.getMessage() for one in caplog.records if one.name.startswith("rj"))
    everything = caplog.text
    assert "row_later" in ours
    assert SECRET not in everything
    assert "ACDE-3467" not in everything
    assert cases.requests[0][0]["X-RJ-Signature"] not in everything


async def test_what_is_dead_for_a_month_is_buried(
    told: WebhookHarness, cases: FakeCaseSystem
) -> None:
    cases.statuses = [500] * 12
    told.add_referral()
    await told.run_for(hours=30)
    with told.database.unit(told.clock() + timedelta(days=31)) as unit:
        retention.sweep(unit)
    assert told.dead() == []


async def test_a_system_that_is_away_is_tried_for_a_day(
    database: Database, vault: Vault, cases: FakeCaseSystem
) -> None:
    gone = cases.url.replace(str(cases.server_address[1]), "1")
    away = WebhookHarness(database, vault, build_settings(webhook_url=gone, webhook_secret=SECRET))
    away.add_referral()
    assert await away.run_for(hours=0.2) > 4
    (waiting,) = away.waiting()
    assert waiting.reason == "ConnectError"
    await away.run_for(hours=30)
    assert [one.reason for one in away.dead()] == ["ConnectError"]


async def test_it_says_nothing_else_and_hears_nothing(
    told: WebhookHarness, cases: FakeCaseSystem
) -> None:
    channel = told.house.channels["webhook"]
    with pytest.raises(PermanentFailure):
        await channel.send("", OutboxKind.SAY, {"text": "hello"})
    assert channel.translate({"say": "hello"}) is None
    assert cases.requests == []


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
        build_settings(webhook_url=url, webhook_secret=secret)


async def test_staff_see_what_did_not_arrive_and_send_it_again(desk: DeskApp) -> None:
    house = build_runtime(desk.database, {"webhook": WebhookChannel(build_settings(), desk.clock)})
    with desk.database.unit(START) as unit:
        notify_systems(unit, house, make_record("ACDE-3467"))
        notify_systems(unit, house, make_record("ACDE-2222"))
    with desk.database.reading() as unit:
        first = dead_letters.list_undelivered(unit)[0]
    with desk.database.unit(START) as unit:
        dead_letters.move_to_dead_letters(unit, first.id, "http_500")
    carys = await desk.signed_in("coordinator", "carys")
    shown = await carys.get("/desk/deliveries")
    assert "ACDE-3467" in shown.text
    assert "http_500" in shown.text
    pressed = await carys.submit_form("/desk/deliveries", f"/desk/deliveries/{first.id}/again")
    assert pressed.status_code == 303
    after = await carys.get(pressed.headers["location"])
    assert "/again" not in after.text
    mira = await desk.signed_in("mediator", "mira")
    assert (await mira.get("/desk/deliveries")).status_code == 403
