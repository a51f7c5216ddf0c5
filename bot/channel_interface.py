"""What every channel is to the rest: it turns what arrives into our shapes, and sends ours out."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from flows.inputs import Input
from flows.vocabulary import OutboxKind
from storage.unit import Unit

Body = dict[str, Any]
MANAGER_RECIPIENT = "manager"
"""Who an alert is for when it is not for the whole team."""


class ChatEvent(StrEnum):
    """What happened to a chat. ELSEWHERE: the bot is in a group or channel, which it leaves."""

    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class InboundEvent:
    """One payload, translated.

    `chat_event` is None for something a person did. `callback_id` is to be acknowledged at once.
    `reply_channel` is the chat's own channel where the input came by another one.
    """

    address: str
    user_input: Input | None = None
    chat_event: ChatEvent | None = None
    message_id: str | None = None
    callback_id: str | None = None
    reply_channel: str = ""


class Channel(Protocol):
    """A way to reach people. Its payloads and its errors end here.

    `rate_limited` says whether the other side bounds how fast we may send.
    """

    name: str
    rate_limited: bool

    def translate(self, body: Body) -> InboundEvent | None:
        """Return what a raw payload means, None when there is nothing to do about it."""

    async def send(self, address: str, kind: OutboxKind, body: Body) -> str | None:
        """Do what an outbox row says; return the new message's id if there is one.

        Raises one of the errors below when it could not be done.
        """


@runtime_checkable
class LocalChannel(Channel, Protocol):
    """A channel whose messages we store ourselves, so that a turn can show its own."""

    def show(self, unit: Unit, address: str, kind: OutboxKind, body: Body) -> str | None:
        """Do what an outbox row says; return the new message's id if there is one.

        Raises PermanentFailure for what this channel never does.
        """


@runtime_checkable
class ConnectedChannel(Channel, Protocol):
    """A channel that keeps a connection while it is used to send."""

    async def open(self) -> None:
        """Connect; raises TemporaryFailure. Sending does so too, where it is not connected."""

    async def close(self) -> None:
        """End the connection, if there is one."""


class RateLimited(Exception):
    """Not now: try again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"wait {seconds} s")
        self.seconds = seconds


class TemporaryFailure(Exception):
    """It was not taken: try again as after any failure. It carries a code, never words."""


class ChannelDown(TemporaryFailure):
    """The channel cannot be reached at all: no row is at fault. It carries a code, never words."""


class ChatClosed(Exception):
    """The person closed the chat; nothing more can be sent there."""


class PermanentFailure(Exception):
    """This row can never be sent; the next one may. It carries a code, never words."""
