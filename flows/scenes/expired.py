"""The expired draft: says that old answers were deleted, then shows the welcome."""

from flows.conversation import Reply, Turn
from flows.interaction import moves
from flows.interaction.moment import Moment, show_again
from flows.stages import Move
from flows.wording import say


def show(moment: Moment) -> Turn:
    """Return the notice that old answers were deleted, then the welcome."""
    conversation = moment.conversation
    gone = Reply(say(conversation.language, "scenes.welcome.gone"))
    return Turn(moves.apply_move(conversation, Move.WELCOME), (gone,), rerender=True)


def handle(moment: Moment) -> Turn:
    """Return the same news: whatever was typed was meant for a draft that is gone."""
    return show_again(moment)
