"""Runs the parts: receive, respond, deliver, sweep; together in one process, or apart."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount

from bot.channels import Channel, web
from bot.channels.email import EmailChannel
from bot.channels.page import PageChannel
from bot.channels.telegram import RawBot, TelegramChannel, build_bot, connect, receive, webhook
from bot.channels.typed import ManualEntryChannel
from bot.channels.webhook import WebhookChannel
from bot.desk.api.app import create_api
from bot.desk.guard import Desk
from bot.desk.routes import routes as desk_routes
from bot.pipeline.alerts import WEBHOOK_CHANNEL
from bot.pipeline.deliver import Delivery
from bot.pipeline.respond import House, answer_batch
from bot.pipeline.sweep import sweep
from bot.settings import Settings
from bot.web import demo_page, error_pages, health, static_files
from bot.web.headers import SecurityHeaders
from bot.web.server import serve
from flows.dialogue import dispatch
from storage.chats import inbox
from storage.chats.inbox import Arrival
from storage.database import Database

log = logging.getLogger("rj.serve")
IDLE_SECONDS = 1.0
"""Seconds between looks at the inbox and the outbox when nothing woke us."""
SWEEP_SECONDS = 60.0
SWEEPS_PER_VACUUM = 24 * 60
"""In sweeps: how often what was deleted is taken out of the file itself."""


@dataclass(slots=True)
class WakeSignals:
    """What one part calls to another: there is something to do."""

    inbox: asyncio.Event = field(default_factory=asyncio.Event)
    outbox: asyncio.Event = field(default_factory=asyncio.Event)

    def wake_all(self) -> None:
        """Have the inbox and the outbox looked at now."""
        self.inbox.set()
        self.outbox.set()


class Running:
    """The parts of one process, with what they share."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        demo: Mapping[str, str] | None = None,
    ) -> None:
        self.settings, self.database = settings, database
        vault, clock = self.vault, self.clock = database.vault, database.clock
        self.bot: RawBot | None = build_bot(settings) if settings.telegram_bot_token else None
        self.web = web.Web(database, vault, clock)
        self.house = House(
            vault,
            self._channels(),
            _alert_channels(settings),
            settings.officer_details == "chat",
            settings.public_url,
            ("email",) if settings.manager_email else (),
        )
        self.wake = WakeSignals()
        self.desk = Desk(database, vault, settings, clock, changed=self.wake.wake_all, demo=demo)
        self.web.wake, self.web.secure = self.wake.wake_all, self.desk.secure
        self.web.answers = self.desk.answers = self.house.answers
        self.web.demo = demo is not None
        self.web.public_url, self.web.telegram = settings.public_url, self._telegram_name
        self.desk.telegram_name = self._telegram_name

    def _channels(self) -> dict[str, Channel]:
        channels: dict[str, Channel] = {
            "web": web.WebChannel(self.database, self.web.live.notify),
            "page": PageChannel(),
            "typed": ManualEntryChannel(),
        }
        if self.bot:
            channels["telegram"] = TelegramChannel(self.bot, self.settings.staff_telegram_chat)
        if self.settings.staff_email or self.settings.manager_email:
            channels["email"] = EmailChannel(self.settings)
        if self.settings.webhook_url:
            channels[WEBHOOK_CHANNEL] = WebhookChannel(self.settings, self.clock)
        return channels

    def _telegram_name(self) -> str:
        """Return the bot's name on Telegram, once Telegram has told it."""
        try:
            return self.bot.username if self.bot else ""
        except RuntimeError:
            return ""

    async def keep(self, arrivals: list[Arrival]) -> None:
        """Save what came in, whole, before anybody is told that it did."""
        await self.database.write(inbox.enqueue_arrivals, "telegram", arrivals)
        self.wake.inbox.set()

    async def respond_for_ever(self) -> None:
        """Answer what waits, many chats in one transaction."""
        with self.house.answers.responding():
            while True:
                if await answer_batch(self.database, self.house):
                    self.wake.outbox.set()
                else:
                    await _wait_for(self.wake.inbox, IDLE_SECONDS)

    async def deliver_for_ever(self) -> None:
        """Send what is in the outbox."""
        await self._deliver({name for name in self.house.channels if name != WEBHOOK_CHANNEL})

    async def tell_for_ever(self) -> None:
        """Tell the other system; apart, so that nobody waits for an answer of its."""
        await self._deliver({WEBHOOK_CHANNEL} & set(self.house.channels))

    async def _deliver(self, names: set[str]) -> None:
        mine = {name: channel for name, channel in self.house.channels.items() if name in names}
        delivery = Delivery(self.database, replace(self.house, channels=mine))
        while True:
            tried, wait = await delivery.deliver_batch()
            if not tried:
                await _wait_for(self.wake.outbox, min(IDLE_SECONDS, wait or IDLE_SECONDS))

    async def sweep_for_ever(self) -> None:
        """Do what time makes due, once a minute."""
        turns = 0
        while True:
            await self.database.write(sweep, self.house)
            turns += 1
            if turns % SWEEPS_PER_VACUUM == 0:
                await asyncio.to_thread(self.database.erase_free_space)
            await asyncio.sleep(SWEEP_SECONDS)

    def pages(self) -> Starlette:
        """Return what is served by HTTP: the desk, the chat, a health page, Telegram's webhook."""
        routes: list[BaseRoute] = [static_files.static_route()]
        routes.append(health.health_route(self.database, self.clock))
        routes.append(Mount("/api/v1", app=create_api(self.desk), name="api"))
        routes += desk_routes(self.desk) + web.routes(self.web)
        if self.desk.demo:
            routes.append(demo_page.demo_route())
        secret = self.settings.telegram_webhook_secret
        if self.settings.telegram_mode == "webhook" and secret:
            routes.append(webhook.webhook_route(secret.get_secret_value(), self.keep))
        return Starlette(
            routes=routes,
            middleware=[Middleware(SecurityHeaders, self.desk.secure, bool(self.desk.demo))],
            exception_handlers={
                404: error_pages.not_found,
                405: error_pages.method_not_allowed,
                500: error_pages.internal_error,
            },
        )

    async def serve_pages(self, on_ready: Callable[[], None] | None = None) -> None:
        """Serve the pages on HOST and PORT; call `opened` once the first can be had."""
        await serve(self.pages(), self.settings.host, self.settings.port, on_ready)


async def run(
    running: Running, conversation: bool, pages: bool, on_ready: Callable[[], None] | None = None
) -> None:
    """Run the parts asked for until the process is told to stop, or one of them fails.

    `opened` is called once, when the first page can be had.
    """
    await asyncio.to_thread(dispatch.warm_up)
    async with _telegram_connection(running):
        parts: list[Coroutine[Any, Any, None]] = []
        if conversation:
            parts += [
                _supervise("respond", running.respond_for_ever),
                _supervise("deliver", running.deliver_for_ever),
                _supervise("sweep", running.sweep_for_ever),
            ]
            if WEBHOOK_CHANNEL in running.house.channels:
                parts.append(_supervise("tell", running.tell_for_ever))
            if running.bot and running.settings.telegram_mode == "polling":
                parts.append(_supervise("poll", _polling_loop(running.bot, running.keep)))
        if pages:
            parts.append(running.serve_pages(on_ready))
        await _run_until_stopped(parts)


@contextlib.asynccontextmanager
async def _telegram_connection(running: Running) -> AsyncIterator[None]:
    if running.bot is None:
        yield
        return
    bot, told = running.bot, running.settings
    await connect(bot)
    try:
        if (
            told.telegram_mode == "webhook"
            and told.telegram_webhook_url
            and told.telegram_webhook_secret
        ):
            secret = told.telegram_webhook_secret.get_secret_value()
            await webhook.set_webhook(bot, told.telegram_webhook_url, secret)
        yield
    finally:
        await bot.shutdown()


def _polling_loop(
    bot: RawBot, keep: receive.SaveArrivals
) -> Callable[[], Coroutine[Any, Any, None]]:
    return lambda: receive.poll(bot, keep)


async def _run_until_stopped(parts: list[Coroutine[Any, Any, None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(name, stop.set)
    tasks = [asyncio.create_task(part) for part in parts]
    told = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([*tasks, told], return_when=asyncio.FIRST_COMPLETED)
    for task in (*tasks, told):
        task.cancel()
    await asyncio.gather(*tasks, told, return_exceptions=True)
    for task in done - {told}:
        task.result()


async def _supervise(name: str, part: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a part again after whatever stopped it (a busy database, a full disk), and log that."""
    while True:
        try:
            await part()
        except Exception as problem:
            log.exception("part_failed", extra={"code": f"{name}_{type(problem).__name__}"})
            await asyncio.sleep(IDLE_SECONDS)


def _alert_channels(settings: Settings) -> tuple[str, ...]:
    by_chat = ("telegram",) if settings.staff_telegram_chat and settings.telegram_bot_token else ()
    return (*by_chat, *(("email",) if settings.staff_email else ()))


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    # Not wait_for: in Python 3.11 it may lose the word that the program is to stop.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    event.clear()
