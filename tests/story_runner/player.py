"""What tells a story with the parts of the program: kept in a database, read again each time."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

from sqlalchemy import func, select

from bot import private_links
from bot.pipeline import officer_access
from bot.pipeline.deliver import Delivery
from bot.pipeline.respond import respond
from bot.pipeline.sweep import sweep
from bot.runtime import Runtime
from bot.serve import Program
from bot.web.page_payload import MANUAL_ENTRY_CHANNEL, PAGE_CHANNEL, PagePayload
from flows.inputs import FormFields
from flows.vocabulary import Journey, Source
from storage.chats import conversations, inbox, officer_registry, officers
from storage.chats.inbox import Arrival, InboxStage
from storage.chats.outbox import OutboxStage
from storage.database import Database
from storage.tables import CHAT, INBOX, OUTBOX, REFERRAL
from storage.vault import Vault
from tests.harness.app import build_app
from tests.harness.clock import FakeClock
from tests.support.cast import PRIYA, Persona

STORY_START = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
"""A Tuesday, when the telephone is answered."""
SECONDS_PER_ACTION = 6.0
"""Seconds that a person takes for one act."""
SWEEP_INTERVAL = timedelta(hours=6)
"""While people wait, what time makes due is looked at this often."""
MAX_DELIVERY_ROUNDS = 500

DeliveryFault = Literal["wait", "failed", "lost"]


@dataclass(frozen=True, slots=True)
class ScreenEvent:
    """One thing that happened on somebody's phone; `how` is one of the keys of MARKS."""

    kind: str
    text: str = ""
    labels: tuple[str, ...] = ()


class Store(NamedTuple):
    """Where a story is kept."""

    url: str
    key_file: Path


class StoryPlayer(ABC):
    """What all players share: the database, the clock, and the way from the inbox to the outbox."""

    channel: str

    def __init__(self, store: Store, names_in_chat: bool = False) -> None:
        self.store, self.names_in_chat = store, names_in_chat
        self.clock = FakeClock(STORY_START)
        self.alerts: list[str] = []

    async def open(self) -> None:
        """Open the database and build the parts, as when the program starts."""
        vault = Vault.open(self.store.key_file, create=True)
        self.database = Database(self.store.url, vault, self.clock)
        self.house = self.build()
        self.delivery = Delivery(self.house)

    async def close(self) -> None:
        """Let go of everything that is not in the database."""
        self.database.close()

    def build_app(self, **settings: object) -> Program:
        """Return the program on this database and this clock."""
        return build_app(
            self.database,
            officer_details="chat" if self.names_in_chat else "pointer",
            **settings,
        )

    @abstractmethod
    def build(self) -> Runtime:
        """Return the parts that answer."""

    @abstractmethod
    async def save_arrivals(self) -> None:
        """Save what people did since the last time."""

    @abstractmethod
    def says(self, who: Persona, text: str) -> None:
        """Let somebody type."""

    @abstractmethod
    def presses(self, who: Persona, label: str, old: bool = False) -> None:
        """Let somebody press the newest button of that name; an old one is not the newest."""

    @abstractmethod
    def shares_number(self, who: Persona) -> None:
        """Let somebody share their own number, which must have been asked for."""

    @abstractmethod
    def sends(self, who: Persona, thing: str, caption: str = "") -> None:
        """Let somebody send what is not words."""

    @abstractmethod
    def edits(self, who: Persona, old: str, new: str) -> None:
        """Let somebody change the newest message of their own that begins with `old`."""

    @abstractmethod
    def blocks(self, who: Persona) -> None:
        """Let somebody block the bot."""

    @abstractmethod
    def unblocks(self, who: Persona) -> None:
        """Let somebody take it back."""

    @abstractmethod
    def adds_to_group(self, who: Persona) -> None:
        """Let somebody add the bot to a group."""

    @abstractmethod
    def fail_next_message(self, what: DeliveryFault) -> None:
        """Let the next message meet trouble: told to wait, refused, or sent without an answer."""

    @abstractmethod
    def take_events(self, who: Persona) -> list[ScreenEvent]:
        """Return what somebody saw since this was last asked."""

    @abstractmethod
    def message_count(self, who: Persona) -> int:
        """Return how many messages stand on somebody's screen."""

    @abstractmethod
    def has_keyboard(self, who: Persona) -> bool:
        """Return whether there is a keyboard of ours under the typing field."""

    @abstractmethod
    def address_of(self, who: Persona) -> str:
        """Return where somebody is reached in the channel."""

    def invite(self, officer: Persona) -> str:
        """Return what an invited officer's link types for them."""
        assert officer.officer, f"{officer.name} is no officer"
        with self.database.unit() as unit:
            code = officers.invite_officer(unit, officer.officer)
        return f"/start i_{code}"

    def revoke(self, officer: Persona) -> None:
        """Let an administrator revoke an officer."""
        assert officer.officer, f"{officer.name} is no officer"
        with self.database.unit() as unit:
            key = officer_registry.officer_key(unit, officer.officer)
            reason = officer_access.RevocationReason.DEVICE_LOST
            assert officer_access.revoke(unit, key, reason, "ada")

    def fills_in(self, who: Persona, filled: FormFields, journey: str = "") -> None:
        """Let somebody fill in a page of their chat; one with a whole journey is sent as well."""
        self._save_page(self.channel, self.address_of(who), filled, journey)

    def enter_by_phone(self, who: Persona, filled: FormFields) -> None:
        """Let staff type what somebody tells them on the telephone."""
        self._save_page(MANUAL_ENTRY_CHANNEL, f"call of {who.name}", filled, "self", PRIYA, "phone")

    def shows_code(self, who: Persona, line: str) -> str:
        """Return what the code that an officer shows types for whoever is with them."""
        with self.database.unit() as unit:
            address = self.address_of(who)
            kept = conversations.load_conversation(unit, self.channel, address)
            chat = private_links.LinkOwner(self.channel, address, kept.conversation)
            code = private_links.make_introduction_code(unit, chat, line)
        return f"{private_links.INTRODUCTION_COMMAND}{code}"

    def _save_page(
        self,
        channel: str,
        address: str,
        filled: FormFields,
        journey: str,
        typed_by: str = "",
        source: str = "",
    ) -> None:
        page = PagePayload(
            channel,
            address,
            filled,
            Journey(journey),
            bool(journey),
            typed_by=typed_by,
            source=Source(source),
        )
        arrival = Arrival(self.clock().isoformat(), address, page.to_body())
        with self.database.unit() as unit:
            inbox.enqueue_arrivals(unit, PAGE_CHANNEL, [arrival])

    async def restart(self) -> None:
        """End the program and start it again on the same database."""
        await self.close()
        await self.open()

    async def settle(self) -> None:
        """Answer all that came and deliver all the answers."""
        self.advance_clock(timedelta(seconds=SECONDS_PER_ACTION))
        await self.save_arrivals()
        await self.database.write(respond, self.house)
        self._check_nothing_is_left()
        await self._deliver()

    def has_referral(self) -> bool:
        """Return whether anybody has been referred."""
        with self.database.reading() as unit:
            return unit.first(select(REFERRAL.c.id)) is not None

    async def wait(self, time: timedelta) -> None:
        """Let time pass, and do what it makes due."""
        while time:
            hop = min(time, SWEEP_INTERVAL)
            time -= hop
            self.advance_clock(hop)
            await self.database.write(sweep, self.house)
            await self._deliver()

    def advance_clock(self, time: timedelta) -> None:
        """Move the clock on."""
        self.clock.advance(time)

    async def _deliver(self) -> None:
        for _ in range(MAX_DELIVERY_ROUNDS):
            tried, wait = await self.delivery.deliver_batch()
            if tried:
                continue
            seconds = wait or self._until_next_try()
            if seconds is None:
                return
            self.advance_clock(timedelta(seconds=seconds))
        raise AssertionError("the outbox does not become empty")

    def _until_next_try(self) -> float | None:
        waits = (
            select(func.min(OUTBOX.c.not_before))
            .outerjoin(CHAT, CHAT.c.id == OUTBOX.c.chat_id)
            .where(OUTBOX.c.stage == OutboxStage.WAITING, CHAT.c.closed_at.is_(None))
        )
        with self.database.unit() as unit:
            at = unit.conn.execute(waits).scalar_one()
        return None if at is None else max(0.1, (at - self.clock()).total_seconds())

    def _check_nothing_is_left(self) -> None:
        with self.database.unit() as unit:
            left = unit.conn.execute(
                select(INBOX.c.stage).where(INBOX.c.stage != InboxStage.DONE)
            ).all()
        assert not left, "a message could not be answered; the log says why"
