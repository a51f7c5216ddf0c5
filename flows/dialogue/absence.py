"""Return after an absence: a confirmation is asked for before any answer is shown."""

from dataclasses import replace
from datetime import datetime, timedelta

from flows.conversation import Conversation, Turn
from flows.interaction import moves
from flows.interaction.moment import Moment
from flows.pending import ConfirmUnconfirmedText
from flows.questions import journey
from flows.service import service
from flows.stages import Move, Stage


def is_away(conversation: Conversation, now: datetime) -> bool:
    """Return whether somebody with a draft in sight was away for longer than `lock_minutes`."""
    exposed = moves.can(conversation, Move.LEAVE) and moves.has_draft(conversation)
    is_paused = conversation.stage == Stage.PAUSED
    return exposed and not is_paused and time_since_last_input(conversation, now) > lock_time()


def pause_after_absence(moment: Moment, keep_text: bool) -> Turn:
    """Show nothing that was said; words that may be an answer are kept until they carry on."""
    conversation = moment.conversation
    is_asking = conversation.stage == Stage.ASKING
    question = journey.open_question(conversation) if is_asking else None
    away = moves.apply_move(conversation, Move.LEAVE)
    if keep_text and question:
        kept = ConfirmUnconfirmedText(question.key, moment.text, moment.input.message_id)
        away = replace(away, pending=kept)
    return Turn(away, rerender=True)


def time_since_last_input(conversation: Conversation, now: datetime) -> timedelta:
    """Return how long this person has done nothing; zero before their first input."""
    return now - conversation.last_input_at if conversation.last_input_at else timedelta()


def lock_time() -> timedelta:
    """Return how long a person may be silent before answers are hidden."""
    return timedelta(minutes=service().lock_minutes)
