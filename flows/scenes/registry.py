"""Which scene belongs to which stage of table 1."""

from collections.abc import Callable, Mapping
from datetime import datetime

from flows.conversation import Conversation, Input, Turn
from flows.scenes import asking, checking, learning, notice, paused, sent, stopped, welcome

ShowScene = Callable[[Conversation, Input], Turn]
HandleInput = Callable[[Conversation, Input, datetime], Turn]

SHOW_BY_STAGE: Mapping[str, ShowScene] = {
    "welcome": welcome.show,
    "learning": learning.show,
    "notice": notice.show,
    "asking": asking.show,
    "checking": checking.show,
    "stopped": stopped.show,
    "paused": paused.show,
    "sent": sent.show,
    "withdrawn": sent.show,
    "expired": welcome.show_expired,
}
HANDLE_BY_STAGE: Mapping[str, HandleInput] = {
    "welcome": welcome.handle,
    "learning": learning.handle,
    "notice": notice.handle,
    "asking": asking.handle,
    "checking": checking.handle,
    "stopped": stopped.handle,
    "paused": paused.handle,
    "sent": sent.handle,
    "withdrawn": sent.handle,
}
