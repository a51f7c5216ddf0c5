"""What the daily counts learn of a turn: numbers for the funnel, never a word of anybody."""

from collections import Counter
from dataclasses import replace

from flows import content_files
from flows.conversation import Conversation, CountEvent
from flows.questions import journey
from flows.questions.questionnaire import Question


def turn_events(before: Conversation, after: Conversation) -> tuple[CountEvent, ...]:
    """Return what to count after a turn: asked, answered, stopped and left, each once a draft.

    `asked` is a question shown for the first time in a draft, `answered` its first answer,
    `stopped` a draft that cannot go on here, `left` one that is put aside at a question.
    """
    if _position(before) == _position(after):
        return ()
    was_open = journey.open_question(before) if before.journey else None
    return (
        *_answered_events(before, after, was_open),
        *_asked_events(before, after, was_open),
        *_ended_events(before, after, was_open),
    )


def counter_key(conversation: Conversation, *key_parts: str) -> str:
    """Return what a count is kept under: "<journey>/<wording version>", and more behind it."""
    version = content_files.wording_version(conversation.language)
    return "/".join((conversation.journey, version, *key_parts))


def _position(conversation: Conversation) -> tuple[object, ...]:
    return (
        conversation.stage,
        conversation.journey,
        conversation.draft_epoch,
        conversation.editing,
        len(conversation.answers),
    )


def _asked_events(
    before: Conversation, after: Conversation, was_open: Question | None
) -> tuple[CountEvent, ...]:
    one = journey.open_question(after) if after.stage == "asking" else None
    if one is None or journey.latest_answer(after, one.key)[1] is not None:
        return ()
    if _same_draft(before, after) and (one == was_open or _was_open_before(before, one)):
        return ()
    return (CountEvent("asked", counter_key(after, one.key)),)


def _answered_events(
    before: Conversation, after: Conversation, was_open: Question | None
) -> tuple[CountEvent, ...]:
    """Count the question that stood open, when this turn answered it for the first time."""
    grew = len(after.answers) > len(before.answers) and _same_draft(before, after)
    if was_open is None or not grew or journey.latest_answer(before, was_open.key)[1]:
        return ()
    if journey.latest_answer(after, was_open.key)[1] is None:
        return ()
    return (CountEvent("answered", counter_key(before, was_open.key)),)


def _ended_events(
    before: Conversation, after: Conversation, was_open: Question | None
) -> tuple[CountEvent, ...]:
    if after.stage == "stopped" != before.stage:
        return (CountEvent("stopped", counter_key(after, after.stop_reason)),)
    if before.stage not in ("asking", "checking") or after.stage not in ("paused", "welcome"):
        return ()
    return (CountEvent("left", counter_key(before, was_open.key if was_open else before.stage)),)


def _same_draft(before: Conversation, after: Conversation) -> bool:
    """Return whether the questions of this very draft had begun before the turn."""
    same = (before.draft_epoch, before.journey) == (after.draft_epoch, after.journey)
    return same and (before.journey != "self" or before.consented_at is not None)


def _was_open_before(conversation: Conversation, question: Question) -> bool:
    """Return whether a question without an answer stood open earlier in this draft.

    Answers are events: where one was given twice, what was open before it follows from the
    events before it.
    """
    given = Counter(answer.question for answer in conversation.answers)
    last = len(conversation.answers)
    first = 0 if any(n > 1 for n in given.values()) else last + (not conversation.editing)
    return any(
        journey.first_unanswered(
            replace(conversation, answers=conversation.answers[:n], editing="")
        )
        == question
        for n in range(first, last + 1)
    )
