"""The same questions as one form: drawn from questions.toml, read by kinds."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from flows.conversation import Answer, Conversation, Filled, Given, Heard, Hearing
from flows.questions import answer_types, journey
from flows.questions.answer_types import Read, Slip, Unread
from flows.questions.questionnaire import Question, is_asked, question
from flows.referral import rules
from flows.scenes import sent
from flows.scenes.answering import read_answer
from flows.scenes.registry import SHOWS
from flows.wording import say

SPECIAL = "special:"
"""Stands before a way not to answer, such as "special:not_sure"."""
LEFT = f"{SPECIAL}{Given.SKIPPED}"
_SETTLED = ("officer_is_new", journey.DETAILS)
"""Conditions that hang on who is there, and not on another answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as a page asks it.

    `options` and `also` are values with their labels; `also` are ways not to answer. `optional`
    ones may be left empty. It applies only if each question in `only_if` has one of the answers
    there, and, where `when` is not "", only when that condition of journey.py says so. `value`
    is what is answered now, as it would be filled in.
    """

    key: str
    kind: str
    title: str
    ask: str
    why: str
    options: tuple[tuple[str, str], ...]
    also: tuple[tuple[str, str], ...]
    optional: bool
    only_if: tuple[tuple[str, tuple[str, ...]], ...]
    when: str
    value: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one answer: `why` is a key under errors, with its blanks."""

    question: str
    why: str
    blanks: tuple[tuple[str, object], ...] = ()


def form_of(conversation: Conversation, only: Collection[str] | None = None) -> tuple[Asked, ...]:
    """Return the questions that a page of this conversation may ask, in their order.

    Those that apply only after another answer are among them; what only steers is not.
    """
    found = journey.counting(_on_a_page(conversation))
    return tuple(
        _asked(one, conversation, found.get(one.key))
        for one in _questions(conversation)
        if only is None or one.key in only
    )


def typed_on_the_path(conversation: Conversation) -> tuple[str, ...]:
    """Return which questions a private page is for: words to type, on the path as it is now.

    For an officer that is also what may never stand in the chat.
    """
    own = _on_a_page(conversation)
    found = journey.counting(own)
    return tuple(
        one.key
        for one in journey.path(own)
        if one.when == journey.DETAILS or (not one.options and not _was_said(one, found))
    )


def read_form(
    conversation: Conversation, filled: Filled, now: datetime
) -> tuple[Conversation, tuple[Problem, ...]]:
    """Return the conversation with every answer that could be read, and what could not be.

    They are taken in the order of the questions. What is off the path is left out; an answer
    that is there already is not given again.
    """
    given = dict(filled)
    own, problems = _on_a_page(conversation), list[Problem]()
    for one in journey.on_paper(own.journey):
        typed = given.get(one.key)
        if typed is None or one not in journey.path(own):
            continue
        reading = _reading(one, typed, own.language)
        if isinstance(reading, Problem):
            problems.append(reading)
        elif not _is_said_already(own, one, reading):
            answers = (*own.answers, read_answer(own, one, reading, now))
            own = replace(own, answers=answers, looking_at="")
    return own, tuple(problems)


def whole(conversation: Conversation, filled: Filled) -> Filled:
    """Return a whole form with what was left empty said outright, where it may be left empty.

    The question whether somebody wants the extra questions is answered by their answers.
    """
    given = {key: typed for key, typed in filled if typed.strip()}
    asked = [one for one in journey.on_paper(conversation.journey) if not one.offered]
    for one in asked:
        if one.silent:
            wants = any(other.key in given and _opened_by(other, one) for other in asked)
            given[one.key] = one.options[0] if wants else LEFT
        elif Given.SKIPPED in one.also:
            given.setdefault(one.key, LEFT)
    return tuple(given.items())


def missing(conversation: Conversation) -> tuple[Question, ...]:
    """Return the questions on the path that a whole form has left without an answer."""
    own = _on_a_page(conversation)
    found = journey.counting(own)
    return tuple(
        one
        for one in journey.path(own)
        if one.key not in found and not one.offered and not _may_be_left(one)
    )


def stops(conversation: Conversation) -> bool:
    """Return whether the answers so far say that it cannot go on here."""
    return bool(rules.stop_reason(rules.facts_of(conversation)))


def why_not(conversation: Conversation) -> str:
    """Return why it cannot go on with these answers, in the chat's own words; "" when it can."""
    reason = rules.stop_reason(rules.facts_of(conversation))
    return outcome(replace(conversation, stage="stopped", stopped_for=reason)) if reason else ""


def lines(conversation: Conversation) -> tuple[tuple[str, str], ...]:
    """Return each answer that counts, as a title and what was said."""
    found = journey.counting(_on_a_page(conversation))
    return tuple(
        (one.says(conversation.language, "title").rstrip("*"), found[one.key].label)
        for one in journey.on_paper(conversation.journey)
        if one.key in found and not one.silent and found[one.key].given != Given.SKIPPED
    )


def problems_of(conversation: Conversation) -> tuple[Problem, ...]:
    """Return a problem for each question of a whole form that still needs an answer."""
    return tuple(
        Problem(one.key, _why(one.kind), (("example", answer_types.PHONE_EXAMPLE),))
        for one in missing(conversation)
    )


def outcome(conversation: Conversation) -> str:
    """Return what the chat says where a conversation stands, for a page that says it as well."""
    heard = Heard(Hearing.FILLED)
    show = sent.show_thanks if conversation.stage == "sent" else SHOWS[conversation.stage]
    return show(conversation, heard).replies[-1].text


def is_field(name: str) -> bool:
    """Return whether a form of ours may have a field of this name."""
    return is_asked(name)


def words_typed(filled: Filled) -> tuple[str, ...]:
    """Return whatever in a form may be somebody's own words: all that we do not offer."""
    return tuple(
        typed
        for key, typed in filled
        if typed and not (is_asked(key) and _is_offered(question(key), typed))
    )


def _is_offered(one: Question, typed: str) -> bool:
    return typed in one.options or typed in [f"{SPECIAL}{given}" for given in Given]


def _on_a_page(conversation: Conversation) -> Conversation:
    return replace(conversation, by_page=True)


def _questions(conversation: Conversation) -> tuple[Question, ...]:
    own = _on_a_page(conversation)
    settled = {name: journey.CONDITIONS[name](own, {}) for name in _SETTLED}
    return tuple(
        one
        for one in journey.on_paper(own.journey)
        if not one.silent and settled.get(one.when, True)
    )


def _asked(one: Question, conversation: Conversation, answer: Answer | None) -> Asked:
    language = conversation.language
    silent = [other.key for other in journey.on_paper(conversation.journey) if other.silent]
    return Asked(
        key=one.key,
        kind=one.kind,
        title=one.says(language, "title"),
        ask=one.says(language, "ask"),
        why=one.says(language, "why"),
        options=tuple((option, one.option(language, option)) for option in one.options),
        also=tuple(
            (f"{SPECIAL}{given}", say(language, f"scenes.asking.{given}"))
            for given in one.also
            if given != Given.SKIPPED
        ),
        optional=_may_be_left(one),
        only_if=tuple((key, values) for key, values in one.only_if if key not in silent),
        when="" if one.when in _SETTLED else one.when,
        value=_value(answer),
    )


def _value(answer: Answer | None) -> str:
    if answer is None or answer.given == Given.SKIPPED:
        return ""
    return answer.value if answer.given == Given.SAID else f"{SPECIAL}{answer.given}"


def _may_be_left(one: Question) -> bool:
    return one.offered or Given.SKIPPED in one.also or one.when == journey.DETAILS


def _opened_by(one: Question, silent: Question) -> bool:
    return any(key == silent.key for key, _ in one.only_if)


def _was_said(one: Question, found: Mapping[str, Answer]) -> bool:
    return one.key in found and found[one.key].given == Given.SAID


def _is_said_already(conversation: Conversation, one: Question, reading: Read) -> bool:
    found = journey.counting(conversation).get(one.key)
    return found is not None and (found.value, found.given) == (reading.value, reading.given)


def _reading(one: Question, typed: str, language: str) -> Read | Problem:
    if typed.startswith(SPECIAL):
        return _special(one, typed.removeprefix(SPECIAL), language)
    if typed in one.options:
        return answer_types.chosen(one, typed, language)
    if len(typed) > answer_types.TYPED_MAX:
        return Problem(
            one.key, "chat.page_too_long", (("n", len(typed)), ("max", answer_types.TYPED_MAX))
        )
    reading = answer_types.read(one, typed, language)
    match reading:
        case Read():
            return reading
        case Slip(option):
            return Problem(one.key, "choice.meant", (("option", one.option(language, option)),))
        case Unread(why, blanks):
            return Problem(one.key, _why(why), blanks)


def _special(one: Question, named: str, language: str) -> Read | Problem:
    not_said = [given.value for given in Given if given != Given.SAID]
    if named not in not_said:
        return Problem(one.key, "choice.pick")
    return answer_types.special(Given(named), language)


_ON_A_PAGE = {
    "choice": "choice.pick",
    "contact": "contact.page",
    "line": "line.page",
    "words": "words.empty",
    "note.empty": "note.page_empty",
    "note.too_long": "note.page_too_long",
}
"""What is said in other words on a page: it has no buttons to press, and no message above."""


def _why(why: str) -> str:
    whole = why if "." in why else f"{why}.first"
    return _ON_A_PAGE.get(why, whole)
