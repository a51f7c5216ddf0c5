"""Carries updates to a bot's webhook: one at a time, in order in each chat, until taken."""

import json
import threading
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from tests.telegram_server.state import Json, ServerState
from tests.telegram_server.updates import UpdateQueue, Webhook

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class WebhookSender(threading.Thread):
    """Delivers what is due for one bot while this run of the server lasts."""

    def __init__(self, updates: UpdateQueue, world: ServerState) -> None:
        super().__init__(daemon=True, name="telegram-courier")
        self._updates = updates
        self._world = world
        self._run_number = world.run_number

    def run(self) -> None:
        """Deliver until the server stops."""
        while self._is_current():
            self._deliver_next()

    def _is_current(self) -> bool:
        return self._world.running and self._run_number == self._world.run_number

    def _deliver_next(self) -> None:
        with self._world.changed:
            waiting, pause = self._updates.due()
            webhook = self._updates.webhook
            if waiting is None or webhook is None:
                if self._is_current():
                    self._world.changed.wait(pause)
                return
        trouble = post_update(webhook, waiting.body, self._world.webhook_timeout)
        with self._world.changed:
            if trouble:
                self._updates.failed(waiting, trouble)
            else:
                self._updates.delivered(waiting)


def post_update(webhook: Webhook, body: Json, timeout: float) -> str:
    """Post one update and return "" when it was taken, else what went wrong."""
    parts = urlsplit(webhook.url)
    if parts.scheme != "http" or parts.hostname not in LOOPBACK:
        return "the rehearsal server delivers to plain http on loopback only"
    headers = {"Content-Type": "application/json"}
    if webhook.secret:
        headers["X-Telegram-Bot-Api-Secret-Token"] = webhook.secret
    connection = HTTPConnection(parts.hostname, parts.port or 80, timeout=timeout)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", path, json.dumps(body).encode(), headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, HTTPException) as trouble:
        return f"{type(trouble).__name__}: {trouble}"
    finally:
        connection.close()
    taken = 200 <= answer.status < 300
    return "" if taken else f"Wrong response from the webhook: {answer.status} {answer.reason}"
