"""Staff, the bot and a person at once, in any order: nobody talks over anybody, nothing is lost."""

import asyncio
import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from bot.channel_interface import Body, InboundEvent
from bot.pipeline import handoff_relay, outgoing
from bot.pipeline.deliver import Delivery
from bot.pipeline.respond import respond
from bot.pipeline.sweep import sweep
from flows import casework
from flows.calendar.workdays import is_working_day
from flows.casework import Act
from flows.conversation import Conversation
from flows.dialogue import handoff
from flows.inputs import ButtonPress, TypedText
from flows.interaction.moment import Moment
from flows.outbound import guard, reply_templates
from flows.outbound.guard import OutboundKind, OutboundMessage, Variant
from flows.outbound.reply_templates import ReplyChoice
from flows.questions import journey
from flows.scenes import paused
from flows.service import service
from flows.vocabulary import OutboxKind
from flows.wording import say
from storage.chats import conversations, handoffs, inbox
from storage.chats.inbox import Arrival, InboxStage
from storage.database import Database
from storage.referrals import acts, lifecycle
from storage.referrals.steps import NotReferralOwner
from storage.tables import CHAT, INBOX, REFERRAL
from storage.vault import Vault
from tests.harness.app import build_runtime
from tests.harness.thorough import is_thorough
from tests.support.happy_path import SEND, happy_path, option_label, steps_before

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
KENT = ZoneInfo("Europe/London")
RUNS, STEPS = (10 if is_thorough() else 3), 160
STAFF_NAMES = ("mira", "omar")
WORDS = ("hello", "yes", "1", "no", "what now?", "I can talk after four", "/start", "help", "next")
ENDINGS = ("computer", "stop", "withdraw", "my husband is going to kill me")
BUTTONS = ("told:when:morning~0", "told:closing:keep~0", "computer~0", "here~0", "withdraw~0")
WORDINGS = reply_templates.reply_templates()
STAFF_SAYS = {
    reply_templates.render_reply(
        ReplyChoice(one, START.date(), "morning", "Mira"), variant, "en"
    ).text
    for one in reply_templates.reply_templates()
    for variant in Variant
}


@dataclass(frozen=True, slots=True)
class DeliveredMessage:
    """One message that reached the person, and how things stood at that moment."""

    at: datetime
    text: str
    guard_input: Body
    handed_off_to: str | None


@dataclass
class HandoffChannel:
    """A channel whose messages arrive at once, or fail when told to."""

    house: "HandoffHarness | None" = None
    name: str = "spoken"
    rate_limited: bool = False
    failures_left: int = 0
    sent: list[DeliveredMessage] = field(default_factory=list)

    def translate(self, body: Body) -> InboundEvent | None:
        """Return what a line means."""
        how = ButtonPress if "press" in body else TypedText
        heard = how(body.get("press") or body["say"], message_id=body["n"])
        return InboundEvent("amina", heard, message_id=body["n"])

    async def send(self, address: str, kind: OutboxKind, body: Body) -> str | None:
        """Note what is said, with who holds the chat now; fail if told to."""
        if kind != "say" or self.house is None:
            return None
        if self.failures_left:
            self.failures_left -= 1
            raise OSError("the line is down")
        held_by = self.house.handed_off_to()
        self.sent.append(
            DeliveredMessage(self.house.now, body["text"], body[outgoing.GUARD_KEY], held_by)
        )
        return str(len(self.sent))


class HandoffHarness:
    """One person with a request that was sent, staff, the bot, and a clock."""

    def __init__(self, file: Path, vault: Vault) -> None:
        self.vault, self.now, self.n = vault, START, 0
        self.database = Database(f"sqlite:///{file}", vault, lambda: self.now)
        self.wire = HandoffChannel(self)
        self.house = build_runtime(self.database, {"spoken": self.wire}, ())
        self.reference = ""

    def save_input(self, body: Body) -> None:
        """Put a line into the inbox."""
        self.n += 1
        line = {**body, "n": str(self.n)}
        with self.database.unit(self.now) as unit:
            arrival = Arrival(str(self.n), "amina", line)
            inbox.enqueue_arrivals(unit, "spoken", [arrival])

    def respond_once(self) -> bool:
        """Answer the first thing that waits; return whether a turn was taken."""
        with self.database.unit(self.now) as unit:
            answered = respond(unit, self.house, 1)
        return bool(answered and answered[0].turn)

    def deliver(self) -> None:
        """Send what can be sent now."""
        delivery = Delivery(self.house)
        for _ in range(20):
            if not asyncio.run(delivery.deliver_batch())[0]:
                return

    def conversation(self) -> Conversation:
        """Return where the person's conversation stands."""
        with self.database.reading(self.now) as unit:
            return conversations.load_conversation(unit, "spoken", "amina").conversation

    def handed_off_to(self) -> str | None:
        """Return who holds the chat, worked out from the rows themselves."""
        with self.database.reading() as unit:
            conn = unit.conn
            chat = conn.execute(select(CHAT)).one()
            if chat.handed_off_to is None or chat.handoff_until <= self.now:
                return None
            mine = select(REFERRAL).where(REFERRAL.c.reference == chat.handoff_reference)
            is_owner = conn.execute(mine).one().owner == chat.handed_off_to
            return str(chat.handed_off_to) if is_owner else None

    def notes_while_handed_off(self) -> list[str]:
        """Return what the person wrote while they were held."""
        with self.database.reading() as unit:
            steps = lifecycle.list_steps(unit, self.reference)
        return [step.note for step in steps if step.act == "wrote"]

    def waiting(self) -> int:
        """Return how many lines wait for an answer."""
        with self.database.unit(self.now) as unit:
            return len(inbox.due_inbox_items(unit, ["spoken"], 100))


def position(conversation: Conversation) -> tuple[str, str]:
    """Return which question is open, as it is once somebody who was away carries on."""
    if conversation.stage == "paused":
        conversation = paused.resume_conversation(conversation)
    now_open = journey.open_question(conversation) if conversation.stage == "asking" else None
    return conversation.stage, now_open.key if now_open else ""


@pytest.fixture(scope="module")
def begun(empty_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Vault, str]:
    """Return a file in which somebody has sent a request and begun another."""
    folder = tmp_path_factory.mktemp("begun")
    file = Path(shutil.copy(empty_file, folder / "rj.db"))
    vault = Vault.open(folder / "vault.json", create=True)
    made = HandoffHarness(file, vault)
    steps = [one.press or one.say for one in steps_before("way")]
    chat = [
        option_label("way", "here"),
        option_label("if_seen", "no_service"),
        happy_path()[-2].press,
        SEND,
    ]
    for words in ("/start", *steps, *chat):
        made.save_input({"say": words})
        made.respond_once()
    receipt = made.conversation().receipt
    assert receipt is not None
    for words in (say("en", "scenes.sent.another"), *steps[1:5]):
        made.save_input({"say": words})
        made.respond_once()
    assert position(made.conversation())[0] == "asking"
    made.deliver()
    made.database.close()
    return file, vault, receipt.reference


class RandomSchedule:
    """Whatever happens in whatever order."""

    def __init__(self, begun: tuple[Path, Vault, str], folder: Path, dice: random.Random) -> None:
        file, vault, reference = begun
        self.house, self.dice = HandoffHarness(Path(shutil.copy(file, folder)), vault), dice
        self.house.reference, self.house.n = reference, 1000
        self.reached: Counter[str] = Counter()
        self.staff_claim("mira")

    def step(self) -> None:
        """Do something, whatever it is, and look whether all still holds."""
        pick = self.dice.choice
        acts: list[tuple[float, Callable[[], None]]] = [
            (20, lambda: self.person_types(pick(WORDS), pick([True, False]))),
            (3, lambda: self.person_types(pick(ENDINGS), pick([True, False]))),
            (6, lambda: self.person_presses(pick(BUTTONS))),
            (15, self.bot_responds),
            (30, lambda: self.bot_delivers(pick([0, 0, 0, 0, 0, 1]))),
            (15, lambda: self.time_passes(pick([1, 1, 5, 5, 29, 31]))),
            (3, lambda: self.another_day(pick([8, 10, 10, 10, 11, 12, 18]))),
            (10, self.bot_sweeps),
            (20, lambda: self.staff_write(pick(["", "", "", "mira", "omar"]), pick(WORDINGS))),
            (5, lambda: self.staff_claim(pick(STAFF_NAMES))),
            (8, self.staff_give_back),
            (
                4,
                lambda: self.staff_act(
                    pick(STAFF_NAMES), pick(["hand_back", "transfer", "spoke", "spoke", "close"])
                ),
            ),
            (4, lambda: self.staff_act(pick(STAFF_NAMES), "reopen")),
            (0.1, self.contact_stops),
        ]
        weights = [weight for weight, _ in acts]
        self.dice.choices(acts, weights)[0][1]()
        self.check_one_speaker()
        self.check_nothing_set_aside()

    # --- the person

    def person_types(self, words: str, heard: bool) -> None:
        """The person types; it is heard at once, or later."""
        self.house.save_input({"say": words})
        if heard:
            self.bot_responds()

    def person_presses(self, button: str) -> None:
        """The person presses a button."""
        self.house.save_input({"press": button})

    # --- the bot

    def bot_responds(self) -> None:
        """The bot hears the next thing; while it is held it only keeps it, and moves nothing."""
        house = self.house
        if not house.waiting():
            return
        with house.database.unit(house.now) as unit:
            (row,) = inbox.due_inbox_items(unit, ["spoken"], 1)
        arrived = house.wire.translate(row.body)
        assert arrived is not None and arrived.user_input is not None
        before, kept = house.conversation(), house.notes_while_handed_off()
        holds_on = house.handed_off_to() and not handoff.handoff_end_reason(
            before, arrived.user_input
        )
        turned = house.respond_once()
        assert turned == (not holds_on)
        if holds_on:
            self.reached["kept while held"] += 1
            assert house.notes_while_handed_off() == [
                *kept,
                handoff.describe_input(Moment(before, arrived.user_input, house.now)),
            ]
            assert position(house.conversation()) == position(before)
            assert house.conversation().answers == before.answers

    def bot_delivers(self, fails: int) -> None:
        """What waits is sent; some of it fails and is tried again."""
        self.house.wire.failures_left = fails
        self.house.deliver()
        self.house.wire.failures_left = 0

    def time_passes(self, minutes: int) -> None:
        """Time passes."""
        self.house.now += timedelta(minutes=minutes)

    def another_day(self, hour: int) -> None:
        """It is another day."""
        day = self.house.now + timedelta(days=1)
        self.house.now = day.replace(hour=hour, minute=40)

    def bot_sweeps(self) -> None:
        """What time makes due is done; where the person stood is kept."""
        house, before = self.house, self.house.conversation()
        with house.database.unit(house.now) as unit:
            sweep(unit, house.house)
        quiet = house.now - (before.last_input_at or house.now)
        if quiet < timedelta(hours=service().draft_hours):
            assert position(house.conversation()) == position(before)

    # --- staff

    def staff_claim(self, who: str) -> None:
        """Somebody claims it."""
        with self.house.database.unit(self.house.now) as unit:
            acts.claim(unit, self.house.reference, who)

    def staff_write(self, stranger: str, which: reply_templates.ReplyTemplate) -> None:
        """Its owner sends approved wording, or somebody tries who may not have it."""
        house, who = self.house, stranger or self.owner() or "mira"
        chosen = ReplyChoice(which, START.date(), "morning", "Mira")
        message = OutboundMessage(OutboundKind.STAFF, Variant.NO_SERVICE, who)
        house.n += 1
        with house.database.unit(house.now) as unit:
            reply = reply_templates.render_reply(chosen, Variant.NO_SERVICE, "en")
            step_id = f"{house.n:032x}"
            outgoing.send_staff_message(unit, house.reference, reply, message, step_id)

    def staff_give_back(self) -> None:
        """Whoever holds it gives it back; the bot returns to where they were."""
        house, before = self.house, self.house.conversation()
        with house.database.unit(house.now) as unit:
            chat_id = unit.conn.scalars(select(CHAT.c.id)).one()
            own = handoffs.active_handoff(unit, chat_id)
            if own:
                handoff_relay.hand_back_to_bot(unit, own)
        assert house.handed_off_to() is None
        assert position(house.conversation()) == position(before)

    def staff_act(self, who: str, act: str) -> None:
        """Somebody does something with it, where that is allowed."""
        house, to = self.house, "omar" if who == "mira" else "mira"
        try:
            with house.database.unit() as unit:
                acts.perform_act(unit, house.reference, act, who, transfer_to=to)
        except (NotReferralOwner, casework.InvalidTransition):
            return

    def contact_stops(self) -> None:
        """The person rang and asked that contact stops."""
        with self.house.database.unit(self.house.now) as unit:
            lifecycle.stop_contact(unit, self.house.reference, Act.WITHDRAW)

    # --- what must hold

    def check_one_speaker(self) -> None:
        """While somebody holds the chat only they write; nothing has gone past the guard."""
        for one in self.house.wire.sent:
            kind = one.guard_input["kind"]
            self.reached[kind] += 1
            assert (kind == OutboundKind.STAFF) == (one.text in STAFF_SAYS)
            if one.handed_off_to and not one.guard_input["unblockable"]:
                assert kind == OutboundKind.STAFF, one
                assert one.guard_input["sender"] == one.handed_off_to
            if kind != OutboundKind.ANSWER:
                here = one.at.astimezone(KENT)
                assert is_working_day(here.date(), service())
                assert service().opens <= here.time() < service().closes
                self._may_be_written_to(one)
        self.house.wire.sent.clear()

    def owner(self) -> str | None:
        """Return who has the referral."""
        with self.house.database.reading() as unit:
            owner = unit.conn.scalars(select(REFERRAL.c.owner)).one()
        return str(owner) if owner else None

    def _may_be_written_to(self, one: DeliveredMessage) -> None:
        house = self.house
        with house.database.reading() as unit:
            mine = select(REFERRAL).where(REFERRAL.c.reference == house.reference)
            row = unit.conn.execute(mine).one()
        assert row.stage not in guard.BLOCKED_STAGES
        assert row.may_contact
        assert (
            one.guard_input["kind"] == OutboundKind.BOT_RESUMES
            or row.owner == one.guard_input["sender"]
        )

    def check_nothing_set_aside(self) -> None:
        """Every line was answered or kept."""
        with self.house.database.reading() as unit:
            aside = select(func.count()).where(INBOX.c.stage == InboxStage.SET_ASIDE)
            assert unit.conn.execute(aside).scalar_one() == 0


def test_only_one_side_speaks_in_any_order(begun: tuple[Path, Vault, str], tmp_path: Path) -> None:
    met: Counter[str] = Counter()
    for seed in range(RUNS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        together = RandomSchedule(begun, folder, random.Random(seed))
        for _ in range(STEPS):
            together.step()
        together.house.database.close()
        met += together.reached
    assert (
        min(
            met[kind] for kind in (*OutboundKind, "kept while held") if kind != OutboundKind.CLEANUP
        )
        > 1.5 * RUNS
    ), met
