"""A message broker hears of each new referral: acknowledged, nothing personal, and never lost."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.channel_interface import PermanentFailure
from bot.channels.broker import STREAM, SUBJECT, check_broker
from bot.pipeline.alerts import notify_systems
from flows.vocabulary import OutboxKind
from storage.chats import dead_letters
from storage.database import Database
from tests.bot.channels.relay_harness import (
    RelayHarness,
    jetstream_of,
    messages,
    readme_consumer,
    relay_to,
    wait_for_consumer,
)
from tests.harness.app import build_app, build_settings
from tests.harness.clock import START
from tests.harness.desk_fixtures import DeskApp
from tests.harness.programs.nats import NatsServer, running
from tests.harness.serving import started
from tests.support.builders import make_record
from tests.support.ports import free_port

pytestmark = pytest.mark.nats
PATIENCE = 30.0
EVENT = {"event": "e1", "kind": "referral", "reference": "ACDE-3467"}


@pytest.fixture
async def relay(database: Database, nats_server: NatsServer) -> AsyncIterator[RelayHarness]:
    """Give a publishing side of the server of this test."""
    async with relay_to(database, nats_server.url()) as made:
        yield made


class FakeWebhookChannel:
    """A channel named webhook that keeps what it is told."""

    name, rate_limited = "webhook", False

    def __init__(self) -> None:
        self.bodies: list[dict[str, str]] = []

    def translate(self, body: dict[str, str]) -> None:
        """Return None: nothing comes in this way."""

    async def send(self, address: str, kind: OutboxKind, body: dict[str, str]) -> None:
        """Keep it."""
        self.bodies.append(body)


async def test_a_new_referral_is_told_with_its_key_and_as_the_webhook_tells_it(
    database: Database, nats_server: NatsServer
) -> None:
    cases = FakeWebhookChannel()
    async with relay_to(database, nats_server.url(), webhook=cases) as relay:
        relay.add_referral()
        assert (await relay.delivery.deliver_batch())[0] == 2
        assert relay.reasons() == ([], [])
    ((headers, body),) = await messages(nats_server)
    assert headers["Nats-Msg-Id"] == headers["correlation_id"] == cases.bodies[0]["event"]
    assert headers["content-type"] == "application/json"
    assert [json.loads(body)] == cases.bodies
    assert cases.bodies[0].keys() == {"event", "kind", "reference", "queue", "due"}
    assert b"Amina" not in body


async def test_the_readme_consumer_deals_with_each_event_once(
    relay: RelayHarness, nats_server: NatsServer, tmp_path: Path
) -> None:
    # An operator's own stream, which forgets a key after a tenth of a second, so that what is
    # sent again later is stored twice; it is left as it is.
    own = replace(STREAM, duplicate_window=0.1, max_age=3600.0)
    async with jetstream_of(nats_server) as jetstream:
        await jetstream.add_stream(own)
    await relay.delivery.start()
    channel = relay.runtime.channels["broker"]
    for event in ("e1", "e2", "e1"):
        await channel.send("", OutboxKind.REFERRAL, {**EVENT, "event": event})
    assert len(await messages(nats_server)) == 2, "at once, JetStream itself knows a repetition"
    await asyncio.sleep(0.3)
    await channel.send("", OutboxKind.REFERRAL, EVENT)
    await channel.send("", OutboxKind.REFERRAL, {**EVENT, "event": "e3"})
    assert len(await messages(nats_server)) == 4
    async with (
        jetstream_of(nats_server) as jetstream,
        readme_consumer(nats_server, tmp_path / "cases.db") as cases,
        asyncio.timeout(PATIENCE),
    ):
        await wait_for_consumer(jetstream)
        events = cases.execute("SELECT event FROM cases").fetchall()
        assert events == [("e1",), ("e2",), ("e3",)]
        assert (await jetstream.stream_info(str(STREAM.name))).config.max_age == own.max_age


async def test_the_program_starts_without_its_broker_and_joins_it_later(
    database: Database, nats_server: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    nats_server.kill()
    ready = asyncio.Event()
    program = build_app(database, port=free_port(), events_url=nats_server.url())
    async with started(program, ready.set), asyncio.timeout(PATIENCE):
        await ready.wait()
        await wait_for_event(caplog, "channel_down")
        await database.write(notify_systems, program.runtime, make_record("ACDE-3467"))
        await wait_for_event(caplog, "row_later")
        nats_server.start()
        # The clock of this test stands still, and the next try is due in a second.
        database.clock = lambda: START + timedelta(minutes=1)
        while await database.read(dead_letters.list_undelivered):
            await asyncio.sleep(0.02)
            program.runtime.wake.notify_all()
    ((_, body),) = await messages(nats_server)
    assert json.loads(body)["reference"] == "ACDE-3467"


async def wait_for_event(caplog: pytest.LogCaptureFixture, event: str) -> None:
    """Wait until something is logged."""
    logged: list[str] = []
    while event not in logged:
        await asyncio.sleep(0.02)
        logged = [record.getMessage() for record in caplog.records]


async def test_a_broker_that_is_away_for_days_misses_nothing(
    relay: RelayHarness, nats_server: NatsServer
) -> None:
    references = [f"ACDE-{n:04}" for n in range(2222, 2232)]
    relay.add_referral(references[0])
    await relay.delivery.deliver_batch()
    nats_server.kill()
    for reference in references[1:]:
        relay.add_referral(reference)
        await relay.run_for(hours=9)
    waiting, dead = relay.reasons()
    assert (waiting[0], len(waiting), dead) == ("ConnectionRefusedError", 9, [])
    nats_server.start()
    await relay.run_for(hours=0.1, step=timedelta(seconds=5))
    assert relay.reasons() == ([], [])
    told = [json.loads(body)["reference"] for _, body in await messages(nats_server)]
    assert sorted(told) == references


async def test_a_wrong_password_is_told_by_a_code_and_tried_until_it_is_right(
    database: Database,
    nats_server: NatsServer,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    async with relay_to(database, nats_server.url("another:canary@")) as relay:
        await relay.delivery.start()
        relay.add_referral()
        await relay.run_for(hours=30)
        assert relay.reasons() == (["nats_login"], [])
        nats_server.kill()
        nats_server.set_password("another:canary@")
        nats_server.start()
        await relay.delivery.deliver_batch()
        assert relay.reasons() == ([], [])
    logged = [(one.getMessage(), getattr(one, "code", "")) for one in caplog.records]
    assert ("channel_down", "broker_nats_login") in logged
    assert ("row_later", "nats_login") in logged
    everything = caplog.text + "".join(capfd.readouterr())
    assert not [word for word in ("canary", "ACDE-3467", SUBJECT) if word in everything]


async def test_what_a_full_stream_refuses_is_kept_where_staff_see_it_and_send_it_again(
    desk: DeskApp, nats_server: NatsServer
) -> None:
    async with jetstream_of(nats_server) as jetstream:
        await jetstream.add_stream(replace(STREAM, max_msgs=1))
    async with relay_to(desk.database, nats_server.url()) as relay:
        desk.clock = relay.clock
        relay.add_referral("ACDE-2222")
        await relay.delivery.deliver_batch()
        relay.add_referral("ACDE-3467")
        await relay.run_for(hours=30)
        assert relay.reasons() == ([], ["nats_10077"])
        carys = await desk.signed_in("coordinator", "carys")
        shown = await carys.get("/desk/deliveries")
        assert "ACDE-3467" in shown.text and "Message broker" in shown.text
        with desk.database.reading() as unit:
            (dead,) = dead_letters.list_dead_letters(unit)
        async with jetstream_of(nats_server) as jetstream:
            await jetstream.purge_stream(str(STREAM.name))
        await carys.submit_form("/desk/deliveries", f"/desk/deliveries/{dead.id}/again")
        await relay.delivery.deliver_batch()
        assert relay.reasons() == ([], [])
    ((headers, body),) = await messages(nats_server)
    assert json.loads(body) == dead.body
    assert headers["Nats-Msg-Id"] == dead.body["event"]


async def test_it_says_nothing_else_and_hears_nothing(relay: RelayHarness) -> None:
    channel = relay.runtime.channels["broker"]
    with pytest.raises(PermanentFailure):
        await channel.send("", OutboxKind.SAY, {"text": "hello"})
    assert channel.translate({"say": "hello"}) is None


async def test_a_user_that_may_do_no_more_than_the_readme_says_is_enough(
    database: Database,
) -> None:
    told = '"rj.>", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.CREATE.RJ_EVENTS"'
    with running(NatsServer(permissions=f'publish: [{told}], subscribe: "_INBOX.>"')) as server:
        async with relay_to(database, server.url()) as relay:
            relay.add_referral()
            await relay.delivery.deliver_batch()
            assert relay.reasons() == ([], [])
            assert await check_broker(build_settings(events_url=server.url())) == ([], [])
