"""The only file that knows uvicorn: serves pages until it is told to stop."""

import asyncio
import contextlib
from collections.abc import Callable
from socket import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bot.settings import InvalidSettings, Settings

MAX_HEAD_BYTES = 65536
SHUTDOWN_SECONDS = 8
"""Seconds that a page under way has to end when the program is stopped: more than it waits for the
database, so that it can say that it did in vain."""


UNREAD_SECONDS = 0.2
"""Seconds after that in which a request that was on its way is still read."""


class AddressUnavailable(InvalidSettings):
    """Somebody else listens there, or this computer has no such address."""


async def serve(
    app: ASGIApp,
    settings: Settings,
    on_ready: Callable[[], None] | None = None,
    on_stop: Callable[[], None] = lambda: None,
) -> None:
    """Serve an app; when cancelled, call `on_stop` and let what is under way end first.

    Raises AddressUnavailable when HOST and PORT cannot be listened on.
    """
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        forwarded_allow_ips=settings.trusted_proxy_list,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        http=_HttpProtocol,
        ws="none",
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    server = _Server(config, on_ready)
    serving = asyncio.create_task(server.serve())
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        on_stop()
        await serving
        raise


class _HttpProtocol(HttpToolsProtocol):
    """The parser in C, which bounds no request head by itself: longer ones get 400.

    A request that has been sent when the program is stopped is answered, also when it is not read
    yet.
    """

    _is_in_head, _head_bytes = True, 0
    _is_stopping = False

    def on_message_begin(self) -> None:
        """Count a new head."""
        super().on_message_begin()
        self._is_in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """Count no more: what follows is a body, which has limits of its own."""
        super().on_headers_complete()
        self._is_in_head = False
        if self._is_stopping:
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        """Close the connection: after its answer, or when it goes on asking nothing."""
        if self._is_stopping or not (self.cycle is None or self.cycle.response_complete):
            super().shutdown()
        else:
            self.loop.call_later(UNREAD_SECONDS, self.shutdown)
        self._is_stopping = True

    def data_received(self, data: bytes) -> None:
        """Read what came, and refuse a head that goes on and on."""
        super().data_received(data)
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The request has too many headers.")


class _Server(uvicorn.Server):
    """A web server that leaves the signals to us, and says when it is open."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Open, and say so."""
        try:
            await super().startup(sockets)
        except SystemExit:
            raise AddressUnavailable(
                "HOST and PORT cannot be listened on. Does another program use that PORT?"
            ) from None
        if self._on_ready and self.started:
            self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Capture none."""
        yield
