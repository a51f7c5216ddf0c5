"""Staff alerts by e-mail, sent to a small mail server on this machine."""

import socketserver
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from bot.channel_interface import PermanentFailure
from bot.channels.email import EmailChannel
from bot.pipeline.deliver import Delivery
from bot.settings import Settings
from flows.vocabulary import OutboxKind
from storage.chats import outbox
from storage.database import Database
from storage.vault import Vault
from tests.harness.app import build_runtime
from tests.support.builders import NOW

ALERT = "New request ACDE-FGHJ. Be in touch by 5pm on Tuesday 24 November."


class FakeSmtpServer(socketserver.ThreadingTCPServer):
    """A mail server that keeps what it is handed; it can be told to refuse."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _SmtpHandler)
        self.letters: list[EmailMessage] = []
        self.rejects_mail = False

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        return int(self.server_address[1])


class _SmtpHandler(socketserver.StreamRequestHandler):
    server: FakeSmtpServer

    def handle(self) -> None:
        self._say("220 ready")
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].upper()
            if word == "DATA":
                self._say("354 go on")
                self._take()
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say(
                    "451 not now" if self.server.rejects_mail and word == "MAIL" else "250 ok"
                )

    def _take(self) -> None:
        raw = b""
        while (line := self.rfile.readline()) != b".\r\n":
            raw += line
        self.server.letters.append(message_from_bytes(raw, policy=policy.default))
        self._say("250 kept")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def mailbox() -> Iterator[FakeSmtpServer]:
    with FakeSmtpServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def channel(mailbox: FakeSmtpServer) -> EmailChannel:
    """Return the channel as the settings would make it, without encryption on this machine."""
    told: dict[str, Any] = {
        "staff_email": "team@example.com",
        "smtp_host": "127.0.0.1",
        "smtp_port": mailbox.port,
        "smtp_from": "rj@example.com",
        "smtp_tls": False,
    }
    return EmailChannel(Settings.model_validate(told))


async def test_an_alert_reaches_the_team_with_a_reference_and_a_time(
    mailbox: FakeSmtpServer,
) -> None:
    assert await channel(mailbox).send("", OutboxKind.ALERT, {"text": ALERT}) is None
    (letter,) = mailbox.letters
    assert (letter["To"], letter["From"]) == ("team@example.com", "rj@example.com")
    assert letter["Subject"] == "New request ACDE-FGHJ"
    assert letter.get_content().strip() == ALERT


async def test_only_alerts_go_out_and_nothing_comes_in(mailbox: FakeSmtpServer) -> None:
    with pytest.raises(PermanentFailure):
        await channel(mailbox).send("", OutboxKind.SAY, {"text": "hello"})
    assert channel(mailbox).translate({"say": "hello"}) is None
    assert mailbox.letters == []


async def test_an_alert_waits_while_the_mail_server_is_away(
    mailbox: FakeSmtpServer, database: Database, vault: Vault
) -> None:
    clock = [NOW]
    database.clock = lambda: clock[0]
    house = build_runtime(database, {"email": channel(mailbox)})
    with database.unit(NOW) as unit:
        outbox.enqueue(unit, "email", OutboxKind.ALERT, {"text": ALERT})
    delivery = Delivery(house)
    mailbox.rejects_mail = True
    assert (await delivery.deliver_batch())[0] == 1
    assert (await delivery.deliver_batch())[0] == 0, "it waits before it tries again"
    mailbox.rejects_mail = False
    clock[0] = NOW.replace(hour=NOW.hour + 1)
    assert (await delivery.deliver_batch())[0] == 1
    assert (await delivery.deliver_batch())[0] == 0, "sent once"
    assert [letter["Subject"] for letter in mailbox.letters] == ["New request ACDE-FGHJ"]
