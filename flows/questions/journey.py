"""Which questions apply, which is open, which answers count. Position follows from the answers."""

from collections.abc import Callable
from dataclasses import replace

from flows.conversation import Answer, Conversation, Given
from flows.questions.questionnaire import Question, is_asked, question, questions

Counting = dict[str, Answer]


def counting(conversation: Conversation) -> Counting:
    """Return the answers that count, by question, in the order asked.

    An answer counts while its question is on the path, its option still exists, and nothing
    that it rests on has changed since it was given.
    """
    found: Counting = {}
    for one in on_paper(conversation.journey):
        if not _applies(one, conversation, found):
            continue
        index, answer = latest(conversation, one.key)
        if answer and _still_fits(one, answer) and index > _last_change(conversation, one.rests_on):
            found[one.key] = answer
    return found


def path(conversation: Conversation) -> tuple[Question, ...]:
    """Return the questions that apply to this person now, in order."""
    found = counting(conversation)
    return tuple(
        one for one in on_paper(conversation.journey) if _applies(one, conversation, found)
    )


def open_question(conversation: Conversation) -> Question | None:
    """Return the question that waits for an answer, or None when nothing is left."""
    if conversation.looking_at and is_asked(conversation.looking_at):
        looked_at = question(conversation.looking_at)
        if looked_at in in_chat(conversation):
            return looked_at
    return first_unanswered(conversation)


def first_unanswered(conversation: Conversation) -> Question | None:
    """Return the first question on the path without an answer that counts."""
    found = counting(conversation)
    for one in in_chat(conversation):
        if one.key not in found and (not one.offered or wanted(found, "details")):
            return one
    return None


def in_chat(conversation: Conversation) -> tuple[Question, ...]:
    """Return the questions on the path that may be asked and shown in the chat itself."""
    hidden = not conversation.details_in_chat
    return tuple(one for one in path(conversation) if not (hidden and one.when == DETAILS))


def before(conversation: Conversation) -> Question | None:
    """Return the question before the open one (or the last one, at the check), if there is one."""
    shown = [one for one in in_chat(conversation) if _shown(one, conversation)]
    now_open = open_question(conversation)
    if now_open in shown:
        shown = shown[: shown.index(now_open)]
    return shown[-1] if shown else None


def reopened_by(conversation: Conversation, answer: Answer) -> tuple[Question, ...]:
    """Return the answered questions that this changed answer would ask again."""
    found = counting(conversation)
    changed = replace(conversation, answers=(*conversation.answers, answer))
    still = counting(changed)
    lost = set(found) - set(still)
    return tuple(one for one in in_chat(changed) if one.key in lost and not one.silent)


def old_answer(conversation: Conversation, one: Question) -> Answer | None:
    """Return what was answered here before, if it would still fit."""
    _, answer = latest(conversation, one.key)
    return answer if answer and _still_fits(one, answer) else None


def latest(conversation: Conversation, key: str) -> tuple[int, Answer | None]:
    """Return the newest answer to a question and its place among the events."""
    for index in range(len(conversation.answers) - 1, -1, -1):
        if conversation.answers[index].question == key:
            return index, conversation.answers[index]
    return -1, None


def on_paper(journey: str) -> tuple[Question, ...]:
    """Return every question that this journey might ask, in order."""
    return tuple(one for one in questions() if journey in one.journeys)


def wanted(found: Counting, key: str) -> bool:
    """Return whether the answer to a yes-or-no question counts and is yes."""
    return key in found and found[key].value == "yes"


def _applies(one: Question, conversation: Conversation, found: Counting) -> bool:
    named = all(key in found and found[key].value in values for key, values in one.only_if)
    return named and (not one.when or CONDITIONS[one.when](conversation, found))


def _shown(one: Question, conversation: Conversation) -> bool:
    return not one.offered or latest(conversation, one.key)[1] is not None


def _still_fits(one: Question, answer: Answer) -> bool:
    if answer.given != Given.SAID or not one.options:
        return True
    return answer.value in one.options


def _last_change(conversation: Conversation, keys: tuple[str, ...]) -> int:
    changed = -1
    seen: dict[str, tuple[str, Given]] = {}
    for index, answer in enumerate(conversation.answers):
        if answer.question in keys:
            said = (answer.value, answer.given)
            if seen.get(answer.question, said) != said:
                changed = index
            seen[answer.question] = said
    return changed


# --- conditions that "only_if" cannot say; content/questions.toml calls them by name


def _harm_may_go_on(_: Conversation, found: Counting) -> bool:
    harm, how = found.get("harm"), found.get("relationship")
    at_home = harm is not None and harm.value in ("domestic", "sexual")
    return at_home or (how is not None and how.value in ("partner", "ex_partner", "family"))


def _a_number_is_needed(conversation: Conversation, found: Counting) -> bool:
    if conversation.journey == "callback":
        return True
    return "way" in found and found["way"].value in ("call", "text")


def _someone_may_answer(conversation: Conversation, found: Counting) -> bool:
    if "number" not in found or found["number"].given != Given.SAID:
        return False
    return conversation.journey == "callback" or found["way"].value == "call"


def _not_a_dispute(_: Conversation, found: Counting) -> bool:
    return "harm" not in found or found["harm"].value != "dispute"


def _only_victims_may_ask(_: Conversation, found: Counting) -> bool:
    offence, how = found.get("offence"), found.get("in_relationship")
    by_kind = offence is not None and offence.value in ("domestic", "sexual")
    return by_kind or (how is not None and how.value in ("now", "before"))


def _officer_is_new(conversation: Conversation, _: Counting) -> bool:
    return conversation.officer is None


def _details_may_be_given(conversation: Conversation, _: Counting) -> bool:
    """Details may stand in the chat, or were given on a private page and never show in it."""
    return conversation.details_in_chat or conversation.by_page


DETAILS = "details_may_stand_in_chat"
CONDITIONS: dict[str, Callable[[Conversation, Counting], bool]] = {
    "harm_may_go_on": _harm_may_go_on,
    "a_number_is_needed": _a_number_is_needed,
    "someone_may_answer": _someone_may_answer,
    "not_a_dispute": _not_a_dispute,
    "only_victims_may_ask": _only_victims_may_ask,
    "officer_is_new": _officer_is_new,
    DETAILS: _details_may_be_given,
}
