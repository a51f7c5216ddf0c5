"""What a handler is given: who stands where, what they just did, and when."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from flows import wording
from flows.conversation import Conversation, Reply, Turn
from flows.inputs import ButtonPress, Input, free_text
from flows.interaction.buttons import ButtonId, parse_button_id


@dataclass(frozen=True, slots=True)
class Moment:
    """One input as it arrives. `now` is aware."""

    conversation: Conversation
    input: Input
    now: datetime

    @property
    def text(self) -> str:
        """The person's own words; "" when they did something else."""
        return free_text(self.input)

    @property
    def pressed(self) -> ButtonId | None:
        """The pressed button; None when none was, or for an id that we never made."""
        pressed = self.input.button_id if isinstance(self.input, ButtonPress) else ""
        return parse_button_id(pressed)

    @property
    def args(self) -> tuple[str, ...]:
        """What the pressed button is about; () for one about nothing, and for what was typed."""
        return self.pressed.args if self.pressed else ()

    @property
    def first_arg(self) -> str:
        """The first of `args`, "" when there is none: a forged id may carry fewer than ours."""
        return "".join(self.args[:1])

    @property
    def prompt_id(self) -> int:
        """The prompt that this answers: the button's own; what is typed is about the newest."""
        return self.pressed.prompt_id if self.pressed else self.conversation.prompt_id

    @property
    def is_current(self) -> bool:
        """Whether this answers the newest prompt, and not a button of an older message."""
        return self.prompt_id == self.conversation.prompt_id

    def at(self, conversation: Conversation) -> "Moment":
        """Return the same input where the conversation stands elsewhere."""
        return replace(self, conversation=conversation)

    def on_message(self, message_id: str | None) -> "Moment":
        """Return the same input as if it had come with another message."""
        return replace(self, input=replace(self.input, message_id=message_id))

    def pressing(self, button_id: str) -> "Moment":
        """Return the moment as if this button had been pressed, on no message in particular."""
        return replace(self, input=ButtonPress(button_id, sender=self.input.sender))


Handler = Callable[[Moment], Turn]
"""Returns what follows from an input: of a scene, a command or a button."""


def show_again(moment: Moment) -> Turn:
    """Return the scene where the conversation stands: nothing was changed."""
    return Turn(moment.conversation, rerender=True)


def reply_and_show_again(moment: Moment, key: str, **blanks: object) -> Turn:
    """Return the wording under `key`, and then the scene where the conversation stands."""
    reply = Reply(wording.say(moment.conversation.language, key, **blanks))
    return Turn(moment.conversation, (reply,), rerender=True)
