"""The loopback Telegram itself: its address, its people, its faults and what it has seen."""

import itertools
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import unquote, urlsplit

from tests.harness.clock import FakeClock
from tests.support.ports import free_port
from tests.telegram_server.account import Account, Chat, ShownEvent
from tests.telegram_server.api.methods import METHODS, NAMES
from tests.telegram_server.api.parameters import read_parameters
from tests.telegram_server.faults import Fault, Faults, LostAnswer
from tests.telegram_server.http_server import TelegramHttpServer
from tests.telegram_server.state import BotApiError, Json, ServerState
from tests.telegram_server.users import TelegramGroup, TelegramUser
from tests.telegram_server.webhook_sender import WebhookSender

FIRST_PERSON = 1001
FIRST_GROUP = 1
GROUP_BASE = -1_001_000_000_000
TOKEN = "123456:ABC-rehearsal-token-of-the-tests"
TOKEN_LETTERS = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
RETRY_AFTER = 3


class ApiCall(NamedTuple):
    """One call of the bot; `time` in seconds of time.monotonic, parameters with JSON unpacked."""

    time: float
    method: str
    parameters: Json


class TelegramServer:
    """A Telegram on 127.0.0.1 for bots under test; use it in a `with`, or start and stop it.

    State stays over a stop and a new start, and so does the port. Any token of the usual
    shape is a bot of its own; people belong to `server.token` unless told otherwise. Without a
    clock of the test's own it is the time that it really is.
    """

    def __init__(self, token: str = TOKEN, clock: FakeClock | None = None) -> None:
        self.token = token
        self.world = ServerState(clock or FakeClock(None))
        self.calls: list[ApiCall] = []
        self.errors: list[Exception] = []
        self._accounts: dict[str, Account] = {}
        self._faults = Faults()
        self._line: TelegramHttpServer | None = None
        self._port = free_port()
        self._person_numbers = itertools.count(FIRST_PERSON)
        self._group_numbers = itertools.count(FIRST_GROUP)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if self.errors and value is None:
            raise ExceptionGroup("errors of the server itself", self.errors)

    def start(self) -> None:
        """Begin to answer; again on the same port after a stop."""
        self._line = TelegramHttpServer(self, self._port)
        self._port = self._line.server_address[1]
        with self.world.changed:
            self.world.running = True
            self.world.run_number += 1
            for account in self._accounts.values():
                WebhookSender(account.updates, self.world).start()
        listen = {"poll_interval": 0.02}
        threading.Thread(target=self._line.serve_forever, kwargs=listen, daemon=True).start()

    def stop(self) -> None:
        """Stop answering: long polls end at once, connections close, new ones are refused."""
        with self.world.changed:
            self.world.running = False
            self.world.changed.notify_all()
        if self._line is not None:
            self._line.close_all()
            self._line = None

    @property
    def api_url(self) -> str:
        """The address to give a bot as its base URL; the token follows directly."""
        return f"http://127.0.0.1:{self._port}/bot"

    @property
    def file_url(self) -> str:
        """The address to give a bot as its file URL."""
        return f"http://127.0.0.1:{self._port}/file/bot"

    @property
    def clock(self) -> FakeClock:
        """Telegram's time, which a test may freeze or advance."""
        return self.world.clock

    def account(self, token: str | None = None) -> Account:
        """Return what is kept for a bot, made on first sight; raises Refused for a bad token."""
        wanted = self.token if token is None else token
        number, colon, secret = wanted.partition(":")
        if not (number.isdigit() and colon and secret and set(secret) <= TOKEN_LETTERS):
            raise BotApiError(404, "Not Found")
        with self.world.changed:
            if wanted not in self._accounts:
                self._accounts[wanted] = Account(wanted, self.world)
                if self.world.running:
                    WebhookSender(self._accounts[wanted].updates, self.world).start()
            return self._accounts[wanted]

    def person(
        self,
        first_name: str = "Maya",
        language_code: str | None = "en",
        chat_id: int | None = None,
        *,
        last_name: str | None = None,
        username: str | None = None,
        phone: str = "+447700900001",
        token: str | None = None,
    ) -> TelegramUser:
        """Return a new person who has not written to the bot yet."""
        account = self.account(token)
        with self.world.changed:
            taken = account.chats
            free = (number for number in self._person_numbers if number not in taken)
            number = next(free) if chat_id is None else chat_id
            assert number not in taken, f"there is a chat {number} already"
            names = {"first_name": first_name, "last_name": last_name, "username": username}
            known = {name: value for name, value in names.items() if value is not None}
            chat = account.chats[number] = Chat(number, "private", known)
            user: Json = {"id": number, "is_bot": False, **known}
            if language_code is not None:
                user["language_code"] = language_code
            return TelegramUser(account, chat, user, phone)

    def group(
        self, title: str = "Team", *, bot_is_admin: bool = False, token: str | None = None
    ) -> TelegramGroup:
        """Return a new group that the bot is not in yet."""
        account = self.account(token)
        with self.world.changed:
            number = GROUP_BASE - next(self._group_numbers)
            chat = Chat(number, "supergroup", {"title": title})
            chat.bot_is_member, chat.bot_is_admin = False, bot_is_admin
            account.chats[number] = chat
            return TelegramGroup(account, chat)

    def raw_update(self, update: Mapping[str, Any], token: str | None = None) -> Json:
        """Queue any update, also a broken one; return it with its update_id."""
        account = self.account(token)
        with self.world.changed:
            return account.updates.add_raw(update)

    @property
    def pending(self) -> list[Json]:
        """The updates that are not confirmed, oldest first."""
        account = self.account()
        with self.world.changed:
            return [waiting.body for waiting in account.updates.pending()]

    @property
    def sent(self) -> list[ShownEvent]:
        """All that people have seen coming from the bot, in order, with edits and deletions."""
        account = self.account()
        with self.world.changed:
            return list(account.sent)

    def log_text(self, *kinds: str) -> str:
        """Return `sent` a line each, new messages, edits and toasts told apart by the first word.

        With kinds, such as "new", only those; words that were deleted later stay in it.
        """
        lines = []
        for sent in self.sent:
            if sent.kind in (kinds or ("new", "edit", "toast")):
                labels = "".join(f" [{label}]" for label in sent.labels)
                where = f"chat {sent.chat_id}, message {sent.message_id}"
                lines.append(f"{sent.kind} ({where}): {sent.text}{labels}")
        return "\n".join(lines)

    def calls_of(self, method: str) -> list[ApiCall]:
        """Return the calls of one method, oldest first."""
        with self.world.changed:
            return [call for call in self.calls if call.method == method]

    def wait_for_call(self, method: str, times: int = 1, timeout: float = 5.0) -> ApiCall:
        """Return the call that makes it `times`; raises AssertionError after `timeout` seconds."""
        with self.world.changed:
            came = self.world.changed.wait_for(lambda: len(self.calls_of(method)) >= times, timeout)
            assert came, f"{method} was called {len(self.calls_of(method))} times, not {times}"
            return self.calls_of(method)[times - 1]

    def fail_next(
        self,
        method: str,
        error: int | LostAnswer | None = 429,
        *,
        times: int | None = 1,
        chat_id: int | None = None,
        retry_after: int | None = None,
        description: str | None = None,
        delay: float = 0.0,
    ) -> None:
        """Let the next calls of a method ("*" for all) go wrong, `times=None` until `heal`.

        `error`: a code; "drop": the effect happens and the connection closes with no answer;
        "drop_before": no effect and no answer; None: only late. `delay`: seconds before the
        answer, after the effect. `retry_after`: seconds, for a 429 three unless said.
        """
        wait = RETRY_AFTER if error == 429 and retry_after is None else retry_after
        name = method if method == "*" else NAMES[method.lower()]
        with self.world.changed:
            self._faults.add(Fault(name, error, times, chat_id, wait, description, delay))

    def clear_faults(self) -> None:
        """Let nothing more go wrong."""
        with self.world.changed:
            self._faults.clear()

    def answer(self, path: str, content_type: str, body: bytes) -> tuple[int, Json]:
        """Return the status and JSON for one request; raises Dropped when no answer shall come."""
        try:
            parts = urlsplit(path)
            token, _, method = unquote(parts.path).removeprefix("/bot").partition("/")
            account = self.account(token)
            name = NAMES.get(method.lower())
            if not parts.path.startswith("/bot") or name is None:
                raise BotApiError(404, "Not Found: method not found")
            given = read_parameters(parts.query, content_type, body)
            return 200, {"ok": True, "result": self._perform(account, name, given)}
        except BotApiError as refused:
            return refused.code, _error(refused)

    def file(self, path: str) -> bytes:
        """Return what a file download gets; it is written down as a call of "download"."""
        with self.world.changed:
            self.calls.append(ApiCall(time.monotonic(), "download", {"path": path}))
        return b"a file of the tests"

    def _perform(self, account: Account, name: str, given: Json) -> Any:
        with self.world.changed:
            fault = self._faults.take(name, given.get("chat_id"))
            self.calls.append(ApiCall(time.monotonic(), name, given))
            self.world.changed.notify_all()
            if fault is not None:
                fault.before()
            result = METHODS[name](account, given)
            if fault is not None:
                self.world.changed.wait_for(lambda: not self.world.running, fault.delay)
                fault.after()
            return result


def _error(refused: BotApiError) -> Json:
    body: Json = {"ok": False, "error_code": refused.code, "description": refused.description}
    if refused.retry_after is not None:
        body["parameters"] = {"retry_after": refused.retry_after}
    if refused.migrate_to is not None:
        body["parameters"] = {"migrate_to_chat_id": refused.migrate_to}
    return body
