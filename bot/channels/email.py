"""Staff alerts by e-mail: a reference and a time, nothing personal. Alone knows SMTP."""

import asyncio
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr

from bot.channel_interface import (
    MANAGER_RECIPIENT,
    Body,
    InboundEvent,
    PermanentFailure,
    TemporaryFailure,
)
from bot.settings import Settings
from flows.vocabulary import OutboxKind

SMTP_TIMEOUT = 20  # seconds
IMPLICIT_TLS_PORT = 465
"""On this port TLS begins with the first byte (RFC 8314), elsewhere after STARTTLS."""


class EmailChannel:
    """The channel named email: it only goes out, to the addresses that the service set."""

    name = "email"
    rate_limited = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def translate(self, body: Body) -> InboundEvent | None:
        """Return None: nothing comes in by e-mail."""
        return None

    async def send(self, address: str, kind: OutboxKind, body: Body) -> str | None:
        """Send an alert; raise TemporaryFailure with the kind of what went wrong."""
        if kind != OutboxKind.ALERT:
            raise PermanentFailure(f"email_{kind}")
        to = self._settings.staff_email
        if body.get("to") == MANAGER_RECIPIENT:
            to = self._settings.manager_email or to
        if not to:
            raise PermanentFailure("email_to_nobody")
        try:
            await asyncio.to_thread(self._send, to, str(body["text"]))
        except (smtplib.SMTPException, OSError) as problem:
            raise TemporaryFailure(failure_code(problem)) from None
        return None

    def _send(self, to: str, text: str) -> None:
        sender = self._settings.smtp_from or ""
        message = EmailMessage()
        message["From"], message["To"] = sender, to
        message["Subject"] = text.split(".", maxsplit=1)[0]
        # Large providers refuse mail that lacks either of these two.
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence note answers it
        message.set_content(text)
        with smtp_session(self._settings) as server:
            server.send_message(message)


def check_mail(settings: Settings) -> list[str]:
    """Return plain lines of what the mail server refuses; it is asked, and no mail is sent."""
    addresses = {"STAFF_EMAIL": settings.staff_email, "MANAGER_EMAIL": settings.manager_email}
    wanted = {name: address for name, address in addresses.items() if address}
    if not wanted:
        return []
    try:
        with smtp_session(settings) as server:
            server.ehlo_or_helo_if_needed()
            code, _ = server.mail(settings.smtp_from or "")
            if code != 250:
                return [f"The mail server refuses SMTP_FROM as the sender ({code})."]
            answers = {name: server.rcpt(address)[0] for name, address in wanted.items()}
    except (smtplib.SMTPException, OSError) as problem:
        return [
            f"The mail server cannot be used ({failure_code(problem)}). Check SMTP_HOST, "
            "SMTP_PORT, SMTP_USER, SMTP_PASSWORD and SMTP_TLS."
        ]
    refused = [(name, code) for name, code in answers.items() if code not in (250, 251)]
    return [f"The mail server refuses {name} as a recipient ({code})." for name, code in refused]


@contextmanager
def smtp_session(settings: Settings) -> Iterator[smtplib.SMTP]:
    """Give a session with the mail server, encrypted and signed in as the settings say.

    Raises smtplib.SMTPException or OSError.
    """
    host, port = settings.smtp_host or "", settings.smtp_port
    tls = ssl.create_default_context() if settings.smtp_tls else None
    if tls and port == IMPLICIT_TLS_PORT:
        opened: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=SMTP_TIMEOUT, context=tls)
    else:
        opened = smtplib.SMTP(host, port, timeout=SMTP_TIMEOUT)
    with opened as server:
        if tls and port != IMPLICIT_TLS_PORT:
            server.starttls(context=tls)
        if settings.smtp_user and settings.smtp_password:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        yield server


def failure_code(problem: Exception) -> str:
    """Return the kind of a failure with the server's reply code; never its words."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return "smtp_" + "_".join(str(code) for code, _ in problem.recipients.values())
    if isinstance(problem, smtplib.SMTPResponseException):
        return f"smtp_{problem.smtp_code}"
    return type(problem).__name__
