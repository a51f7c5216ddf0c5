"""What the daily counts learn of a turn: numbers for the funnel, never a word of anybody."""

from collections import Counter
from dataclasses import replace

from flows import content_files, journey
from flows.conversation import Conversation, Count


def counts(before: Conversation, after: Conversation) -> tuple[Count, ...]:
    """Return what to count after a turn: asked, answered, stopped and left, each once a draft.

    `asked` is a question shown for the first time in a draft, `answered` its first answer,
    `stopped` a draft that cannot go on here, `left` one that is put aside at a question.
    """
    return (*_answered(before, after), *_asked(before, after), *_ended(before, after))


def key(conversation: Conversation, *more: str) -> str:
    """Return what a count is kept under: "<journey>/<wording version>", and more behind it."""
    version = content_files.version(conversation.language)
    return "/".join((conversation.journey, version, *more))


def _asked(before: Conversation, after: Conversation) -> tuple[Count, ...]:
    one = journey.open_question(after) if after.stage == "asking" else None
    if one is None or journey.latest(after, one.key)[1] is not None:
        return ()
    if _same_draft(before, after) and one.key in _shown(before):
        return ()
    return (Count("asked", key(after, one.key)),)


def _answered(before: Conversation, after: Conversation) -> tuple[Count, ...]:
    """Count the question that stood open, when this turn answered it for the first time."""
    if not _same_draft(before, after) or len(after.answers) <= len(before.answers):
        return ()
    one = journey.open_question(before)
    if one is None or journey.latest(before, one.key)[1] or not journey.latest(after, one.key)[1]:
        return ()
    return (Count("answered", key(before, one.key)),)


def _ended(before: Conversation, after: Conversation) -> tuple[Count, ...]:
    if after.stage == "stopped" != before.stage:
        return (Count("stopped", key(after, after.stopped_for)),)
    if before.stage not in ("asking", "checking") or after.stage not in ("paused", "welcome"):
        return ()
    one = journey.open_question(before)
    return (Count("left", key(before, one.key if one else before.stage)),)


def _same_draft(before: Conversation, after: Conversation) -> bool:
    """Return whether the questions of this very draft had begun before the turn."""
    same = (before.began, before.journey) == (after.began, after.journey)
    return same and (before.journey != "self" or before.consented_at is not None)


def _shown(conversation: Conversation) -> set[str]:
    """Return the questions without an answer that were open at some point of this draft.

    Answers are events: where one was given twice, what was open before it follows from the
    events before it.
    """
    given = Counter(answer.question for answer in conversation.answers)
    last = len(conversation.answers)
    first = 0 if any(n > 1 for n in given.values()) else last
    opened = [journey.open_question(conversation)]
    for n in range(first, last + 1):
        then = replace(conversation, answers=conversation.answers[:n], looking_at="")
        opened.append(journey.first_unanswered(then))
    return {one.key for one in opened if one}
