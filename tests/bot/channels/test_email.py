"""Staff alerts by e-mail, sent to a small mail server on this machine."""

import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from bot.channel_interface import PermanentFailure
from bot.channels import email
from bot.channels.email import EmailChannel, check_mail
from bot.pipeline.deliver import Delivery
from bot.settings import Settings
from flows.vocabulary import OutboxKind
from flows.wording import say
from storage.chats import dead_letters, outbox
from storage.database import Database
from storage.vault import Vault
from tests.harness.app import build_runtime
from tests.harness.clock import START
from tests.harness.desk_fixtures import DeskApp
from tests.support.builders import NOW
from tests.support.certificates import make_certificate

ALERT = "New request ACDE-FGHJ. Be in touch by 5pm on Tuesday 24 November."


class FakeSmtpServer(socketserver.ThreadingTCPServer):
    """A mail server that keeps what it is handed; it can be told to refuse."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _SmtpHandler)
        self.letters: list[EmailMessage] = []
        self.refuses: dict[str, str] = {}
        """What is answered to a command, by its first word, in place of 250 ok."""
        self.tls: ssl.SSLContext | None = None

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        return int(self.server_address[1])


class _SmtpHandler(socketserver.StreamRequestHandler):
    server: FakeSmtpServer

    def setup(self) -> None:
        if self.server.tls:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        super().finish()
        self.request.close()  # the encrypted one is not what the server itself closes

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
                self._say(self.server.refuses.get(word, "250 ok"))

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


def settings_for(mailbox: FakeSmtpServer, **changed: Any) -> Settings:
    """Return settings that name this server, without encryption on this machine."""
    told: dict[str, Any] = {
        "staff_email": "team@example.com",
        "smtp_host": "127.0.0.1",
        "smtp_port": mailbox.port,
        "smtp_from": "rj@example.com",
        "smtp_tls": False,
        **changed,
    }
    return Settings.model_validate(told)


def channel(mailbox: FakeSmtpServer) -> EmailChannel:
    return EmailChannel(settings_for(mailbox))


async def test_an_alert_reaches_the_team_with_a_reference_and_a_time(
    mailbox: FakeSmtpServer,
) -> None:
    assert await channel(mailbox).send("", OutboxKind.ALERT, {"text": ALERT}) is None
    (letter,) = mailbox.letters
    assert (letter["To"], letter["From"]) == ("team@example.com", "rj@example.com")
    assert letter["Subject"] == "New request ACDE-FGHJ"
    assert letter.get_content().strip() == ALERT
    assert letter["Message-ID"].endswith("@example.com>")
    assert abs(letter["Date"].datetime.timestamp() - time.time()) < 600
    assert letter["Auto-Submitted"] == "auto-generated"


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
    mailbox.refuses = {"MAIL": "451 not now"}
    assert (await delivery.deliver_batch())[0] == 1
    assert (await delivery.deliver_batch())[0] == 0, "it waits before it tries again"
    mailbox.refuses = {}
    clock[0] = NOW.replace(hour=NOW.hour + 1)
    assert (await delivery.deliver_batch())[0] == 1
    assert (await delivery.deliver_batch())[0] == 0, "sent once"
    assert [letter["Subject"] for letter in mailbox.letters] == ["New request ACDE-FGHJ"]


async def test_a_refusal_is_kept_as_its_number_without_its_words(
    mailbox: FakeSmtpServer, database: Database
) -> None:
    runtime = build_runtime(database, {"email": channel(mailbox)})
    with database.unit(NOW) as unit:
        outbox.enqueue(unit, "email", OutboxKind.ALERT, {"text": ALERT})
    mailbox.refuses = {"RCPT": "550 team@example.com is unknown here"}
    await Delivery(runtime).deliver_batch()
    with database.reading(NOW) as unit:
        [waiting] = dead_letters.list_undelivered(unit)
    assert (waiting.reason, waiting.attempts) == ("smtp_550", 1)


@pytest.mark.parametrize(
    ("refuses", "said"),
    [
        ({}, []),
        ({"MAIL": "553 who?"}, ["SMTP_FROM"]),
        ({"RCPT": "550 unknown"}, ["STAFF_EMAIL", "MANAGER_EMAIL"]),
        ({"EHLO": "502 what?", "HELO": "502 what?"}, ["SMTP_HOST"]),
    ],
)
def test_the_mail_server_is_asked_what_it_would_refuse(
    mailbox: FakeSmtpServer, refuses: dict[str, str], said: list[str]
) -> None:
    mailbox.refuses = refuses
    lines = check_mail(settings_for(mailbox, manager_email="head@example.com"))
    assert len(lines) == len(said)
    assert all(name in line for name, line in zip(said, lines, strict=True))
    assert mailbox.letters == []
    assert "example.com" not in "".join(lines)


def test_without_alerts_by_mail_no_server_is_asked() -> None:
    assert check_mail(Settings.model_validate({})) == []


def test_on_its_own_port_the_line_is_encrypted_from_the_first_byte(
    mailbox: FakeSmtpServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key, certificate = make_certificate(tmp_path)
    mailbox.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    mailbox.tls.load_cert_chain(certificate, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(email, "IMPLICIT_TLS_PORT", mailbox.port)
    settings = settings_for(mailbox, smtp_tls=True, smtp_host="localhost")
    assert check_mail(settings) == []


async def test_the_desk_says_that_alerts_do_not_arrive(desk: DeskApp) -> None:
    with desk.database.unit(START) as unit:
        id = outbox.enqueue(unit, "email", OutboxKind.ALERT, {"text": ALERT})
    mira = await desk.signed_in("mediator", "mira")
    carys = await desk.signed_in("coordinator", "carys")
    warned = say("en", "desk.list.alerts_failing", at="").partition(" since")[0]
    assert warned not in (await mira.get("/desk/queue")).text
    for _ in range(dead_letters.FAILING_AFTER):
        with desk.database.unit(START) as unit:
            outbox.schedule_retry(unit, id, START, "smtp_550")
    assert warned in (await mira.get("/desk/queue")).text
    shown = (await carys.get("/desk/deliveries")).text
    assert "New request ACDE-FGHJ" in shown
    assert "smtp_550" in shown
    with desk.database.unit(START) as unit:
        outbox.mark_sent(unit, id)
    assert warned not in (await mira.get("/desk/queue")).text
