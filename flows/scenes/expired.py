"""Old answers were deleted: the news, and then the hello."""

from flows.conversation import Reply, Turn
from flows.interaction import moves
from flows.interaction.moment import Moment, show_again
from flows.stages import Move
from flows.wording import say


def show(moment: Moment) -> Turn:
    """Return the news that old answers were deleted, and then the hello."""
    conversation = moment.conversation
    gone = Reply(say(conversation.language, "scenes.welcome.gone"))
    return Turn(moves.apply_move(conversation, Move.WELCOME), (gone,), rerender=True)


def handle(moment: Moment) -> Turn:
    """Return the same news: whatever was typed was meant for a draft that is gone."""
    return show_again(moment)
