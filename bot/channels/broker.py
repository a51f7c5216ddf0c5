"""Relays events to a message broker: NATS JetStream, by FastStream. Nothing personal is in them."""

import asyncio
import ssl
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from faststream.nats import NatsBroker
from faststream.security import BaseSecurity
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import NoServersError
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, StreamConfig
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError

from bot.channel_interface import (
    Body,
    ChannelDown,
    InboundEvent,
    PermanentFailure,
    TemporaryFailure,
)
from bot.settings import Settings
from flows.vocabulary import OutboxKind

SUBJECT = "rj.referral.handed_over"
STREAM = StreamConfig(
    name="RJ_EVENTS",
    subjects=["rj.>"],
    max_age=30 * 24 * 3600.0,
    max_bytes=64 * 1024 * 1024,
    # A full stream refuses what is new, which then waits with us; it drops nothing unread.
    discard=DiscardPolicy.NEW,
    # As long as the stream holds an event, it does not take it twice.
    duplicate_window=30 * 24 * 3600.0,
)
"""What is made where the broker has no stream of this name; max_age and duplicate_window in
seconds, max_bytes in bytes. A stream that is there already is left as it is."""
CONNECT_SECONDS, ACK_SECONDS, SEND_SECONDS, CLOSE_SECONDS = 5, 5.0, 20.0, 1.0
PING_SECONDS = 30
NO_JETSTREAM, NOT_ENCRYPTED, WRONG_LOGIN = "nats_no_jetstream", "nats_in_clear", "nats_login"
_JETSTREAM_AWAY = (10008, 10039, 10076)
"""Error codes of JetStream: unavailable for now, not enabled for the account, not enabled."""

Findings = tuple[list[str], list[str]]


class BrokerChannel:
    """The channel named broker: it only goes out, over one connection that is kept.

    An event is sent when JetStream has acknowledged it. Its key is the header Nats-Msg-Id, by
    which JetStream knows a repetition. What cannot be reached, or does not let us in, is
    ChannelDown; what JetStream refuses is a TemporaryFailure with its error code.
    """

    name = "broker"
    rate_limited = False

    def __init__(self, settings: Settings) -> None:
        url = settings.events_url
        self._address = _Address(url.get_secret_value() if url else "")
        self._broker: NatsBroker | None = None
        self._connecting = asyncio.Lock()

    def translate(self, body: Body) -> InboundEvent | None:
        """Return None: nothing comes in this way."""
        return None

    async def open(self) -> None:
        """Connect, and make the stream where there is none; raises TemporaryFailure."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await _find_or_make_stream(_jetstream(await self._connected()))
        except (NatsError, OSError, TimeoutError) as problem:
            await self.close()
            raise _failure(problem) from None

    async def close(self) -> None:
        """End the connection; the next event makes another."""
        broker, self._broker = self._broker, None
        if broker:
            await _close(broker.connection)

    async def send(self, address: str, kind: OutboxKind, body: Body) -> str | None:
        """Publish one event; raises TemporaryFailure, to be retried, unless it is acknowledged."""
        if kind != OutboxKind.REFERRAL:
            raise PermanentFailure(f"broker_{kind}")
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._publish(body)
        except (NatsError, OSError, TimeoutError) as problem:
            raise _failure(problem) from None
        return None

    async def _publish(self, body: Body) -> None:
        broker = await self._connected()
        try:
            await _publish(broker, body)
        except NoStreamResponseError:
            await _find_or_make_stream(_jetstream(broker))
            await _publish(broker, body)

    async def _connected(self) -> NatsBroker:
        async with self._connecting:
            if self._broker is None or not self._broker.connection.is_connected:
                await self.close()
                self._broker = await _connect(self._address)
            return self._broker


async def check_broker(settings: Settings) -> Findings:
    """Return plain lines, what is wrong and what to look at; both empty without EVENTS_URL.

    Nothing is published or made, and no line holds a part of the URL.
    """
    if settings.events_url is None:
        return [], []
    try:
        broker = await _connect(_Address(settings.events_url.get_secret_value()))
        try:
            holder = await _jetstream(broker).find_stream_name_by_subject(SUBJECT)
        finally:
            await _close(broker.connection)
    except NotFoundError:
        missing = f"The message broker has no stream {STREAM.name} yet."
        return [], [f"{missing} It is made when the service starts."]
    except (NatsError, OSError, TimeoutError) as problem:
        return [_advice(str(_failure(problem)))], []
    if holder != STREAM.name:
        return [f"Another stream of the message broker than {STREAM.name} takes {SUBJECT}."], []
    return [], []


def _advice(code: str) -> str:
    told = {
        WRONG_LOGIN: "The message broker refuses the user or the password in EVENTS_URL.",
        NOT_ENCRYPTED: "The message broker at EVENTS_URL does not offer TLS. Set it up there.",
        NO_JETSTREAM: "The message broker at EVENTS_URL runs without JetStream. Enable it there.",
    }
    return told.get(code, f"The message broker cannot be reached at EVENTS_URL ({code}).")


class _Address:
    """Where the broker is and who we are to it. The password is told on an encrypted line only.

    The client library goes on in clear where a server, or somebody between, does not ask for TLS.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.server = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self.tls = ssl.create_default_context()
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._wants_tls = parts.scheme == "tls"
        self._handshakes = 0

    async def connect(self, client: Client, options: dict[str, Any]) -> None:
        """Connect, one client at a time; raises ssl.SSLError where TLS is wanted and not had."""
        self._handshakes = self._count_handshakes()
        login = {"user": self._user, "password": self._tell_password} if self._user else {}
        await client.connect(**{**options, **login})
        self._check_tls()

    def _tell_password(self) -> str:
        self._check_tls()
        return self._password

    def _check_tls(self) -> None:
        if self._wants_tls and self._count_handshakes() == self._handshakes:
            raise ssl.SSLError(NOT_ENCRYPTED)

    def _count_handshakes(self) -> int:
        return self.tls.session_stats()["connect_good"]


class _Connection(NatsBroker):
    """FastStream's broker; a connection that fails is closed, and the reason is what is raised."""

    def __init__(self, address: _Address) -> None:
        self._address = address
        self._reason: Exception | None = None
        super().__init__(
            address.server,
            name="rj-intake",
            security=BaseSecurity(ssl_context=address.tls),
            # The outbox tries again: one place decides when.
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=CONNECT_SECONDS,
            ping_interval=PING_SECONDS,
            error_cb=self._note,
            apply_types=False,
            logger=None,
        )

    async def _note(self, problem: Exception) -> None:
        self._reason = problem

    async def _connect(self) -> Client:
        client = Client()
        try:
            await self._address.connect(client, self._connection_kwargs)
        except NoServersError as problem:
            await _close(client)
            raise self._reason or problem from None
        except BaseException:
            await _close(client)
            raise
        self.config.connect(client)
        return client


async def _connect(address: _Address) -> NatsBroker:
    broker = _Connection(address)
    await broker.connect()
    return broker


async def _close(client: Client) -> None:
    # It may be gone already; after a failed TLS handshake it would wait for ever.
    with suppress(NatsError, OSError, TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await client.close()


def _jetstream(broker: NatsBroker) -> JetStreamContext:
    return broker.connection.jetstream(timeout=ACK_SECONDS)


async def _publish(broker: NatsBroker, body: Body) -> None:
    event = str(body["event"])
    await broker.publish(
        body,
        SUBJECT,
        headers={"Nats-Msg-Id": event},
        correlation_id=event,
        stream=STREAM.name,
        timeout=ACK_SECONDS,
    )


async def _find_or_make_stream(jetstream: JetStreamContext) -> None:
    try:
        await jetstream.find_stream_name_by_subject(SUBJECT)
    except NotFoundError:
        await jetstream.add_stream(STREAM)


def _failure(problem: Exception) -> TemporaryFailure:
    """Return what a failure is to the outbox: a code, without anything that the server said."""
    said = str(problem).lower()
    if NOT_ENCRYPTED in said:
        return ChannelDown(NOT_ENCRYPTED)
    if "authorization" in said or "authentication" in said:
        return ChannelDown(WRONG_LOGIN)
    code = problem.err_code if isinstance(problem, APIError) else None
    if code and code not in _JETSTREAM_AWAY:
        return TemporaryFailure(f"nats_{code}")
    if isinstance(problem, APIError | NoStreamResponseError):
        return ChannelDown(NO_JETSTREAM)
    return ChannelDown(type(problem).__name__)
