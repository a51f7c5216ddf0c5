"""What goes wrong on demand: errors, lost answers and slow answers for chosen calls."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

from tests.telegram_server.state import BotApiError

LostAnswer = Literal["drop", "drop_before"]


class ConnectionDropped(Exception):
    """The connection is to be closed without an answer."""


@dataclass
class Fault:
    """One thing that goes wrong, `times` times, or until healed when `times` is None."""

    method: str
    error: int | LostAnswer | None
    times: int | None
    chat_id: int | None
    retry_after: int | None
    description: str | None
    delay: float

    def matches(self, method: str, chat_id: Any) -> bool:
        """Return whether this call is one that goes wrong."""
        return self.method in ("*", method) and self.chat_id in (None, chat_id)

    def before(self) -> None:
        """Fail a call that shall have no effect; raises Dropped or Refused."""
        if self.error == "drop_before":
            raise ConnectionDropped
        if isinstance(self.error, int):
            raise BotApiError(self.error, self.description or self._usual_words(), self.retry_after)

    def after(self) -> None:
        """Lose the answer to a call that has had its effect; raises Dropped."""
        if self.error == "drop":
            raise ConnectionDropped

    def _usual_words(self) -> str:
        if self.error == HTTPStatus.TOO_MANY_REQUESTS:
            return f"Too Many Requests: retry after {self.retry_after}"
        if self.error == HTTPStatus.CONFLICT:
            return "Conflict: terminated by other getUpdates request"
        return HTTPStatus(int(self.error or 500)).phrase


class Faults:
    """The faults that are waiting for their call. The server's lock guards them."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let this go wrong from now on."""
        self._waiting.append(fault)

    def take(self, method: str, chat_id: Any) -> Fault | None:
        """Return the oldest fault that meets this call, using up one of its times."""
        found = next((fault for fault in self._waiting if fault.matches(method, chat_id)), None)
        if found and found.times is not None:
            found.times -= 1
            if found.times <= 0:
                self._waiting.remove(found)
        return found

    def clear(self) -> None:
        """Let nothing more go wrong."""
        self._waiting.clear()
