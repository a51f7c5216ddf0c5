"""Outbox to channel: in order within a chat, within the limits, at least once."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.channel_interface import (
    Channel,
    ChannelDown,
    ChatClosed,
    ConnectedChannel,
    PermanentFailure,
    RateLimited,
    TemporaryFailure,
)
from bot.pipeline import outgoing
from bot.pipeline.alerts import EVENT_CHANNELS
from bot.pipeline.send_limits import SendRateLimits
from bot.runtime import Runtime
from flows.vocabulary import OutboxKind
from storage.chats import dead_letters, message_ids, outbox
from storage.chats.outbox import OutboxItem
from storage.database import DatabaseBusy
from storage.unit import Unit

log = logging.getLogger("rj.deliver")

DELETE_WINDOW = timedelta(hours=48)
BACK_OFF = (1, 2, 5, 15, 60, 300, 900)
"""Seconds until the next try, by how often it has failed."""
OUTAGE_RETRY_SECONDS = 5
"""Seconds until the next try at most when the channel is down: people wait for no more once it is
back. Until then a round tries one row."""
DEAD_LETTER_BACK_OFF = dict.fromkeys(EVENT_CHANNELS, (*BACK_OFF, 3600, 10800, 21600, 43200))
"""Channels on which a row is tried once more than it says here, for a day at most, and then waits
in the list of the dead until somebody sends it again. While the channel is down it is tried on."""
RETRY_WINDOW = timedelta(hours=24)
BATCH_SIZE = 250
CLOCK_TOLERANCE = timedelta(seconds=10)
"""How far the clock may be put back before the times of all retries count as wrong."""
CALL_CHECK_SECONDS = 0.2
"""Seconds until calls that had no answer yet are looked at again."""


@dataclass(frozen=True, slots=True)
class _SendOutcome:
    row: OutboxItem
    message_id: str | None = None
    deleted_ids: tuple[str, ...] = ()
    error: Exception | None = None


class Delivery:
    """Sends what is in the outbox of one process; one process a channel."""

    def __init__(
        self,
        runtime: Runtime,
        channels: Mapping[str, Channel] | None = None,
        patience: float | None = None,
    ) -> None:
        """Send by all channels, or by those that are given.

        After `patience` seconds a round no longer waits for a call that has no answer yet: it goes
        on beside the next ones. None waits for all.
        """
        self._runtime = runtime
        self._channels = runtime.channels if channels is None else channels
        self._limits = SendRateLimits()
        self._patience = patience
        self._calls: dict[str, asyncio.Task[_SendOutcome]] = {}
        self._outcomes: list[_SendOutcome] = []
        self._is_down = False
        self._looked_at: datetime | None = None

    async def deliver_batch(self) -> tuple[int, float | None]:
        """Send what can be sent now.

        Returns how many rows were tried, and the seconds until others may go that are known of.
        Raises DatabaseBusy; what was sent is recorded by the next call, before it sends anything.
        """
        await self._record()
        now = self._runtime.clock()
        rows, withheld = await self._runtime.database.write(self._sendable_rows)
        self._notify(withheld)
        if self._is_down:
            rows = rows[:1]  # to see whether the channel is back
        waits = [(row, self._rate_limit_delay(row, now)) for row in rows]
        going = {_line_of(row): row for row, wait in waits if not wait}
        new = {line: asyncio.create_task(self._send(row, now)) for line, row in going.items()}
        self._calls.update(new)
        if new:
            await asyncio.wait(new.values(), timeout=self._patience)
        outcomes = self._take_outcomes()
        self._outcomes += outcomes
        await self._record()
        known = [wait for _, wait in waits if wait] + [CALL_CHECK_SECONDS] * bool(self._calls)
        if (
            self._is_back(outcomes)
            or len(going) == BATCH_SIZE
            or any(outcome.row.has_more for outcome in outcomes)
        ):
            known.append(0.0)
        return len(outcomes), min(known, default=None)

    def _is_back(self, outcomes: list[_SendOutcome]) -> bool:
        """Note whether the channel can be reached; return whether it is so again."""
        was_down = self._is_down
        if any(not isinstance(outcome.error, ChannelDown) for outcome in outcomes):
            self._is_down = False
        elif outcomes:
            self._is_down = True
        return was_down and not self._is_down

    async def start(self) -> None:
        """Connect the channels that keep a connection; one that is down joins at its next row."""
        for channel in self._connected_channels():
            try:
                await channel.open()
            except TemporaryFailure as problem:
                log.warning("channel_down", extra={"code": f"{channel.name}_{problem}"})

    async def stop(self) -> None:
        """End the calls that have no answer yet, whose rows are sent again, and the connections."""
        for call in self._calls.values():
            call.cancel()
        await asyncio.gather(*self._calls.values(), return_exceptions=True)
        for channel in self._connected_channels():
            await channel.close()

    def _connected_channels(self) -> list[ConnectedChannel]:
        return [one for one in self._channels.values() if isinstance(one, ConnectedChannel)]

    def _take_outcomes(self) -> list[_SendOutcome]:
        ended = [line for line, call in self._calls.items() if call.done()]
        return [self._calls.pop(line).result() for line in ended]

    def _sendable_rows(self, unit: Unit) -> tuple[list[OutboxItem], list[OutboxItem]]:
        """Return what can be sent, and what may not be any more: the guard is asked again."""
        if self._looked_at and unit.now < self._looked_at - CLOCK_TOLERANCE:
            outbox.retry_now(unit, self._channels)
        self._looked_at = unit.now
        going: list[OutboxItem] = []
        withheld: list[OutboxItem] = []
        limit = BATCH_SIZE + len(self._calls)
        while not going and (rows := outbox.due_outbox_items(unit, self._channels, limit)):
            rows = [row for row in rows if _line_of(row) not in self._calls]
            for row in rows:
                (going if outgoing.recheck_guard(unit, row) else withheld).append(row)
            if not rows:
                break  # all that is due is being sent
        return going, withheld

    def _notify(self, rows: list[OutboxItem]) -> None:
        """Wake the pages that wait until these rows are sent, or are known not to be."""
        for row in rows:
            self._runtime.answers.notify(row.channel, row.address)

    def _rate_limit_delay(self, row: OutboxItem, now: datetime) -> float:
        return self._limits.acquire(row, now) if self._channels[row.channel].rate_limited else 0.0

    async def _send(self, row: OutboxItem, now: datetime) -> _SendOutcome:
        body, cleared = row.body, []
        try:
            if row.kind == OutboxKind.CLEAR and row.chat_id:
                since = now - DELETE_WINDOW
                cleared = await self._runtime.database.write(
                    message_ids.message_ids_since, row.chat_id, since
                )
                body = {"messages": cleared}
            message = await self._channels[row.channel].send(row.address, row.kind, body)
        except Exception as error:
            return _SendOutcome(row, error=error)
        return _SendOutcome(row, message, tuple(cleared))

    async def _record(self) -> None:
        """Keep what became of the rows, and what is in the chats now.

        Failing at the latter must not send everything again. Nor must a full disk: while nothing
        can be written, the outcomes wait here.
        """
        outcomes = self._outcomes
        if not outcomes:
            return
        try:
            await self._runtime.database.write(self._record_outcomes, outcomes, nullcontext)
        except DatabaseBusy:
            raise  # no row is at fault, and once more would wait as long again
        except Exception:
            await self._runtime.database.write(self._record_outcomes, outcomes, _logged_savepoint)
        self._outcomes = []
        self._notify([outcome.row for outcome in outcomes])

    def _record_outcomes(
        self,
        unit: Unit,
        outcomes: list[_SendOutcome],
        attempt: Callable[[Unit], AbstractContextManager[object]],
    ) -> None:
        for outcome in outcomes:
            if outcome.error is None:
                outbox.mark_sent(unit, outcome.row.id)
                outgoing.record_sent(unit, outcome.row)
                with attempt(unit):
                    _record_message_ids(unit, outcome)
            else:
                self._record_failure(unit, outcome.row, outcome.error)

    def _record_failure(self, unit: Unit, row: OutboxItem, error: Exception) -> None:
        match error:
            case ChatClosed():
                outbox.give_up(unit, row.id)
                outgoing.record_not_sent(unit, row)
                if row.chat_id:
                    outgoing.close_chat(unit, row.chat_id)
            case PermanentFailure():
                log.error("row_refused", extra={"code": str(error)})
                outbox.give_up(unit, row.id)
                outgoing.record_not_sent(unit, row)
            case RateLimited(seconds=seconds):
                outbox.schedule_retry(unit, row.id, unit.now + timedelta(seconds=seconds), "wait")
            case _:
                code = str(error) if isinstance(error, TemporaryFailure) else type(error).__name__
                log.warning("row_later", extra={"code": code})
                self._retry_or_dead_letter(unit, row, code, isinstance(error, ChannelDown))

    def _retry_or_dead_letter(self, unit: Unit, row: OutboxItem, code: str, is_down: bool) -> None:
        """Try a row again later; where that has an end, lay it where somebody sees it."""
        waits = DEAD_LETTER_BACK_OFF.get(row.channel, BACK_OFF)
        if (row.channel in DEAD_LETTER_BACK_OFF and not is_down) and (
            row.attempts >= len(waits) or unit.now >= row.enqueued_at + RETRY_WINDOW
        ):
            dead_letters.move_to_dead_letters(unit, row.id, code)
            return
        delay = waits[min(row.attempts, len(waits) - 1)]
        if is_down:
            delay = min(delay, OUTAGE_RETRY_SECONDS)
        outbox.schedule_retry(unit, row.id, unit.now + timedelta(seconds=delay), code)


def _line_of(row: OutboxItem) -> str:
    """Return what names the rows of which only one is sent at a time."""
    # What says that a press arrived, and what answers it, go side by side.
    return row.id if row.chat_id is None or row.kind == OutboxKind.ACKNOWLEDGE else row.chat_id


def _record_message_ids(unit: Unit, outcome: _SendOutcome) -> None:
    chat_id = outcome.row.chat_id
    if chat_id and outcome.row.kind == OutboxKind.CLEAR:
        message_ids.delete_message_ids(unit, chat_id, outcome.deleted_ids)
    elif chat_id and outcome.message_id:
        message_ids.add_message_id(unit, chat_id, outcome.message_id, False)


@contextmanager
def _logged_savepoint(unit: Unit) -> Iterator[None]:
    try:
        with unit.savepoint():
            yield
    except Exception as problem:
        log.error("message_not_noted", extra={"code": type(problem).__name__})
