"""What goes out: in order, within the limits, at least once, and one trouble stays one trouble."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, func, select

from bot.channel_interface import (
    Body,
    ChannelDown,
    ChatClosed,
    InboundEvent,
    PermanentFailure,
    RateLimited,
)
from bot.pipeline.deliver import (
    BACK_OFF,
    BATCH_SIZE,
    OUTAGE_RETRY_SECONDS,
    Delivery,
)
from bot.pipeline.send_limits import CHANNEL_BURST, CHAT_BURST
from flows.conversation import Reply
from flows.vocabulary import OutboxKind
from storage.chats import conversations, message_ids, outbox
from storage.chats.outbox import OutboxStage
from storage.database import Database
from storage.tables import CHAT, OUTBOX
from storage.vault import Vault
from tests.harness.app import build_runtime
from tests.support.builders import HOUR, NOW, store_answers

FailureRule = Callable[[str, str], Exception | None]


@dataclass
class RecordingChannel:
    """A channel that notes what is sent and when, and fails as a test wishes."""

    clock: Callable[[], datetime]
    name: str = "telegram"
    rate_limited: bool = True
    sent: list[tuple[datetime, str, str]] = field(default_factory=list)
    failure: FailureRule = lambda address, text: None
    unanswered: dict[str, asyncio.Event] = field(default_factory=dict)
    """By address: what a call there waits for."""

    def translate(self, body: Body) -> InboundEvent | None:
        """Return None: nothing comes in by this wire."""
        return None

    async def send(self, address: str, kind: OutboxKind, body: Body) -> str | None:
        """Note what is sent; raise what the test wishes."""
        await asyncio.sleep(0)
        if address in self.unanswered:
            await self.unanswered[address].wait()
        text = str(body.get("text", body.get("messages", kind)))
        problem = self.failure(address, text)
        if problem:
            raise problem
        self.sent.append((self.clock(), address, text))
        return str(len(self.sent)) if kind == "say" else None


class OutboxHarness:
    """An outbox with one wire, and a clock that only waiting moves."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self.database, self.vault, self.now = database, vault, NOW
        database.clock = lambda: self.now
        self.channel = RecordingChannel(lambda: self.now)
        self.delivery = self.new_delivery()
        self.chats: dict[str, str] = {}

    def new_delivery(self, patience: float | None = None) -> Delivery:
        """Return delivery as a fresh process has it."""
        house = build_runtime(self.database, {"telegram": self.channel})
        return Delivery(house, patience=patience)

    def chat(self, address: str) -> str:
        """Return the id of somebody's chat."""
        if address not in self.chats:
            self.chats[address] = store_answers(self.database, address, at=self.now)
        return self.chats[address]

    def put(self, address: str, *texts: str) -> None:
        """Put messages to somebody in line."""
        chat = self.chat(address)
        with self.database.unit(self.now) as unit:
            for text in texts:
                body = asdict(Reply(text))
                outbox.enqueue(unit, "telegram", OutboxKind.SAY, body, chat)

    def put_alert(self, text: str) -> None:
        """Put an alert to staff in line."""
        with self.database.unit(self.now) as unit:
            body = {"text": text}
            outbox.enqueue(unit, "telegram", OutboxKind.ALERT, body)

    async def drain(self) -> None:
        """Send until nothing can be sent now, waiting for limits as the program does."""
        while True:
            tried, wait = await self.delivery.deliver_batch()
            if not tried and wait is None:
                return
            if not tried and wait is not None:
                self.now += timedelta(seconds=max(wait, 0.001))

    def sent_to(self, address: str) -> list[str]:
        """Return what somebody got, in order."""
        return [text for _, to, text in self.channel.sent if to == address]

    def row_count(self, stage: OutboxStage) -> int:
        """Return how many rows are at a stage."""
        with self.database.reading() as unit:
            found = select(func.count()).where(OUTBOX.c.stage == stage)
            return int(unit.conn.execute(found).scalar_one())


@pytest.fixture
def post(database: Database, vault: Vault) -> OutboxHarness:
    """Return an empty outbox and its wire."""
    return OutboxHarness(database, vault)


def numbered(n: int) -> list[str]:
    return [f"{i:03}" for i in range(n)]


def most_within(times: list[datetime], seconds: float) -> int:
    """Return the most that was sent within any `seconds`."""
    span = timedelta(seconds=seconds)
    return max(len([t for t in times if start <= t < start + span]) for start in times)


async def test_a_chat_gets_its_messages_in_order_at_one_a_second(post: OutboxHarness) -> None:
    post.put("amina", *numbered(20))
    await post.drain()
    assert post.sent_to("amina") == numbered(20)
    times = [at for at, _, _ in post.channel.sent]
    assert most_within(times, 1) <= CHAT_BURST + 1
    assert most_within(times, 10) <= CHAT_BURST + 10
    assert (times[-1] - times[0]).total_seconds() == pytest.approx(20 - CHAT_BURST, abs=1.1)


async def test_all_chats_together_get_thirty_a_second(post: OutboxHarness) -> None:
    for n in range(50):
        post.put(f"chat {n}", "one", "two")
    await post.drain()
    times = [at for at, _, _ in post.channel.sent]
    assert len(times) == 100
    assert most_within(times, 1) <= CHANNEL_BURST + 30
    assert (times[-1] - times[0]).total_seconds() == pytest.approx((100 - 30) / 30, abs=0.5)
    assert all(post.sent_to(f"chat {n}") == ["one", "two"] for n in range(50))


async def test_acknowledging_a_press_never_waits_for_a_limit(post: OutboxHarness) -> None:
    chat = post.chat("amina")
    with post.database.unit(post.now) as unit:
        for _ in range(40):
            outbox.enqueue(unit, "telegram", OutboxKind.ACKNOWLEDGE, {}, chat)
    await post.drain()
    assert post.now == NOW
    assert len(post.sent_to("amina")) == 40


async def test_one_chat_that_must_wait_holds_up_no_other(post: OutboxHarness) -> None:
    post.put("amina", "a1", "a2")
    post.put("tom", "t1", "t2")
    waits = [RateLimited(30)]
    post.channel.failure = lambda to, text: waits.pop() if to == "amina" and waits else None
    await post.drain()
    assert (post.sent_to("amina"), post.sent_to("tom")) == ([], ["t1", "t2"])
    post.now += timedelta(seconds=29)
    await post.drain()
    assert post.sent_to("amina") == []
    post.now += timedelta(seconds=1)
    await post.drain()
    assert post.sent_to("amina") == ["a1", "a2"]


async def test_who_is_gone_gets_nothing_more_and_the_chat_is_closed(post: OutboxHarness) -> None:
    post.put("amina", "a1", "a2", "a3")
    post.put("tom", "t1")
    tried: list[str] = []

    def gone(to: str, text: str) -> Exception | None:
        tried.append(text)
        return ChatClosed() if to == "amina" else None

    post.channel.failure = gone
    await post.drain()
    assert sorted(tried) == ["a1", "t1"]
    assert post.row_count(OutboxStage.WAITING) == 0
    with post.database.reading(NOW) as unit:
        kept = conversations.load_conversation(unit, "telegram", "amina")
    assert kept.closed


async def test_what_is_refused_is_given_up_and_the_next_goes(post: OutboxHarness) -> None:
    post.put("amina", "a1", "a2")
    post.channel.failure = lambda to, text: (
        PermanentFailure("say_bad_request") if text == "a1" else None
    )
    await post.drain()
    assert post.sent_to("amina") == ["a2"]
    assert (post.row_count(OutboxStage.GIVEN_UP), post.row_count(OutboxStage.WAITING)) == (1, 0)


async def test_trouble_is_tried_again_later_and_later_and_never_given_up(
    post: OutboxHarness,
) -> None:
    post.put("amina", "a1", "a2")
    tried: list[str] = []

    def down(to: str, text: str) -> Exception | None:
        tried.append(text)
        return TimeoutError()

    post.channel.failure = down
    await post.drain()
    for n, delay in enumerate((*BACK_OFF, BACK_OFF[-1]), 1):
        post.now += timedelta(seconds=delay - 0.5)
        await post.drain()
        assert tried == ["a1"] * n
        post.now += timedelta(seconds=0.5)
        await post.drain()
        assert tried == ["a1"] * (n + 1)
    post.channel.failure = lambda to, text: None
    post.now += timedelta(seconds=BACK_OFF[-1])
    await post.drain()
    assert post.sent_to("amina") == ["a1", "a2"]


async def test_dying_between_sending_and_noting_repeats_at_most_that_one(
    post: OutboxHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.put("amina", "a1", "a2", "a3")

    def dies(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr(outbox, "mark_sent", dies)
        with pytest.raises(SystemExit):
            await post.delivery.deliver_batch()
    post.delivery = post.new_delivery()
    await post.drain()
    assert post.sent_to("amina") == ["a1", "a1", "a2", "a3"]


async def test_a_chat_that_vanished_meanwhile_makes_nobody_hear_things_twice(
    post: OutboxHarness,
) -> None:
    post.put("amina", "a1")
    post.put("tom", "t1")

    def vanishes(to: str, text: str) -> Exception | None:
        with post.database.unit() as unit:
            unit.conn.execute(delete(CHAT).where(CHAT.c.id == post.chats["amina"]))
        return None

    post.channel.failure = vanishes
    await post.drain()
    assert sorted(text for _, _, text in post.channel.sent) == ["a1", "t1"]


async def test_alerts_need_no_chat_and_wait_for_no_person(post: OutboxHarness) -> None:
    post.put("amina", "a1", "a2")
    post.put_alert("A new request: ABCD-EFGH")
    post.channel.failure = lambda to, text: RateLimited(60) if to == "amina" else None
    await post.drain()
    assert post.sent_to("") == ["A new request: ABCD-EFGH"]


async def test_another_channels_rows_neither_go_nor_stand_in_the_way(post: OutboxHarness) -> None:
    with post.database.unit(post.now) as unit:
        for _ in range(150):
            outbox.enqueue(unit, "email", OutboxKind.ALERT, {"text": "x"})
    post.put("amina", "a1")
    await post.drain()
    assert [text for _, _, text in post.channel.sent] == ["a1"]
    assert post.row_count(OutboxStage.WAITING) == 150


async def test_clearing_takes_what_can_be_deleted_and_forgets_only_that(
    post: OutboxHarness,
) -> None:
    chat = post.chat("amina")
    with post.database.unit(NOW) as unit:
        for id, age in (("1", 49 * HOUR), ("2", 47 * HOUR), ("3", HOUR)):
            message_ids.add_message_id(replace(unit, now=NOW - age), chat, id, True)
        outbox.enqueue(unit, "telegram", OutboxKind.CLEAR, {}, chat)

    def writes_meanwhile(to: str, text: str) -> Exception | None:
        with post.database.unit(NOW) as unit:
            message_ids.add_message_id(unit, chat, "4", True)
        return None

    post.channel.failure = writes_meanwhile
    await post.drain()
    assert post.sent_to("amina") == ["['2', '3']"]
    with post.database.reading() as unit:
        left = message_ids.message_ids_since(unit, chat, NOW - 99 * HOUR)
    assert left == ["1", "4"]


async def test_a_call_without_an_answer_holds_up_its_own_chat_only(post: OutboxHarness) -> None:
    post.channel.unanswered["amina"] = asyncio.Event()
    post.delivery = post.new_delivery(patience=0.0)
    post.put("amina", "a1", "a2")
    post.put("tom", "t1", "t2")
    for _ in range(4):
        _, wait = await post.delivery.deliver_batch()
        await asyncio.sleep(0.01)
        assert wait is not None, "the call is looked at again"
    assert (post.sent_to("tom"), post.sent_to("amina")) == (["t1", "t2"], [])
    assert post.row_count(OutboxStage.WAITING) == 2
    post.channel.unanswered.pop("amina").set()
    await asyncio.sleep(0.01)
    for _ in range(4):
        await post.delivery.deliver_batch()
        await asyncio.sleep(0.01)
    assert post.sent_to("amina") == ["a1", "a2"]
    assert await post.delivery.deliver_batch() == (0, None)
    assert post.row_count(OutboxStage.WAITING) == 0


async def test_a_full_round_held_back_by_a_limit_waits_for_it(post: OutboxHarness) -> None:
    for n in range(BATCH_SIZE + 20):
        post.put(f"p{n}", "x")
    tried, wait = await post.delivery.deliver_batch()
    assert tried == CHANNEL_BURST
    assert wait is not None
    assert wait > 0


async def test_a_call_that_is_ended_is_made_again(post: OutboxHarness) -> None:
    post.channel.unanswered["amina"] = asyncio.Event()
    post.delivery = post.new_delivery(patience=0.0)
    post.put("amina", "a1")
    await post.delivery.deliver_batch()
    await post.delivery.stop()
    post.channel.unanswered.clear()
    post.delivery = post.new_delivery()
    await post.drain()
    assert post.sent_to("amina") == ["a1"]


async def test_more_calls_without_an_answer_than_fit_in_a_round_hold_up_nobody_else(
    post: OutboxHarness,
) -> None:
    post.channel.rate_limited = False
    stuck = [f"p{n}" for n in range(BATCH_SIZE + 20)]
    post.channel.unanswered = {address: asyncio.Event() for address in stuck}
    for address in stuck:
        post.put(address, "x")
    post.put("tom", "t1")
    post.delivery = post.new_delivery(patience=0.0)
    for _ in range(5):
        await post.delivery.deliver_batch()
        await asyncio.sleep(0.01)
    assert post.sent_to("tom") == ["t1"]
    await post.delivery.stop()


async def test_when_a_channel_is_back_nobody_waits_for_a_long_retry(post: OutboxHarness) -> None:
    people = [f"p{n}" for n in range(20)]
    tried: list[str] = []

    def down(to: str, text: str) -> Exception | None:
        tried.append(to)
        return ChannelDown("NetworkError")

    post.channel.failure = down
    for address in people:
        post.put(address, "x")
    await post.delivery.deliver_batch()
    assert sorted(tried) == sorted(people)
    tried.clear()
    for _ in range(60):
        post.now += timedelta(seconds=1)
        await post.delivery.deliver_batch()
    assert 12 <= len(tried) <= 60, "one at a time, to see whether it is back"
    post.channel.failure = lambda to, text: None
    post.now += timedelta(seconds=OUTAGE_RETRY_SECONDS)
    await post.drain()
    assert sorted(to for _, to, _ in post.channel.sent) == sorted(people)
