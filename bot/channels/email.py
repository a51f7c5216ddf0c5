"""Staff alerts by e-mail: a reference and a time, nothing personal. Alone knows SMTP."""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage

from bot.channel_interface import MANAGER_RECIPIENT, Body, InboundEvent, PermanentFailure
from bot.settings import Settings
from flows.vocabulary import OutboxKind

SMTP_TIMEOUT = 20


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
        """Send an alert; raises what the mail server raises, and it is tried again."""
        if kind != OutboxKind.ALERT:
            raise PermanentFailure(f"email_{kind}")
        to = self._settings.staff_email
        if body.get("to") == MANAGER_RECIPIENT:
            to = self._settings.manager_email or to
        if not to:
            raise PermanentFailure("email_to_nobody")
        await asyncio.to_thread(self._send, to, str(body["text"]))
        return None

    def _send(self, to: str, text: str) -> None:
        told = self._settings
        message = EmailMessage()
        message["From"], message["To"] = told.smtp_from, to
        message["Subject"] = text.split(".", maxsplit=1)[0]
        message.set_content(text)
        with smtplib.SMTP(told.smtp_host or "", told.smtp_port, timeout=SMTP_TIMEOUT) as server:
            if told.smtp_tls:
                server.starttls(context=ssl.create_default_context())
            if told.smtp_user and told.smtp_password:
                server.login(told.smtp_user, told.smtp_password.get_secret_value())
            server.send_message(message)
