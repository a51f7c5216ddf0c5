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

from bot.channels import Arrived, Body
from bot.pipeline import handoff_relay, outgoing
from bot.pipeline.deliver import Delivery
from bot.pipeline.respond import respond
from bot.pipeline.sweep import sweep
from bot.runtime import House
from flows import casework
from flows.calendar.workdays import is_working_day
from flows.conversation import Conversation, Heard, Hearing
from flows.dialogue import handoff
from flows.outbound import guard, reply_templates
from flows.outbound.guard import VARIANTS, Kind, Outward
from flows.outbound.reply_templates import Chosen
from flows.questions import journey
from flows.scenes import paused
from flows.service import service
from flows.wording import say
from storage.chats import conversations, handoffs, inbox
from storage.chats.inbox import Arrival
from storage.database import Database
from storage.referrals import lifecycle
from storage.referrals.steps import NotYours
from storage.tables import CHAT, INBOX, REFERRAL
from storage.vault import Vault
from tests.support.happy_path import SEND, option, until, way

pytest_plugins = ("tests.harness.storage_fixtures",)

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
KENT = ZoneInfo("Europe/London")
RUNS, STEPS = 10, 160
WHO = ("mira", "omar")
WORDS = ("hello", "yes", "1", "no", "what now?", "I can talk after four", "/start", "help", "next")
ENDINGS = ("computer", "stop", "withdraw", "my husband is going to kill me")
BUTTONS = ("told:when:morning~0", "told:closing:keep~0", "computer~0", "here~0", "withdraw~0")
WORDINGS = reply_templates.wordings()
STAFF_SAYS = {
    reply_templates.message(Chosen(one, START.date(), "morning", "Mira"), variant, "en").text
    for one in reply_templates.wordings()
    for variant in VARIANTS
}


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that reached the person, and how things stood at that moment."""

    at: datetime
    text: str
    guarded: Body
    held_by: str | None


@dataclass
class Wire:
    """A channel whose messages arrive at once, or fail when told to."""

    house: "Rehearsal | None" = None
    name: str = "spoken"
    limited: bool = False
    fails: int = 0
    sent: list[Sent] = field(default_factory=list)

    def translate(self, body: Body) -> Arrived | None:
        """Return what a line means."""
        how = Hearing.PRESSED if "press" in body else Hearing.SAID
        heard = Heard(how, body.get("press") or body["say"], message=body["n"])
        return Arrived("amina", heard, message=body["n"])

    async def send(self, address: str, kind: str, body: Body) -> str | None:
        """Note what is said, with who holds the chat now; fail if told to."""
        if kind != "say" or self.house is None:
            return None
        if self.fails:
            self.fails -= 1
            raise OSError("the line is down")
        held_by = self.house.holder()
        self.sent.append(Sent(self.house.now, body["text"], body[outgoing.GUARD], held_by))
        return str(len(self.sent))


class Rehearsal:
    """One person with a request that was sent, staff, the bot, and a clock."""

    def __init__(self, file: Path, vault: Vault) -> None:
        self.database, self.vault, self.now, self.n = Database(f"sqlite:///{file}"), vault, START, 0
        self.wire = Wire(self)
        self.house = House(vault, {"spoken": self.wire}, ())
        self.reference = ""

    def keep(self, body: Body) -> None:
        """Put a line into the inbox."""
        self.n += 1
        line = {**body, "n": str(self.n)}
        with self.database.transaction() as conn:
            arrival = Arrival(str(self.n), "amina", line)
            inbox.keep(conn, self.vault, "spoken", [arrival], self.now)

    def hear(self) -> bool:
        """Answer the first thing that waits; return whether a turn was taken."""
        with self.database.transaction() as conn:
            answered = respond(conn, self.house, self.now, 1)
        return bool(answered and answered[0].turn)

    def deliver(self) -> None:
        """Send what can be sent now."""
        delivery = Delivery(self.database, self.house, lambda: self.now)
        for _ in range(20):
            if not asyncio.run(delivery.round())[0]:
                return

    def stands(self) -> Conversation:
        """Return where the person's conversation stands."""
        with self.database.session() as session:
            conn = session.connection()
            return conversations.recall(conn, self.vault, "spoken", "amina", self.now).conversation

    def holder(self) -> str | None:
        """Return who holds the chat, worked out from the rows themselves."""
        with self.database.session() as session:
            conn = session.connection()
            chat = conn.execute(select(CHAT)).one()
            if chat.held_by is None or chat.held_until <= self.now:
                return None
            mine = select(REFERRAL).where(REFERRAL.c.reference == chat.held_for)
            return str(chat.held_by) if conn.execute(mine).one().owner == chat.held_by else None

    def wrote(self) -> list[str]:
        """Return what the person wrote while they were held."""
        with self.database.session() as session:
            steps = lifecycle.history(session, self.vault, self.reference)
        return [step.note for step in steps if step.act == "wrote"]

    def waiting(self) -> int:
        """Return how many lines wait for an answer."""
        with self.database.transaction() as conn:
            return len(inbox.waiting(conn, self.vault, self.now, ["spoken"], 100))


def where(conversation: Conversation) -> tuple[str, str]:
    """Return which question is open, as it is once somebody who was away carries on."""
    if conversation.stage == "paused":
        conversation = paused.resumed(conversation)
    now_open = journey.open_question(conversation) if conversation.stage == "asking" else None
    return conversation.stage, now_open.key if now_open else ""


@pytest.fixture(scope="module")
def begun(empty_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Vault, str]:
    """Return a file in which somebody has sent a request and begun another."""
    folder = tmp_path_factory.mktemp("begun")
    file = Path(shutil.copy(empty_file, folder / "rj.db"))
    vault = Vault.open(folder / "vault.json", create=True)
    made = Rehearsal(file, vault)
    steps = [one.press or one.say for one in until("way")]
    chat = [option("way", "here"), option("if_seen", "no_service"), way()[-2].press, SEND]
    for words in ("/start", *steps, *chat):
        made.keep({"say": words})
        made.hear()
    receipt = made.stands().receipt
    assert receipt is not None
    for words in (say("en", "scenes.sent.another"), *steps[1:5]):
        made.keep({"say": words})
        made.hear()
    assert where(made.stands())[0] == "asking"
    made.deliver()
    made.database.close()
    return file, vault, receipt.reference


class Together:
    """Whatever happens in whatever order."""

    def __init__(self, begun: tuple[Path, Vault, str], folder: Path, dice: random.Random) -> None:
        file, vault, reference = begun
        self.house, self.dice = Rehearsal(Path(shutil.copy(file, folder)), vault), dice
        self.house.reference, self.house.n = reference, 1000
        self.met: Counter[str] = Counter()
        self.claims("mira")

    def step(self) -> None:
        """Do something, whatever it is, and look whether all still holds."""
        pick = self.dice.choice
        acts: list[tuple[float, Callable[[], None]]] = [
            (20, lambda: self.says(pick(WORDS), pick([True, False]))),
            (3, lambda: self.says(pick(ENDINGS), pick([True, False]))),
            (6, lambda: self.presses(pick(BUTTONS))),
            (15, self.answers),
            (30, lambda: self.delivers(pick([0, 0, 0, 0, 0, 1]))),
            (15, lambda: self.time_passes(pick([1, 1, 5, 5, 29, 31]))),
            (3, lambda: self.another_day(pick([8, 10, 10, 10, 11, 12, 18]))),
            (10, self.sweeps),
            (20, lambda: self.writes(pick(["", "", "", "mira", "omar"]), pick(WORDINGS))),
            (5, lambda: self.claims(pick(WHO))),
            (8, self.gives_back),
            (
                4,
                lambda: self.acts(
                    pick(WHO), pick(["hand_back", "transfer", "spoke", "spoke", "close"])
                ),
            ),
            (4, lambda: self.acts(pick(WHO), "reopen")),
            (0.1, self.stops),
        ]
        weights = [weight for weight, _ in acts]
        self.dice.choices(acts, weights)[0][1]()
        self.nobody_talks_over_anybody()
        self.nothing_is_set_aside()

    # --- the person

    def says(self, words: str, heard: bool) -> None:
        """The person types; it is heard at once, or later."""
        self.house.keep({"say": words})
        if heard:
            self.answers()

    def presses(self, button: str) -> None:
        """The person presses a button."""
        self.house.keep({"press": button})

    # --- the bot

    def answers(self) -> None:
        """The bot hears the next thing; while it is held it only keeps it, and moves nothing."""
        house = self.house
        if not house.waiting():
            return
        with house.database.transaction() as conn:
            (row,) = inbox.waiting(conn, house.vault, house.now, ["spoken"], 1)
        arrived = house.wire.translate(row.body)
        assert arrived is not None and arrived.heard is not None
        before, kept = house.stands(), house.wrote()
        holds_on = house.holder() and not handoff.ends_hold(before, arrived.heard)
        turned = house.hear()
        assert turned == (not holds_on)
        if holds_on:
            self.met["kept while held"] += 1
            assert house.wrote() == [*kept, handoff.words_of(before, arrived.heard)]
            assert where(house.stands()) == where(before)
            assert house.stands().answers == before.answers

    def delivers(self, fails: int) -> None:
        """What waits is sent; some of it fails and is tried again."""
        self.house.wire.fails = fails
        self.house.deliver()
        self.house.wire.fails = 0

    def time_passes(self, minutes: int) -> None:
        """Time passes."""
        self.house.now += timedelta(minutes=minutes)

    def another_day(self, hour: int) -> None:
        """It is another day."""
        day = self.house.now + timedelta(days=1)
        self.house.now = day.replace(hour=hour, minute=40)

    def sweeps(self) -> None:
        """What time makes due is done; where the person stood is kept."""
        house, before = self.house, self.house.stands()
        with house.database.transaction() as conn:
            sweep(conn, house.house, house.now)
        quiet = house.now - (before.heard_at or house.now)
        if quiet < timedelta(hours=service().draft_hours):
            assert where(house.stands()) == where(before)

    # --- staff

    def claims(self, who: str) -> None:
        """Somebody claims it."""
        with self.house.database.transaction() as conn:
            lifecycle.claim(conn, self.house.reference, who, self.house.now)

    def writes(self, stranger: str, which: reply_templates.Wording) -> None:
        """Its owner sends approved wording, or somebody tries who may not have it."""
        house, who = self.house, stranger or self.owner() or "mira"
        chosen = Chosen(which, START.date(), "morning", "Mira")
        message = Outward(Kind.STAFF, "no_service", who)
        house.n += 1
        with house.database.transaction() as conn:
            reply = reply_templates.message(chosen, "no_service", "en")
            step_id = f"{house.n:032x}"
            outgoing.send(conn, house.vault, house.reference, reply, message, house.now, step_id)

    def gives_back(self) -> None:
        """Whoever holds it gives it back; the bot returns to where they were."""
        house, before = self.house, self.house.stands()
        with house.database.transaction() as conn:
            chat_id = conn.scalars(select(CHAT.c.id)).one()
            own = handoffs.holder(conn, chat_id, house.now)
            if own:
                handoff_relay.give_back(conn, house.vault, own, house.now)
        assert house.holder() is None
        assert where(house.stands()) == where(before)

    def acts(self, who: str, act: str) -> None:
        """Somebody does something with it, where that is allowed."""
        house, to = self.house, "omar" if who == "mira" else "mira"
        try:
            with house.database.transaction() as conn:
                lifecycle.take_step(
                    *(conn, house.vault, house.reference, act, who, house.now), to=to
                )
        except (NotYours, casework.NotAllowed):
            return

    def stops(self) -> None:
        """The person rang and asked that contact stops."""
        with self.house.database.transaction() as conn:
            lifecycle.stop_contact(conn, self.house.reference, "withdraw", self.house.now)

    # --- what must hold

    def nobody_talks_over_anybody(self) -> None:
        """While somebody holds the chat only they write; nothing has gone past the guard."""
        for one in self.house.wire.sent:
            kind = one.guarded["kind"]
            self.met[kind] += 1
            assert (kind == Kind.STAFF) == (one.text in STAFF_SAYS)
            if one.held_by and not one.guarded["always"]:
                assert kind == Kind.STAFF, one
                assert one.guarded["by"] == one.held_by
            if kind != Kind.ANSWER:
                here = one.at.astimezone(KENT)
                assert is_working_day(here.date(), service())
                assert service().opens <= here.time() < service().closes
                self._may_be_written_to(one)
        self.house.wire.sent.clear()

    def owner(self) -> str | None:
        """Return who has the referral."""
        with self.house.database.session() as session:
            owner = session.connection().scalars(select(REFERRAL.c.owner)).one()
        return str(owner) if owner else None

    def _may_be_written_to(self, one: Sent) -> None:
        house = self.house
        with house.database.session() as session:
            mine = select(REFERRAL).where(REFERRAL.c.reference == house.reference)
            row = session.connection().execute(mine).one()
        assert row.stage not in guard.REFUSED_AT
        assert row.may_contact
        assert one.guarded["kind"] == Kind.RETURN or row.owner == one.guarded["by"]

    def nothing_is_set_aside(self) -> None:
        """Every line was answered or kept."""
        with self.house.database.session() as session:
            aside = select(func.count()).where(INBOX.c.stage == "set_aside")
            assert session.connection().execute(aside).scalar_one() == 0


def test_in_any_order_nobody_talks_over_anybody(
    begun: tuple[Path, Vault, str], tmp_path: Path
) -> None:
    met: Counter[str] = Counter()
    for seed in range(RUNS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        together = Together(begun, folder, random.Random(seed))
        for _ in range(STEPS):
            together.step()
        together.house.database.close()
        met += together.met
    assert min(met[kind] for kind in (*Kind, "kept while held") if kind != Kind.TIDY) > 15, met
