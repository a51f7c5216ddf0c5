"""Which scene belongs to which stage of table 1."""

from collections.abc import Callable, Mapping
from datetime import datetime

from flows.conversation import Conversation, Heard, Turn
from flows.scenes import asking, checking, learning, notice, paused, sent, stopped, welcome

Show = Callable[[Conversation, Heard], Turn]
Hear = Callable[[Conversation, Heard, datetime], Turn]

SHOWS: Mapping[str, Show] = {
    "welcome": welcome.show,
    "learning": learning.show,
    "notice": notice.show,
    "asking": asking.show,
    "checking": checking.show,
    "stopped": stopped.show,
    "paused": paused.show,
    "sent": sent.show,
    "withdrawn": sent.show,
    "expired": welcome.show_gone,
}
HEARS: Mapping[str, Hear] = {
    "welcome": welcome.hear,
    "learning": learning.hear,
    "notice": notice.hear,
    "asking": asking.hear,
    "checking": checking.hear,
    "stopped": stopped.hear,
    "paused": paused.hear,
    "sent": sent.hear,
    "withdrawn": sent.hear,
}
