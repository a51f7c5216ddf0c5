"""Outbox to channel: in order within a chat, within the limits, at least once."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.channels import Gone, Later, Refused, Wait
from bot.pipeline import outgoing
from bot.runtime import House
from storage.chats import message_ids, outbox
from storage.chats.outbox import Outgoing
from storage.database import Database

log = logging.getLogger("rj.deliver")

PER_CHAT, CHAT_BURST = 1.0, 4.0
PER_CHANNEL, CHANNEL_BURST = 30.0, 30.0
"""Telegram's advice: one message a second to a chat, thirty a second in all. Messages a second."""
DELETABLE = timedelta(hours=48)
BACK_OFF = (1, 2, 5, 15, 60, 300, 900)
"""Seconds until the next try, by how often it has failed."""
PATIENT = {"webhook": (*BACK_OFF, 3600, 10800, 21600, 43200)}
"""Channels on which a row is tried once more than it says here, for a day at most, and then waits
in the list of the dead until somebody sends it again."""
A_DAY = timedelta(hours=24)
MANY = 100
_COUNTED = ("say", "alert")


@dataclass(slots=True)
class _Bucket:
    rate: float
    burst: float
    level: float
    at: datetime

    def wait(self, now: datetime) -> float:
        """Return the seconds until there is one to take; 0.0 when there is."""
        passed = max(0.0, (now - self.at).total_seconds())
        self.level, self.at = min(self.burst, self.level + passed * self.rate), now
        return max(0.0, (1 - self.level) / self.rate)


@dataclass(slots=True)
class Limits:
    """How much may be sent to a chat, and by a channel, right now."""

    buckets: dict[str, _Bucket] = field(default_factory=dict)

    def wait(self, row: Outgoing, now: datetime) -> float:
        """Return the seconds that a row must wait; 0.0 takes its place in the count."""
        if row.kind not in _COUNTED:
            return 0.0
        both = (
            self._bucket(f"{row.channel}/{row.chat_id}", PER_CHAT, CHAT_BURST, now),
            self._bucket(row.channel, PER_CHANNEL, CHANNEL_BURST, now),
        )
        seconds = max(bucket.wait(now) for bucket in both)
        if not seconds:
            for bucket in both:
                bucket.level -= 1
        return seconds

    def _bucket(self, name: str, rate: float, burst: float, now: datetime) -> _Bucket:
        if len(self.buckets) > 10_000:
            self.buckets.clear()
        return self.buckets.setdefault(name, _Bucket(rate, burst, burst, now))


@dataclass(frozen=True, slots=True)
class _Outcome:
    row: Outgoing
    message: str | None = None
    cleared: tuple[str, ...] = ()
    error: Exception | None = None


class Delivery:
    """Sends what is in the outbox of one process; one process a channel."""

    def __init__(self, database: Database, house: House, clock: Callable[[], datetime]) -> None:
        self._database, self._house, self._clock = database, house, clock
        self._limits = Limits()

    async def round(self) -> tuple[int, float | None]:
        """Send what can be sent now.

        Returns how many rows were tried, and the seconds until a row held back by a limit may go.
        """
        now = self._clock()
        rows = await self._database.write(lambda connection: self._ready(connection, now))
        waits = [(row, self._wait(row, now)) for row in rows]
        going = [row for row, wait in waits if not wait]
        if going:
            outcomes = await asyncio.gather(*(self._send(row, now) for row in going))
            await self._database.write(lambda connection: self._note(connection, outcomes))
        held = [wait for _, wait in waits if wait]
        return len(going), min(held, default=None)

    def _ready(self, connection: Connection, now: datetime) -> list[Outgoing]:
        """Return what can be sent and may still be: the guard is asked about each again."""
        vault = self._house.vault
        rows = outbox.ready(connection, vault, now, self._house.channels, MANY)
        going = [row for row in rows if outgoing.may_go(connection, vault, row, now)]
        return going if going or not rows else self._ready(connection, now)

    def _wait(self, row: Outgoing, now: datetime) -> float:
        return self._limits.wait(row, now) if self._house.channels[row.channel].limited else 0.0

    async def _send(self, row: Outgoing, now: datetime) -> _Outcome:
        body, cleared = row.body, []
        try:
            if row.kind == "clear" and row.chat_id:
                cleared = await self._deletable(row.chat_id, now)
                body = {"messages": cleared}
            message = await self._house.channels[row.channel].send(row.address, row.kind, body)
        except Exception as error:
            return _Outcome(row, error=error)
        return _Outcome(row, message, tuple(cleared))

    async def _deletable(self, chat_id: str, now: datetime) -> list[str]:
        vault = self._house.vault
        return await self._database.write(
            lambda connection: message_ids.messages_in(connection, vault, chat_id, now - DELETABLE)
        )

    def _note(self, connection: Connection, outcomes: list[_Outcome]) -> None:
        now = self._clock()
        for outcome in outcomes:
            if outcome.error is None:
                outbox.sent(connection, outcome.row.id, now)
                outgoing.has_gone(connection, outcome.row, now)
                self._note_messages(connection, outcome, now)
            else:
                self._not_sent(connection, outcome.row, outcome.error, now)

    def _note_messages(self, connection: Connection, outcome: _Outcome, now: datetime) -> None:
        """Keep in mind what is in the chat. Failing at this must not send everything again."""
        try:
            with connection.begin_nested():
                self._keep_or_drop(connection, outcome, now)
        except Exception as problem:
            log.error("message_not_noted", extra={"code": type(problem).__name__})

    def _keep_or_drop(self, connection: Connection, outcome: _Outcome, now: datetime) -> None:
        row, vault = outcome.row, self._house.vault
        if row.chat_id and row.kind == "clear":
            message_ids.drop_messages(connection, vault, row.chat_id, outcome.cleared)
        elif row.chat_id and outcome.message:
            message_ids.note_message(connection, vault, row.chat_id, outcome.message, False, now)

    def _not_sent(
        self, connection: Connection, row: Outgoing, error: Exception, now: datetime
    ) -> None:
        match error:
            case Gone():
                outbox.give_up(connection, row.id, now)
                outgoing.not_sent(connection, self._house.vault, row, now)
                if row.chat_id:
                    outgoing.close_chat(connection, self._house.vault, row.chat_id, now)
            case Refused():
                log.error("row_refused", extra={"code": str(error)})
                outbox.give_up(connection, row.id, now)
                outgoing.not_sent(connection, self._house.vault, row, now)
            case Wait(seconds=seconds):
                outbox.later(connection, row.id, now + timedelta(seconds=seconds), "wait")
            case _:
                code = str(error) if isinstance(error, Later) else type(error).__name__
                log.warning("row_later", extra={"code": code})
                self._again_or_dead(connection, row, code, now)

    def _again_or_dead(
        self, connection: Connection, row: Outgoing, code: str, now: datetime
    ) -> None:
        """Try a row again later; where that has an end, lay it where somebody sees it."""
        waits = PATIENT.get(row.channel, BACK_OFF)
        if row.channel in PATIENT and (row.tries >= len(waits) or now >= row.put_at + A_DAY):
            outbox.died(connection, row.id, now, code)
            return
        delay = waits[min(row.tries, len(waits) - 1)]
        outbox.later(connection, row.id, now + timedelta(seconds=delay), code)
