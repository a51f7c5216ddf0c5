"""What every channel is to the rest: it turns what arrives into our shapes, and sends ours out."""

from dataclasses import dataclass
from typing import Any, Protocol

from flows.conversation import Heard

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Arrived:
    """One thing that came in. `event` is "" for something a person did, or blocked, unblocked,
    elsewhere (a group or channel, which is left). `press` is to be acknowledged at once. `channel`
    is the chat's own where it came by another door.
    """

    address: str
    heard: Heard | None = None
    event: str = ""
    message: str | None = None
    press: str | None = None
    channel: str = ""


class Channel(Protocol):
    """A way to meet people. Its payloads and its errors end here.

    `limited` says whether the other side bounds how fast we may send.
    """

    name: str
    limited: bool

    def translate(self, body: Body) -> Arrived | None:
        """Return what a raw payload means, None when there is nothing to do about it."""

    async def send(self, address: str, kind: str, body: Body) -> str | None:
        """Do what an outbox row says; return the new message's id if there is one.

        Raises one of the errors below when it could not be done.
        """


class Wait(Exception):
    """Not now: try again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"wait {seconds} s")
        self.seconds = seconds


class Later(Exception):
    """It was not taken: try again as after any failure. It carries a code, never words."""


class Gone(Exception):
    """The person closed the chat; nothing more can be sent there."""


class Refused(Exception):
    """This row can never be sent; the next one may. It carries a code, never words."""
