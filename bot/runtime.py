"""What all parts of one process share: settings, database, channels, limits, and who waits."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn

from bot.answers import AnswerNotifier
from bot.broadcast import EventBroadcaster
from bot.channel_interface import Body, Channel
from bot.monitoring.measurements import Measurements
from bot.peers.messages import PeerMessages
from bot.peers.presence import PresenceTracker
from bot.peers.rate_limit import RateLimiter
from bot.settings import Settings
from storage.chats import screens
from storage.database import Database
from storage.referrals import steps
from storage.unit import Unit
from storage.vault import Vault

MAX_CHATS_STARTING = 5
"""How many new chats are taken on at a time: more of them wait, and nobody who is known does."""


class WakeSignals:
    """What one part tells another: there is something to do. Everything happens on one loop."""

    def __init__(self) -> None:
        self._events: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def event(self, signal: str) -> asyncio.Event:
        """Return what is set when a signal comes: the inbox's, or a channel's of the outbox."""
        return self._events[signal]

    def notify(self, signals: Iterable[str]) -> None:
        """Wake whoever waits for one of these."""
        for signal in signals:
            if signal in self._events:
                self._events[signal].set()

    def notify_all(self) -> None:
        """Wake everybody."""
        self.notify(list(self._events))


def live_revision(unit: Unit) -> str:
    """Return what changes with any chat's screen, and with each step of a referral."""
    return f"{screens.all_screens_revision(unit)} {steps.last_step(unit)}"


AnswerNow = Callable[[Unit, str, list[Body]], object]


def _cannot_answer() -> NoReturn:
    raise LookupError("this process has no responder")


@dataclass(slots=True)
class Runtime:
    """One process. Of the channels, `alerts` reach the staff, and `manager` the manager alone.

    `demo` holds what the demo shows for signing in, None outside of it. `answer_within` is how many
    seconds a page waits for its answer before it is shown without. `answer_now` answers what a
    unit of work has stored as answered by a channel. `is_listening` says whether other processes
    tell this one what they commit, `is_warm` whether all content is read. `telegram_username`
    returns the bot's name on Telegram, "" where there is none (yet). `locks` serialize sign-in
    attempts.
    """

    settings: Settings
    database: Database
    channels: Mapping[str, Channel] = field(default_factory=dict)
    alerts: Sequence[str] = ()
    manager: Sequence[str] = ()
    demo: Mapping[str, str] | None = None
    telegram_username: Callable[[], str] = lambda: ""
    answers: AnswerNotifier = field(default_factory=AnswerNotifier)
    wake: WakeSignals = field(default_factory=WakeSignals)
    answer_within: float = 5.0
    locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    chat_starts: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(MAX_CHATS_STARTING)
    )
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    answer_now: AnswerNow = lambda unit, channel, bodies: _cannot_answer()
    is_listening: bool = False
    is_warm: bool = False
    measurements: Measurements = field(default_factory=Measurements)
    peers: PeerMessages = field(init=False)
    limiter: RateLimiter = field(init=False)
    presence: PresenceTracker = field(init=False)
    live: EventBroadcaster = field(init=False)

    def __post_init__(self) -> None:
        """Have each commit wake the parts and the pages that it changed something for."""
        self.peers = PeerMessages(self.vault)
        self.limiter = RateLimiter(self.vault.fingerprint, self.peers)
        self.presence = PresenceTracker(self.clock, self.peers)
        self.live = EventBroadcaster(self._revision_elsewhere)
        self.database.on_commit = self.on_signals

    def on_signals(self, signals: set[str]) -> None:
        """Wake whoever waits for one of these; called after the commit, here or elsewhere."""
        self.wake.notify(signals)
        self.live.notify(signals)

    def on_listening(self) -> None:
        """Have everybody look, since what others committed before now may have been missed."""
        self.is_listening = True
        self.wake.notify_all()
        self.live.notify_all()

    async def _revision_elsewhere(self) -> str:
        """Return what changes when the process that answers changes something for open pages."""
        if self.answers.has_responder or self.is_listening:
            return ""
        return await self.database.read(live_revision)

    @property
    def vault(self) -> Vault:
        """Return the vault that the database was opened with."""
        return self.database.vault

    @property
    def clock(self) -> Callable[[], datetime]:
        """Return the clock that the database goes by; it gives an aware time."""
        return self.database.clock

    @property
    def details_in_chat(self) -> bool:
        """Return whether an officer may give details in the chat itself."""
        return self.settings.officer_details == "chat"

    @property
    def public_url(self) -> str | None:
        """Return where the pages are reached from outside, None where they are not."""
        return self.settings.public_url

    @property
    def secure(self) -> bool:
        """Return whether the site is served by https, so that its cookies are too."""
        return (self.public_url or "").startswith("https://")
