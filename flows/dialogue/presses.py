"""What a pressed button leads to: one handler for each verb, whatever the scene."""

from collections.abc import Mapping

from flows.conversation import Turn
from flows.dialogue import commands, danger, handoff
from flows.dialogue.absence import is_away, pause_after_absence
from flows.interaction.buttons import ButtonVerb
from flows.interaction.moment import Handler, Moment, reply_and_show_again, show_again
from flows.scenes import answering, checking, learning, notice, paused, sent, welcome
from flows.stages import Stage

BUTTON_HANDLERS: Mapping[ButtonVerb, Handler] = {
    **commands.BUTTON_HANDLERS,
    **danger.BUTTON_HANDLERS,
    **handoff.BUTTON_HANDLERS,
    **welcome.BUTTON_HANDLERS,
    **learning.BUTTON_HANDLERS,
    **notice.BUTTON_HANDLERS,
    **answering.BUTTON_HANDLERS,
    **checking.BUTTON_HANDLERS,
    **sent.BUTTON_HANDLERS,
    **paused.BUTTON_HANDLERS,
}


def handle_press(moment: Moment) -> Turn:
    """Return what follows from a pressed button, whether ours, old or forged."""
    conversation, pressed = moment.conversation, moment.pressed
    # A button of a prompt that is still to come was never sent by us.
    if (
        pressed is None
        or pressed.verb not in BUTTON_HANDLERS
        or pressed.prompt_id > conversation.prompt_id
    ):
        return reply_and_show_again(moment, "errors.chat.forged")
    if conversation.stage == Stage.EXPIRED and pressed.verb != ButtonVerb.LEAVE:
        return show_again(moment)
    # The one button that shows every answer at once.
    if pressed.verb == ButtonVerb.SHOW and is_away(conversation, moment.now):
        return pause_after_absence(moment, keep_text=False)
    return BUTTON_HANDLERS[pressed.verb](moment)
