"""What the daily counts learn of a turn: numbers for the funnel, never a word of anybody."""

from collections import Counter
from dataclasses import replace

from flows import content_files
from flows.conversation import Conversation, Count
from flows.questions import journey
from flows.questions.questionnaire import Question


def counts(before: Conversation, after: Conversation) -> tuple[Count, ...]:
    """Return what to count after a turn: asked, answered, stopped and left, each once a draft.

    `asked` is a question shown for the first time in a draft, `answered` its first answer,
    `stopped` a draft that cannot go on here, `left` one that is put aside at a question.
    """
    if _stands(before) == _stands(after):
        return ()
    was_open = journey.open_question(before) if before.journey else None
    return (
        *_answered(before, after, was_open),
        *_asked(before, after, was_open),
        *_ended(before, after, was_open),
    )


def key(conversation: Conversation, *more: str) -> str:
    """Return what a count is kept under: "<journey>/<wording version>", and more behind it."""
    version = content_files.version(conversation.language)
    return "/".join((conversation.journey, version, *more))


def _stands(conversation: Conversation) -> tuple[object, ...]:
    return (
        conversation.stage,
        conversation.journey,
        conversation.began,
        conversation.looking_at,
        len(conversation.answers),
    )


def _asked(
    before: Conversation, after: Conversation, was_open: Question | None
) -> tuple[Count, ...]:
    one = journey.open_question(after) if after.stage == "asking" else None
    if one is None or journey.latest(after, one.key)[1] is not None:
        return ()
    if _same_draft(before, after) and (one == was_open or _was_shown(before, one)):
        return ()
    return (Count("asked", key(after, one.key)),)


def _answered(
    before: Conversation, after: Conversation, was_open: Question | None
) -> tuple[Count, ...]:
    """Count the question that stood open, when this turn answered it for the first time."""
    grew = len(after.answers) > len(before.answers) and _same_draft(before, after)
    if was_open is None or not grew or journey.latest(before, was_open.key)[1]:
        return ()
    if journey.latest(after, was_open.key)[1] is None:
        return ()
    return (Count("answered", key(before, was_open.key)),)


def _ended(
    before: Conversation, after: Conversation, was_open: Question | None
) -> tuple[Count, ...]:
    if after.stage == "stopped" != before.stage:
        return (Count("stopped", key(after, after.stopped_for)),)
    if before.stage not in ("asking", "checking") or after.stage not in ("paused", "welcome"):
        return ()
    return (Count("left", key(before, was_open.key if was_open else before.stage)),)


def _same_draft(before: Conversation, after: Conversation) -> bool:
    """Return whether the questions of this very draft had begun before the turn."""
    same = (before.began, before.journey) == (after.began, after.journey)
    return same and (before.journey != "self" or before.consented_at is not None)


def _was_shown(conversation: Conversation, one: Question) -> bool:
    """Return whether a question without an answer stood open earlier in this draft.

    Answers are events: where one was given twice, what was open before it follows from the
    events before it.
    """
    given = Counter(answer.question for answer in conversation.answers)
    last = len(conversation.answers)
    first = 0 if any(n > 1 for n in given.values()) else last + (not conversation.looking_at)
    return any(
        journey.first_unanswered(
            replace(conversation, answers=conversation.answers[:n], looking_at="")
        )
        == one
        for n in range(first, last + 1)
    )
