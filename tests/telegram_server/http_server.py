"""The line on the loopback: takes requests from bots and carries the answers back."""

import contextlib
import json
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from tests.telegram_server.faults import ConnectionDropped
from tests.telegram_server.state import Json


class BotApi(Protocol):
    """Whoever knows the answers, and keeps the errors met while answering."""

    errors: list[Exception]

    def answer(self, path: str, content_type: str, body: bytes) -> tuple[int, Json]:
        """Return the status and JSON for one call; raises Dropped when no answer shall come."""

    def file(self, path: str) -> bytes:
        """Return the content of a file."""


class TelegramHttpServer(ThreadingHTTPServer):
    """The listening socket and the connections on it."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, telegram: BotApi, port: int) -> None:
        super().__init__(("127.0.0.1", port), BotApiHandler)
        self.telegram = telegram
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection so that it can be hung up."""
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that is over."""
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay quiet about a bot that went away, which tests do on purpose; keep the rest."""
        trouble = sys.exc_info()[1]
        if isinstance(trouble, Exception) and not isinstance(trouble, ConnectionError):
            self.telegram.errors.append(trouble)
            super().handle_error(request, client_address)

    def close_all(self) -> None:
        """Stop listening and close what is open."""
        self.shutdown()
        self.server_close()
        with self._guard:
            for connection in self._open:
                with contextlib.suppress(OSError):  # the bot has hung up already
                    connection.shutdown(socket.SHUT_RDWR)


class BotApiHandler(BaseHTTPRequestHandler):
    """Reads one request after another from a connection and answers each."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: TelegramHttpServer

    def do_POST(self) -> None:
        """Answer a call with a body."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/file/"):
            self._write(200, "application/octet-stream", self.server.telegram.file(self.path))
            return
        content_type = self.headers.get("Content-Type") or ""
        try:
            status, answer = self.server.telegram.answer(self.path, content_type, body)
        except ConnectionDropped:
            self.close_connection = True
            return
        self._write(status, "application/json", json.dumps(answer).encode())

    do_GET = do_POST

    def log_message(self, format: str, *args: Any) -> None:
        """Write no access log."""

    def _write(self, status: int, content_type: str, body: bytes) -> None:
        reason = self.responses[status][0] if status in self.responses else "Error"
        head = (
            f"HTTP/1.1 {status} {reason}\r\nContent-Type: {content_type}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self.wfile.write(head.encode() + body)
