"""A loopback Telegram for the tests: strict as the real Bot API, played by people in a test."""

from .account import Sent, Toast
from .clock import Clock
from .people import Group, Person
from .screen import Button, Message
from .server import Call, TelegramServer
from .world import Refused

__all__ = [
    "Button",
    "Call",
    "Clock",
    "Group",
    "Message",
    "Person",
    "Refused",
    "Sent",
    "TelegramServer",
    "Toast",
]
