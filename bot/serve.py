"""Runs the parts: receive, respond, deliver, sweep; together in one process, or apart."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Coroutine, Mapping
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from bot.channel_setup import alert_channels, build_channels
from bot.channels.telegram import RawBot, TelegramChannel, build_bot, connect, receive, webhook
from bot.channels.telegram.takeover import Takeover, TakeoverMonitor
from bot.monitoring.measurements import LedWork
from bot.pipeline.alerts import AlertKey, alert_about_service
from bot.pipeline.deliver import Delivery
from bot.pipeline.receive import Receiver
from bot.pipeline.respond import answer_batch, answer_now
from bot.pipeline.sweep import sweep
from bot.runtime import Runtime
from bot.settings import InvalidSettings, Settings
from bot.web.server import serve
from flows.dialogue import dispatch
from storage.chats.inbox import INBOX_SIGNAL, Arrival
from storage.database import Database

if TYPE_CHECKING:
    from starlette.applications import Starlette

Work = Callable[[], Coroutine[Any, Any, None]]
log = logging.getLogger("rj.serve")
IDLE_SECONDS = 1.0
"""Seconds between looks at the inbox and the outbox when nothing woke us."""
PATIENCE_SECONDS = 1.0
"""Seconds that messages wait for one whose call has no answer yet."""
SWEEP_SECONDS = 60.0
SWEEPS_PER_VACUUM = 24 * 60
"""In sweeps: how often what was deleted is taken out of the file itself."""


class Program:
    """The parts of one process, over the runtime that they share."""

    def __init__(
        self, settings: Settings, database: Database, demo: Mapping[str, str] | None = None
    ) -> None:
        self.bot: RawBot | None = build_bot(settings) if settings.telegram_bot_token else None
        self.runtime = Runtime(
            settings,
            database,
            build_channels(settings, database, self.bot),
            alert_channels(settings),
            ("email",) if settings.manager_email else (),
            demo,
            self._telegram_username,
        )
        self.runtime.answer_now = partial(answer_now, self.runtime)
        self._receiver = Receiver(self.runtime, TelegramChannel.name)

    def _telegram_username(self) -> str:
        """Return the bot's name on Telegram, once Telegram has told it."""
        try:
            return self.bot.username if self.bot else ""
        except RuntimeError:
            return ""

    async def keep(self, arrivals: list[Arrival]) -> None:
        """Save what came in on Telegram, whole, before anybody is told that it did."""
        await self._receiver.keep(arrivals)

    async def receive_for_ever(self, polls: bool) -> None:
        """Join Telegram when it answers; then poll, or leave it to the webhook.

        Raises InvalidSettings when Telegram does not know the token.
        """
        if self.bot is None:
            return
        told = self.runtime.settings
        self.runtime.measurements.polls_telegram = polls and told.telegram_mode == "polling"
        await connect(self.bot)
        url, secret = told.telegram_webhook_url, told.telegram_webhook_secret
        leadership = f"receive/telegram/{self.bot.id}"
        monitor = TakeoverMonitor(self._report_takeover, self._note_telegram_answer)
        if told.telegram_mode == "webhook" and url and secret:
            posted_to = (url, secret.get_secret_value())
            await webhook.set_webhook(self.bot, *posted_to)
            watch = partial(webhook.watch_webhook, self.bot, *posted_to, monitor)
            await self._lead(leadership, watch, LedWork.RECEIVE)
        elif polls and told.telegram_mode == "polling":
            poll = partial(receive.poll, self.bot, self.keep, monitor)
            await self._lead(leadership, poll, LedWork.RECEIVE)
        await asyncio.Event().wait()

    async def _report_takeover(self, takeover: Takeover) -> None:
        key = AlertKey(takeover)
        await self.runtime.database.write(alert_about_service, self.runtime, key)

    def _note_telegram_answer(self) -> None:
        self.runtime.measurements.telegram_answered_at = self.runtime.clock()

    async def respond_for_ever(self) -> None:
        """Answer what waits, many chats in one transaction."""
        shared = self.runtime.database.backend.is_shared
        # Where others answer too, pages here must look for answers that they are not told of.
        with nullcontext() if shared else self.runtime.answers.responding():
            while True:
                if not await answer_batch(self.runtime):
                    await _wait_for(self.runtime.wake.event(INBOX_SIGNAL), IDLE_SECONDS)

    async def listen_for_ever(self) -> None:
        """Wake whoever waits here for what other processes commit."""
        runtime = self.runtime
        try:
            backend = runtime.database.backend
            await backend.listen(runtime.on_listening, runtime.on_signals, runtime.peers.receive)
            await asyncio.Event().wait()
        finally:
            runtime.is_listening = False

    async def announce_for_ever(self) -> None:
        """Tell other processes of rate limits and presence here."""
        await self.runtime.database.backend.announce(self.runtime.peers.next_batch)
        await asyncio.Event().wait()

    async def deliver_for_ever(self, name: str) -> None:
        """Send what is in the outbox for one channel, while no other process does."""
        work = partial(self._deliver, name)
        await self._lead(f"deliver/{name}", work, LedWork.DELIVER, name)

    async def _lead(self, leadership: str, work: Work, kind: LedWork, channel: str = "") -> None:
        async def led() -> None:
            with self.runtime.measurements.leading(kind, channel):
                await work()

        await self.runtime.database.backend.lead(leadership, led)

    async def _deliver(self, name: str) -> None:
        channels = {name: self.runtime.channels[name]}
        delivery = Delivery(self.runtime, channels, PATIENCE_SECONDS)
        try:
            await delivery.start()
            while True:
                try:
                    _, wait = await delivery.deliver_batch()
                except Exception as problem:
                    # It knows what it has sent: another one would send that again, for ever where
                    # nothing can be recorded.
                    log.exception("not_delivered", extra={"code": type(problem).__name__})
                    wait = None
                # What was enqueued meanwhile has set the event.
                seconds = IDLE_SECONDS if wait is None else min(IDLE_SECONDS, wait)
                await _wait_for(self.runtime.wake.event(name), seconds)
        finally:
            await delivery.stop()

    def delivering(self) -> list[Work]:
        """Return what sends for ever, for each channel."""
        return [partial(self.deliver_for_ever, name) for name in self.runtime.channels]

    async def sweep_for_ever(self) -> None:
        """Do what time makes due, once a minute, while no other process does."""
        await self._lead("sweep", self._sweep, LedWork.SWEEP)

    async def _sweep(self) -> None:
        turns = 0
        while True:
            await self.runtime.database.write(sweep, self.runtime)
            await asyncio.to_thread(self.runtime.database.backend.truncate_journal)
            turns += 1
            if turns % SWEEPS_PER_VACUUM == 0:
                await asyncio.to_thread(self.runtime.database.backend.erase_free_space)
            await asyncio.sleep(SWEEP_SECONDS)

    def pages(self) -> "Starlette":
        """Return what is served by HTTP: the desk, the chat, a health page, Telegram's webhook."""
        # The pages take longer to import than all the rest, and nobody who writes waits for them.
        from bot.site import build_site

        return build_site(self.runtime, self.keep)

    async def serve_pages(self, on_ready: Callable[[], None] | None = None) -> None:
        """Serve the pages on HOST and PORT; call `on_ready` once the first can be had."""
        site = await asyncio.to_thread(self.pages)
        await serve(site, self.runtime.settings, on_ready, self.runtime.live.close)

    async def serve_monitoring(self, port: int) -> None:
        """Serve what monitoring reads, and nothing else, on HOST and this port."""
        from bot.web.health import monitoring_app

        settings = self.runtime.settings.model_copy(update={"port": port})
        await serve(monitoring_app(self.runtime), settings)


async def run(
    program: Program, conversation: bool, pages: bool, on_ready: Callable[[], None] | None = None
) -> None:
    """Run the parts asked for until the process is told to stop, or one of them fails.

    `on_ready` is called once, when the first page can be had.
    """
    parts: list[Coroutine[Any, Any, None]] = [
        _warm_up(program.runtime),
        _supervise("listen", program.listen_for_ever),
        _supervise("announce", program.announce_for_ever),
    ]
    if program.bot:
        parts.append(_supervise("telegram", partial(program.receive_for_ever, conversation)))
    if conversation:
        parts += [
            _supervise("respond", program.respond_for_ever),
            *(_supervise("deliver", part) for part in program.delivering()),
            _supervise("sweep", program.sweep_for_ever),
        ]
    if pages:
        parts.append(program.serve_pages(on_ready))
    elif port := program.runtime.settings.metrics_port:
        parts.append(program.serve_monitoring(port))
    try:
        await _run_until_stopped(parts)
    finally:
        if program.bot:
            await program.bot.shutdown()


async def _warm_up(runtime: Runtime) -> None:
    """Read all content: the first person need not wait, and content without sense ends us."""
    await asyncio.to_thread(dispatch.warm_up)
    runtime.is_warm = True
    await asyncio.Event().wait()


async def _run_until_stopped(parts: list[Coroutine[Any, Any, None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(name, stop.set)
    tasks = [asyncio.create_task(part) for part in parts]
    told = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([*tasks, told], return_when=asyncio.FIRST_COMPLETED)
    finally:
        # The pages are last: what they were asked meanwhile is still answered by the others.
        await _cancel(*tasks[-1:])
        await _cancel(*tasks, told)
    for task in done - {told}:
        task.result()


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _supervise(name: str, part: Work) -> None:
    """Run a part again after whatever stopped it (a busy database, a full disk), and log that.

    Raises InvalidSettings, which nothing but a new start can mend.
    """
    while True:
        try:
            await part()
        except InvalidSettings:
            raise
        except Exception as problem:
            log.exception("part_failed", extra={"code": f"{name}_{type(problem).__name__}"})
            await asyncio.sleep(IDLE_SECONDS)


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    # Not wait_for: in Python 3.11 it may lose the word that the program is to stop.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    event.clear()
