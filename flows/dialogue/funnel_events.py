"""The funnel events of a turn: event names for the daily counters, no text."""

from dataclasses import replace

from flows import content_files
from flows.conversation import Conversation, CountEvent
from flows.questions import journey
from flows.questions.questionnaire import Question
from flows.stages import Stage
from flows.vocabulary import CounterEvent, Journey


def turn_events(before: Conversation, after: Conversation, is_sent: bool) -> tuple[CountEvent, ...]:
    """Return what to count after a turn: asked, answered, sent, stopped, left, each once a draft.

    ASKED is a question shown for the first time in a draft, ANSWERED its first answer, STOPPED
    a draft that cannot go on here, LEFT one that is put aside at a question.
    """
    if _position(before) == _position(after):
        return ()
    was_open = journey.open_question(before) if before.journey else None
    # Not seen from the stages alone: a form may begin and send the next one in a single turn.
    sent = (CountEvent(CounterEvent.SENT, counter_key(after)),) if is_sent else ()
    return (
        *sent,
        *_answered_events(before, after, was_open),
        *_asked_events(before, after, was_open),
        *_ended_events(before, after, was_open),
    )


def counter_key(conversation: Conversation, *key_parts: str) -> str:
    """Return what a count is kept under: "<journey>/<wording version>", and more behind it."""
    version = content_files.wording_version(conversation.language)
    return "/".join((conversation.journey, version, *key_parts))


def _position(conversation: Conversation) -> tuple[object, ...]:
    draft = (conversation.journey, conversation.draft_epoch, len(conversation.answers))
    return (conversation.stage, conversation.editing, *draft)


def _asked_events(
    before: Conversation, after: Conversation, was_open: Question | None
) -> tuple[CountEvent, ...]:
    one = journey.open_question(after) if after.stage == Stage.ASKING else None
    if one is None or journey.latest_answer(after, one.key)[1] is not None:
        return ()
    if _same_draft(before, after) and (one == was_open or _was_open_before(before, one)):
        return ()
    return (CountEvent(CounterEvent.ASKED, counter_key(after, one.key)),)


def _answered_events(
    before: Conversation, after: Conversation, was_open: Question | None
) -> tuple[CountEvent, ...]:
    """Count the question that stood open, when this turn answered it for the first time."""
    grew = len(after.answers) > len(before.answers) and _same_draft(before, after)
    if was_open is None or not grew or journey.latest_answer(before, was_open.key)[1]:
        return ()
    if journey.latest_answer(after, was_open.key)[1] is None:
        return ()
    return (CountEvent(CounterEvent.ANSWERED, counter_key(before, was_open.key)),)


def _ended_events(
    before: Conversation, after: Conversation, was_open: Question | None
) -> tuple[CountEvent, ...]:
    if after.stage == Stage.STOPPED != before.stage:
        return (CountEvent(CounterEvent.STOPPED, counter_key(after, after.stop_reason)),)
    was_asking = before.stage in (Stage.ASKING, Stage.CHECKING)
    if not was_asking or after.stage not in (Stage.PAUSED, Stage.WELCOME):
        return ()
    left_at = was_open.key if was_open else before.stage
    return (CountEvent(CounterEvent.LEFT, counter_key(before, left_at)),)


def _same_draft(before: Conversation, after: Conversation) -> bool:
    """Return whether the questions of this very draft had begun before the turn."""
    same = (before.draft_epoch, before.journey) == (after.draft_epoch, after.journey)
    return same and (before.journey != Journey.SELF or before.consented_at is not None)


def _was_open_before(conversation: Conversation, question: Question) -> bool:
    """Return whether a question without an answer stood open earlier in this draft.

    What was open is not stored: it follows from the answers given up to then.
    """
    answers = conversation.answers
    was_revised = len({answer.question for answer in answers}) < len(answers)
    if was_revised:
        # A changed answer closes questions and brings them back: look after each answer.
        lengths = range(len(answers) + 1)
    elif conversation.editing:
        # An answered question is open in its place; it stood open until then.
        lengths = range(len(answers), len(answers) + 1)
    else:
        # A first pass opens each question once. This is the usual case, and costs nothing.
        return False
    return any(
        journey.first_unanswered(replace(conversation, answers=answers[:n], editing="")) == question
        for n in lengths
    )
