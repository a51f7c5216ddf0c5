"""Which scene belongs to which stage of table 1."""

from collections.abc import Mapping
from typing import Protocol

from flows.conversation import Turn
from flows.interaction.moment import Moment
from flows.scenes import asking, checking, expired, learning, notice, paused, sent, stopped, welcome
from flows.stages import Stage


class Scene(Protocol):
    """What a person sees at a stage, and what their words do there. Each module is one."""

    def show(self, moment: Moment) -> Turn:
        """Return what is shown when the conversation comes to stand here."""

    def handle(self, moment: Moment) -> Turn:
        """Return what typed text does here, when it is no command and no button's label."""


SCENES: Mapping[Stage, Scene] = {
    Stage.WELCOME: welcome,
    Stage.LEARNING: learning,
    Stage.NOTICE: notice,
    Stage.ASKING: asking,
    Stage.CHECKING: checking,
    Stage.STOPPED: stopped,
    Stage.PAUSED: paused,
    Stage.SENT: sent,
    Stage.WITHDRAWN: sent,
    Stage.EXPIRED: expired,
}
